"""The way to an app: through a proxy, and over TLS that somebody vouches for."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from http_kit import Peer, drips, failure, http, says

from scim_bridge.errors import NeedsAttention, Transient


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1 that signs itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    pem, pkcs8, plain = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file.write_bytes(key.private_bytes(pem, pkcs8, plain) + made.public_bytes(pem))
    return file


@pytest.fixture
def secure_url(certificate: Path) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secure:
                secure.recv(65536)
                says("200 OK")(secure, b"")

        threading.Thread(target=serve, daemon=True).start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"


class TestProxy:
    def test_the_proxy_of_the_environment_is_used(
        self, peer: Callable[..., Peer], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        proxy = peer(says("200 OK", b"[1]"))
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert http("http://app.invalid").call("GET", "/things").data == [1]
        assert proxy.requests[0].startswith(b"GET http://app.invalid/things HTTP/1.1")

    def test_a_call_through_a_proxy_ends_too(self, peer: Callable[..., Peer], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTP_PROXY", peer(drips(b"HTTP/1.1 200 OK\r\nX-Drip: ", b"x")).url)
        error = failure(Transient, lambda: http("http://app.invalid", total_s=0.3).call("POST", "/"))
        assert "within 0.3 s" in error.message

    def test_a_proxy_that_is_down_surely_did_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free.getsockname()[1]}")
        assert not failure(Transient, lambda: http("http://app.invalid").call("POST", "/")).maybe_done


class TestTls:
    def test_a_certificate_that_nobody_vouches_for_needs_attention(self, secure_url: str) -> None:
        error = failure(NeedsAttention, lambda: http(secure_url).call("POST", "/"))
        assert "certificate is not trusted" in error.message

    def test_your_own_authority_can_be_named(
        self, secure_url: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        assert http(secure_url).call("GET", "/").status == 200

    def test_a_handshake_that_drips_ends(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:

            def drip() -> None:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):
                    connection.sendall(b"\x16\x03\x03\x40\x00")  # a long handshake record begins
                    while True:
                        connection.sendall(b"\x00")
                        time.sleep(0.02)  # the fault itself: a byte now and then

            threading.Thread(target=drip, daemon=True).start()
            client = http(f"https://127.0.0.1:{listener.getsockname()[1]}", total_s=0.3)
            started = time.monotonic()
            failure(Transient, lambda: client.call("POST", "/"))
            assert time.monotonic() - started < 1.5
