"""What is tried again, and what it means to the user where it was in vain."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from portravox.client.access import Access
from portravox.client.connection import LONGEST_PAUSE_S, PAUSES_S, Connection, Patience
from portravox.client.errors import RequestRefused, ServerFailed
from tests.client.fake_server import done, refusal

BUSY = ("Throttling.RateQuota", "Requests rate limit exceeded, please try again later.")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_or_broken_server_is_asked_again(server, connect, waited, status):
    server.faults = [refusal(status, *BUSY), refusal(status, *BUSY), done({"a": 1})]
    assert connect().call("GET", "/tasks")["a"] == 1
    assert len(waited.pauses_s) == 2
    assert all(BUSY[0] in reason for reason in waited.reasons)


def test_pauses_grow_and_are_never_the_same_for_all(server, connect, waited):
    server.faults = [refusal(503, *BUSY) for _ in range(5)]
    with pytest.raises(ServerFailed, match="Throttling"):
        connect().call("GET", "/tasks")
    assert len(server.requests) == len(PAUSES_S) + 1
    for slept_s, most_s in zip(waited.pauses_s, PAUSES_S, strict=True):
        assert 0.5 * most_s <= slept_s <= most_s
    ratios = {slept_s / most_s for slept_s, most_s in zip(waited.pauses_s, PAUSES_S, strict=True)}
    assert len(ratios) == len(PAUSES_S)


def test_a_server_may_ask_for_a_longer_pause_within_reason(server, connect, waited):
    wishes = ["7", "9999", "Wed, 21 Oct 2026 07:28:00 GMT"]
    server.faults = [refusal(429, *BUSY, **{"Retry-After": wish}) for wish in wishes]
    server.faults.append(done({}))
    connect().call("GET", "/tasks")
    assert waited.pauses_s[:2] == [7.0, LONGEST_PAUSE_S]
    assert waited.pauses_s[2] <= PAUSES_S[2]


def test_what_is_refused_is_refused_at_once(server, connect, waited):
    server.faults = [refusal(400, "InvalidParameter", "Field required: input.image_url")]
    with pytest.raises(RequestRefused) as caught:
        connect().call("POST", "/x")
    assert str(caught.value) == "InvalidParameter: Field required: input.image_url (request r-1)"
    assert caught.value.server_code == "InvalidParameter"
    assert waited.pauses_s == []


def test_a_missing_key_is_answered_with_how_to_give_one(connect):
    with pytest.raises(RequestRefused) as caught:
        connect(api_key=None).call("GET", "/tasks")
    assert "PORTRAVOX_API_KEY" in caught.value.hint


def test_a_server_that_is_away_is_waited_for(server, connect, waited):
    server.faults = [httpx.ConnectError("refused"), httpx.ReadTimeout(""), done({})]
    connect().call("GET", "/tasks")
    assert waited.reasons == [
        "cannot reach maker.example: refused",
        "lost maker.example: ReadTimeout",
    ]


def test_what_may_not_be_done_twice_is_repeated_only_if_it_was_not_done(server, connect):
    server.faults = [httpx.ConnectError("refused"), done({"a": 1})]
    assert connect().call("POST", "/x", repeat_lost=False)["a"] == 1
    server.faults = [httpx.ReadError("reset"), done({})]
    with pytest.raises(ServerFailed, match=r"lost maker\.example") as caught:
        connect().call("POST", "/x", repeat_lost=False)
    assert "portravox client list" in caught.value.hint
    assert len(server.faults) == 1


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[1]),
        httpx.Response(301, headers={"Location": "https://elsewhere"}),
    ],
    ids=["html", "list", "redirect"],
)
def test_an_answer_that_is_none_asks_for_the_base_url(server, connect, answer):
    server.faults = [answer]
    with pytest.raises(ServerFailed) as caught:
        connect().call("GET", "/tasks")
    assert caught.value.hint == "Is the base URL right?"


@pytest.fixture
def here():
    """A server on this machine; gives its base URL."""

    class Yes(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Yes) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/api/v1"
        server.shutdown()
        thread.join()


def test_no_proxy_is_asked_for_a_server_on_this_machine(here, monkeypatch, waited):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    patience = Patience(sleep=waited.pauses_s.append)
    with Connection(Access(base_url=here), patience=patience) as connection:
        assert connection.call("GET", "/tasks") == {}
    elsewhere = Access(base_url="http://maker.example/api/v1")
    with (
        Connection(elsewhere, patience=patience) as connection,
        pytest.raises(ServerFailed, match=r"cannot reach maker\.example"),
    ):
        connection.call("GET", "/tasks")


def test_a_refusal_in_another_form_tells_its_status(server, connect):
    server.faults = [httpx.Response(413, text="<html>")]
    with pytest.raises(RequestRefused, match="HTTP 413: Request Entity Too Large"):
        connect().call("POST", "/x")
