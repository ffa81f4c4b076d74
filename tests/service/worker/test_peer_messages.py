"""Messages of peer processes: what is sent is what is read, and nothing else is."""

from __future__ import annotations

import json

import pytest

from portravox.service.worker import peer_messages as peer
from portravox.service.worker.live_messages import HEAD
from portravox.service.worker.messages import PeerRequest, ProtocolViolation, decode_request, encode

SAID = (
    peer.Answered(sdp="v=0\r\n"),
    peer.Unfit(),
    peer.Said('{"type": "start"}'),
    peer.Said(""),
    peer.Heard(b"\x01\x02"),
    peer.Lost(),
)
ASKED = (peer.Tell("ü"), peer.Frame(bytes(range(256))), peer.Hang())


@pytest.mark.parametrize("said", SAID, ids=lambda said: type(said).__name__)
def test_what_a_process_says_arrives(said: peer.PeerEvent) -> None:
    part = peer.encode_peer(said)
    head, payload = part[: HEAD.size], part[HEAD.size :]
    assert peer.size_of_peer_part(head) == len(payload)
    assert peer.decode_peer(head, payload) == said


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: type(asked).__name__)
def test_what_a_process_is_asked_arrives(asked: peer.PeerCommand) -> None:
    part = b"".join(peer.command_parts(asked))
    head, payload = part[: HEAD.size], part[HEAD.size :]
    assert peer.size_of_command(head) == len(payload)
    assert peer.decode_command(head, payload) == asked


def test_a_request_is_read_as_it_was_written() -> None:
    request = PeerRequest(
        number=1, folder="/f", offer="v=0\r\n", address="", announced="203.0.113.7",
        first_port=5000, last_port=5009, silence_s=10.0,
    )  # fmt: skip
    assert decode_request(encode(request)) == request


def part(**fields: object) -> bytes:
    payload = json.dumps(fields).encode()
    return HEAD.pack(b"J", len(payload)) + payload


ODD = {
    "half a sample": HEAD.pack(b"A", 1) + b"\x00",
    "half a character": HEAD.pack(b"T", 1) + b"\xc3",
    "no JSON": HEAD.pack(b"J", 2) + b"no",
    "another kind": part(kind="opened"),
    "a field more": part(kind="lost", more=1),
    "no answer": part(kind="answered"),
    "an endless answer": part(kind="answered", sdp="x" * (peer.MAX_SDP + 1)),
    "a number": part(kind="answered", sdp=7),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_what_is_not_exactly_a_part_is_refused(odd: bytes) -> None:
    head, payload = odd[: HEAD.size], odd[HEAD.size :]
    with pytest.raises(ProtocolViolation):
        peer.size_of_peer_part(head)
        peer.decode_peer(head, payload)


@pytest.mark.parametrize(
    ("kind", "size"),
    [(b"T", 65_537), (b"A", 65_537), (b"J", 65_537), (b"V", 1), (b"X", 0), (b"\0", 2**32 - 1)],
)
def test_a_part_that_is_too_long_or_of_no_kind_is_not_waited_for(kind: bytes, size: int) -> None:
    with pytest.raises(ProtocolViolation):
        peer.size_of_peer_part(HEAD.pack(kind, size))
