"""One way out: bounded in time and size, sent as often as is safe, answered in families; against real sockets."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from http_kit import Peer, Script, cuts, drips, failure, hangs, http, says

from scim_bridge.contract.http import Answer
from scim_bridge.errors import BridgeError, Conflict, NeedsAttention, Permanent, Transient


class TestAnswers:
    def test_json_status_and_headers_come_back(self, peer: Callable[..., Peer]) -> None:
        answer = http(peer(says("201 Created", b'{"id": 7}', "X-Seen: yes")).url).call("POST", "/things", json={})
        assert (answer.status, answer.data, answer.headers["x-seen"]) == (201, {"id": 7}, "yes")

    def test_an_empty_body_is_none(self, peer: Callable[..., Peer]) -> None:
        assert http(peer(says("200 OK", b"")).url).call("GET", "/").data is None

    def test_the_next_page_is_what_link_says(self, peer: Callable[..., Peer]) -> None:
        link = 'Link: <http://x/?page=2>; rel="next", <http://x/?page=9>; rel="last"'
        assert http(peer(says("200 OK", b"[]", link)).url).call("GET", "/").next_url == "http://x/?page=2"

    def test_without_link_there_is_no_next_page(self, peer: Callable[..., Peer]) -> None:
        assert http(peer(says("200 OK", b"[]")).url).call("GET", "/").next_url is None

    def test_a_body_of_another_shape_is_transient(self, peer: Callable[..., Peer]) -> None:
        answer = http(peer(says("200 OK", b'{"idd": 7}')).url).call("GET", "/things")
        error = failure(Transient, lambda: answer.read(lambda data: data["id"]))
        assert error.message == "GET /things: the app's answer cannot be read (KeyError in its body)"

    def test_headers_are_asked_for_each_request(self, peer: Callable[..., Peer]) -> None:
        tokens = iter(["one", "two"])
        server = peer(says("200 OK"))
        client = http(server.url, headers=lambda: {"Authorization": f"Bearer {next(tokens)}"})
        client.call("GET", "/")
        client.call("GET", "/")
        assert b"Bearer one" in server.requests[0]
        assert b"Bearer two" in server.requests[1]

    def test_a_netrc_of_the_machine_never_replaces_our_token(
        self, peer: Callable[..., Peer], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login mallory password x\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        server = peer(says("200 OK"))
        http(server.url, headers=lambda: {"Authorization": "Bearer ours"}).call("GET", "/")
        assert b"Bearer ours" in server.requests[0]

    def test_connections_are_kept(self, peer: Callable[..., Peer]) -> None:
        hosts = set()

        def note(connection: socket.socket, head: bytes) -> None:
            hosts.add(connection.getpeername())
            says("200 OK")(connection, head)

        client = http(peer(note).url)
        for _ in range(3):
            client.call("GET", "/")
        assert len(hosts) == 1


class TestTime:
    @pytest.mark.parametrize(
        ("before", "drop"),
        [
            (b"HTTP/1.1 200 OK\r\nX-Drip: ", b"x"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b" "),
            (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b" "),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
            (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
        ],
        ids=["headers", "body", "body-until-close", "chunks", "continues"],
    )
    def test_the_whole_call_ends_though_bytes_keep_dripping(
        self, peer: Callable[..., Peer], before: bytes, drop: bytes
    ) -> None:
        client = http(peer(drips(before, drop)).url, total_s=0.3)
        started = time.monotonic()
        error = failure(Transient, lambda: client.call("POST", "/"))
        assert time.monotonic() - started < 1.5
        assert error.maybe_done
        assert "within 0.3 s" in error.message

    def test_a_silent_app_is_left_after_the_read_time(self, peer: Callable[..., Peer]) -> None:
        error = failure(Transient, lambda: http(peer(hangs).url, read_s=0.1).call("POST", "/"))
        assert error.maybe_done
        assert "no answer within 0.1 s" in error.message

    def test_a_read_that_timed_out_did_nothing_and_is_not_repeated(self, peer: Callable[..., Peer]) -> None:
        server = peer(hangs)
        error = failure(Transient, lambda: http(server.url, read_s=0.1).call("GET", "/"))
        assert not error.maybe_done
        assert len(server.requests) == 1

    def test_a_call_in_time_is_not_cut_by_the_one_before(self, peer: Callable[..., Peer]) -> None:
        client = http(peer(drips(b"HTTP/1.1 200 OK\r\nX: ", b"x"), says("200 OK")).url, total_s=0.3)
        failure(Transient, lambda: client.call("POST", "/"))
        assert client.call("GET", "/").status == 200


class TestConnections:
    def test_a_refused_connection_surely_did_nothing(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            url = f"http://127.0.0.1:{free.getsockname()[1]}"
        error = failure(Transient, lambda: http(url).call("POST", "/"))
        assert not error.maybe_done
        assert "refused" in error.message

    def test_an_unknown_host_surely_did_nothing(self) -> None:
        error = failure(Transient, lambda: http("http://app.invalid").call("POST", "/"))
        assert not error.maybe_done

    def test_a_cut_connection_may_have_done_the_write(self, peer: Callable[..., Peer]) -> None:
        server = peer(cuts)
        error = failure(Transient, lambda: http(server.url).call("POST", "/"))
        assert error.maybe_done
        assert len(server.requests) == 1

    def test_a_body_cut_short_may_have_done_the_write(self, peer: Callable[..., Peer]) -> None:
        def half(connection: socket.socket, _head: bytes) -> None:
            connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"id"')
            connection.shutdown(socket.SHUT_RDWR)

        assert failure(Transient, lambda: http(peer(half).url).call("POST", "/")).maybe_done

    def test_what_is_no_http_is_transient(self, peer: Callable[..., Peer]) -> None:
        def other(connection: socket.socket, _head: bytes) -> None:
            connection.sendall(b"220 smtp.example ESMTP\r\n")
            connection.shutdown(socket.SHUT_RDWR)

        failure(Transient, lambda: http(peer(other).url).call("POST", "/"))


class TestRepetition:
    @pytest.mark.parametrize("fault", [says("502 Bad Gateway"), says("503 Busy"), says("504 Late"), cuts])
    def test_a_read_is_sent_again(self, peer: Callable[..., Peer], fault: Script) -> None:
        server = peer(fault, says("200 OK", b"[1]"))
        assert http(server.url).call("GET", "/").data == [1]
        assert len(server.requests) == 2

    def test_a_read_is_given_up_within_two_seconds_and_a_bit(self, peer: Callable[..., Peer]) -> None:
        started = time.monotonic()
        failure(Transient, lambda: http(peer(says("503 Busy")).url).call("GET", "/"))
        assert time.monotonic() - started < 2.5

    @pytest.mark.parametrize("status", ["500 Oops", "503 Busy\r\nRetry-After: 30"], ids=["500", "503-with-a-wait"])
    def test_some_reads_are_not_worth_a_repetition(self, peer: Callable[..., Peer], status: str) -> None:
        server = peer(says(status))
        failure(Transient, lambda: http(server.url).call("GET", "/"))
        assert len(server.requests) == 1

    def test_a_write_is_sent_once(self, peer: Callable[..., Peer]) -> None:
        server = peer(says("502 Bad Gateway"))
        failure(Transient, lambda: http(server.url).call("POST", "/"))
        assert len(server.requests) == 1

    def test_a_post_that_only_reads_is_sent_again(self, peer: Callable[..., Peer]) -> None:
        server = peer(says("502 Bad Gateway"), says("200 OK"))
        http(server.url).call("POST", "/graphql", json={}, writes=False)
        assert len(server.requests) == 2

    def test_before_call_runs_before_every_request(self, peer: Callable[..., Peer]) -> None:
        turns: list[bool] = []
        client = http(peer(says("502 Bad Gateway"), says("200 OK")).url, before_call=turns.append)
        client.call("GET", "/")
        client.call("DELETE", "/")
        assert turns == [False, False, True]

    def test_before_call_may_refuse_and_then_nothing_is_sent(self, peer: Callable[..., Peer]) -> None:
        def refuse(_writes: bool) -> None:
            raise Transient("the lease is over")

        server = peer(says("200 OK"))
        assert (
            failure(Transient, lambda: http(server.url, before_call=refuse).call("GET", "/")).message
            == "the lease is over"
        )
        assert server.requests == []


class TestFamilies:
    @pytest.mark.parametrize(
        ("status", "family", "maybe_done"),
        [
            ("500 Oops", Transient, True),
            ("502 Bad Gateway", Transient, True),
            ("503 Busy", Transient, False),
            ("504 Late", Transient, True),
        ],
    )
    def test_the_apps_own_errors(
        self, peer: Callable[..., Peer], status: str, family: type[BridgeError], maybe_done: bool
    ) -> None:
        error = failure(family, lambda: http(peer(says(status)).url).call("POST", "/"))
        assert error.maybe_done == maybe_done
        assert not error.whole_hub

    def test_401_needs_attention_and_says_step_cause_and_way_out(self, peer: Callable[..., Peer]) -> None:
        body = b'{"message": "Bad credentials"}'
        error = failure(NeedsAttention, lambda: http(peer(says("401 No", body)).url).call("GET", "/orgs/acme?page=2"))
        assert error.message == "GET /orgs/acme: the app refuses the credential (401): Bad credentials"
        assert "hub probe" in error.advice

    @pytest.mark.parametrize(
        ("header", "wait_s"),
        [("Retry-After: 17", 17), ("Retry-After: Sun, 22 Nov 2026 12:01:30 GMT", 90), ("X-No: wait", 60)],
        ids=["seconds", "date", "none"],
    )
    def test_429_rests_the_whole_hub(self, peer: Callable[..., Peer], header: str, wait_s: float) -> None:
        error = failure(Transient, lambda: http(peer(says("429 Slow", b"{}", header)).url).call("POST", "/"))
        assert (error.whole_hub, error.retry_after_s) == (True, wait_s)

    def test_a_redirect_is_not_followed(self, peer: Callable[..., Peer]) -> None:
        target = peer(says("200 OK"))
        server = peer(says("302 Found", b"", f"Location: {target.url}/"))
        failure(NeedsAttention, lambda: http(server.url).call("GET", "/"))
        assert target.requests == []

    @pytest.mark.parametrize("status", ["400 Bad", "404 None", "409 Conflict", "422 Unprocessable"])
    def test_what_the_adapter_did_not_expect_is_permanent(self, peer: Callable[..., Peer], status: str) -> None:
        failure(Permanent, lambda: http(peer(says(status)).url).call("POST", "/"))

    def test_what_the_adapter_expects_is_its_own(self, peer: Callable[..., Peer]) -> None:
        assert http(peer(says("404 None")).url).call("DELETE", "/", expect=(204, 404)).status == 404

    def test_the_adapter_may_know_better(self, peer: Callable[..., Peer]) -> None:
        def classify(answer: Answer) -> BridgeError | None:
            return Conflict("taken") if answer.status == 409 else None

        client = http(peer(says("409 Conflict")).url, classify=classify)
        assert failure(Conflict, lambda: client.call("POST", "/")).message == "taken"

    def test_garbage_may_have_done_the_write(self, peer: Callable[..., Peer]) -> None:
        error = failure(Transient, lambda: http(peer(says("200 OK", b"<html>")).url).call("POST", "/"))
        assert error.maybe_done
        assert "not JSON" in error.message

    def test_a_proxys_error_page_is_judged_by_its_status(self, peer: Callable[..., Peer]) -> None:
        failure(Permanent, lambda: http(peer(says("404 None", b"<html>")).url).call("POST", "/"))

    def test_a_huge_body_is_left_unread(self, peer: Callable[..., Peer]) -> None:
        client = http(peer(says("200 OK", b" " * 5000)).url, max_body_bytes=1000)
        assert "over 1000 bytes" in failure(Transient, lambda: client.call("GET", "/")).message

    def test_addresses_in_the_apps_words_and_in_paths_are_not_passed_on(self, peer: Callable[..., Peer]) -> None:
        body = b'{"message": "no", "errors": [{"message": "ada@example.com is taken"}, "by <eve@example.com>"]}'
        client = http(peer(says("422 No", body)).url)
        error = failure(Permanent, lambda: client.call("POST", "/users/ada@example.com", params={"q": "x@y.z"}))
        assert "@" not in str(error)
        assert "(address) is taken" in error.message

    def test_a_page_on_another_host_is_not_asked_for(self, peer: Callable[..., Peer]) -> None:
        elsewhere = peer(says("200 OK"))
        client = http(peer(says("200 OK")).url)
        failure(NeedsAttention, lambda: client.call("GET", elsewhere.url + "/?page=2"))
        assert elsewhere.requests == []
