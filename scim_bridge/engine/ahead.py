"""Fetch the next pages of an app while the ones before are written down.

One batch ahead and no more: what is written costs less than what is fetched, so the app is never waited for twice,
and memory stays that of two batches, however large the app is.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")

_LONGEST_S = 1.0  # a batch of a slow app ends sooner, so that progress shows


def batches(items: Iterator[T], size: int) -> Generator[list[T]]:
    """``items`` in lists of at most ``size``; the one after the next is never begun.

    What ``items`` raises is raised behind the batches before it. Whoever stops early (``close``) waits for the
    item under way. ``items`` runs in a thread of its own, with the caller's context variables.
    """
    context = copy_context()
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        coming = pool.submit(context.run, _fetch, items, size)
        while True:
            batch, error = coming.result()
            if batch and error is None:
                coming = pool.submit(context.run, _fetch, items, size)
            if batch:
                yield batch
            if error is not None:
                raise error
            if not batch:
                return


def _fetch(items: Iterator[T], size: int) -> tuple[list[T], Exception | None]:
    batch: list[T] = []
    until_s = time.monotonic() + _LONGEST_S
    try:
        for item in items:
            batch.append(item)
            if len(batch) >= size or time.monotonic() >= until_s:
                break
    except Exception as error:
        return batch, error
    return batch, None
