"""UDP of a peer process: it answers, and calls nobody."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from portravox.service.worker import peer_network
from portravox.service.worker.peer_network import (
    HEARD_MOST,
    Guard,
    GuardedTransport,
    PeerLoop,
    announcing,
    any_address,
    is_usable,
    may_be_answered,
    without_addresses,
)

OFFER = (
    "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
    "a=candidate:1 1 udp 2113937151 10.0.0.1 5353 typ host\r\n"
    "a=candidate:2 1 udp 2113937151 0a1b2c3d-0000-4000-8000-000000000000.local 9 typ host\r\n"
    "A=CANDIDATE:3 1 udp 1 169.254.169.254 80 typ host\r\n"
    "a=remote-candidates:1 10.0.0.1 5353\r\na=end-of-candidates\r\na=ice-ufrag:abcd\r\n"
)


def test_an_offer_names_nobody_to_call() -> None:
    told = without_addresses(OFFER)
    assert "candidate" not in told.lower() and ".local" not in told and "10.0.0.1" not in told
    assert told.endswith("a=ice-ufrag:abcd\r\n") and told.startswith("v=0\r\n")


def test_an_answer_tells_the_address_that_the_operator_named_once_for_each_port() -> None:
    answer = (
        "m=audio 5000\r\na=candidate:a 1 udp 2130706431 0.0.0.0 5000 typ host\r\n"
        "a=candidate:a 1 udp 2130706431 0.0.0.0 5000 typ host\r\na=mid:0\r\na=mid:0\r\n"
    )
    told = announcing(answer, "203.0.113.7")
    assert told.count("a=candidate:a 1 udp 2130706431 203.0.113.7 5000 typ host\r\n") == 1
    assert "0.0.0.0" not in told and told.count("a=mid:0") == 2


@pytest.mark.parametrize(
    ("host", "may"),
    [
        ("192.168.1.7", True),
        ("203.0.113.9", True),
        ("2001:db8::1", True),
        ("127.0.0.1", True),
        ("169.254.169.254", False),
        ("fe80::1%eth0", False),
        ("224.0.0.251", False),
        ("0.0.0.0", False),
        ("no address", False),
    ],
)
def test_a_senders_address_is_one_machines_and_no_service_of_a_cloud(host: str, may: bool) -> None:
    assert may_be_answered(host) is may


def test_addresses_of_one_link_alone_are_not_told() -> None:
    assert is_usable("10.1.2.3") and is_usable("2001:db8::1")
    assert not is_usable("169.254.3.4") and not is_usable("fe80::1") and not is_usable("0.0.0.0")
    assert (any_address("203.0.113.7"), any_address("2001:db8::7")) == ("0.0.0.0", "::")


class Protocol(asyncio.DatagramProtocol):
    """Notes what comes."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, GuardedTransport)
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[object, int]) -> None:
        self.heard.append(data)


@pytest.fixture
def loop() -> Iterator[PeerLoop]:
    made = PeerLoop()
    yield made
    made.run_until_complete(asyncio.sleep(0))  # transports that are closed end
    made.close()


def stranger() -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind(("127.0.0.1", 0))
    opened.settimeout(0.2)
    return opened


def test_a_socket_answers_those_it_heard_and_nobody_else(loop: PeerLoop) -> None:
    async def talk() -> None:
        transport, protocol = await loop.create_datagram_endpoint(
            Protocol, local_addr=("127.0.0.1", 0)
        )
        assert isinstance(protocol, Protocol) and protocol.transport is not None
        own = transport.get_extra_info("sockname")
        with stranger() as caller, stranger() as other:
            for address in (caller.getsockname(), other.getsockname(), None):
                protocol.transport.sendto(b"unasked", address)
            before = loop.heard_at
            caller.sendto(b"hello", own)
            caller.sendto(b"", own)
            for _ in range(50):
                await asyncio.sleep(0.01)
                if protocol.heard:
                    break
            assert protocol.heard == [b"hello"] and loop.heard_at > before
            protocol.transport.sendto(b"answer", caller.getsockname())
            assert caller.recv(100) == b"answer"
            with pytest.raises(TimeoutError):
                other.recv(100)
        transport.close()

    loop.run_until_complete(talk())


def test_only_the_latest_callers_are_remembered() -> None:
    guard = Guard(Protocol(), lambda: None)
    for port in range(1, HEARD_MOST + 2):
        guard.datagram_received(b"x", ("127.0.0.1", port))
    assert not guard.has_heard(("127.0.0.1", 1))
    assert guard.has_heard(("127.0.0.1", 2)) and guard.has_heard(("127.0.0.1", HEARD_MOST + 1))
    assert not guard.has_heard(("127.0.0.2", 2))


def test_there_are_no_sockets_of_another_kind(loop: PeerLoop) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as given:
        for asked in ({"sock": given}, {"remote_addr": ("127.0.0.1", 9)}, {}):
            with pytest.raises(OSError, match="UDP sockets of this process"):
                loop.run_until_complete(loop.create_datagram_endpoint(Protocol, **asked))  # type: ignore[arg-type]


def test_ports_are_those_that_the_operator_named(
    loop: PeerLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stranger() as taken:
        first = taken.getsockname()[1]
        loop.use_ports(range(first, first + 1))
        with pytest.raises(OSError):
            loop.run_until_complete(
                loop.create_datagram_endpoint(Protocol, local_addr=("127.0.0.1", 0))
            )
    monkeypatch.setattr(peer_network, "_PORT_TRIES", 1)
    transport, _ = loop.run_until_complete(
        loop.create_datagram_endpoint(Protocol, local_addr=("127.0.0.1", 0))
    )
    assert transport.get_extra_info("sockname")[1] == first
    transport.close()
