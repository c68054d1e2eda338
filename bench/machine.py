"""What the kernel knows of a process: the time it used, the memory it held, the connections it holds (proc(5))."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_LOOPBACK = "0100007F"


def cpu_s(pid: int) -> float:
    """Processor seconds that a process and its living descendants have used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    own_s = (int(fields[11]) + int(fields[12])) / _TICKS
    return own_s + sum(cpu_s(child) for child in children(pid))


def children(pid: int) -> list[int]:
    """Its living children."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in text.split()]


def peak_mib(pid: int) -> float:
    """The most memory that the process held at once (VmHWM), in MiB."""
    return _status_kib(pid, "VmHWM:") / 1024


def forget_peak(pid: int) -> None:
    """Let the peak begin anew from what the process holds now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def holder(port: int, client_port: int, pids: list[int]) -> int | None:
    """Which of ``pids`` holds the server's end of a loopback connection; None: nobody has accepted it yet."""
    ends = (f"{_LOOPBACK}:{port:04X}", f"{_LOOPBACK}:{client_port:04X}")
    for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        if (fields[1], fields[2]) == ends:
            return next((pid for pid in pids if _holds(pid, f"socket:[{fields[9]}]")), None)
    return None


def _holds(pid: int, link: str) -> bool:
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            if entry.readlink().name == link:
                return True
        except FileNotFoundError:  # closed meanwhile
            continue
    return False


def _status_kib(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    raise RuntimeError(f"/proc/{pid}/status has no {name}")
