"""The network of a peer process: UDP at given addresses, and an offer without the peer's own.

Flow      worker.peer_child -> PeerLoop -> UDP sockets ; offers and answers as texts

A server that sends packets to whatever address an offer names can be made to knock at any door of
its own network. Here it never calls first: an offer is stripped of its addresses before it is
looked at, and a socket sends to nobody but those from whom it has heard. Who has the password of
the answer, which came over an authenticated request, is found by his own packets (ICE calls such an
address peer-reflexive, RFC 8445, 7.3.1.3).
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final

from portravox.service.fetch.addresses import CLOUD_SERVICES

Address = tuple[str, int]

HEARD_MOST: Final = 64
"""Addresses to which a socket answers: those it heard from last. A browser has one for each of its
networks. Our choice."""

_PORT_TRIES: Final = 20

_ADDRESSES_OF_PEER: Final = re.compile(r"a=(candidate|remote-candidates|end-of-candidates)\b", re.I)
_CANDIDATE: Final = re.compile(r"(a=candidate:\S+ \d+ \S+ \d+ )(\S+)( \d+ typ host)(.*)")


class PeerLoop(asyncio.SelectorEventLoop):
    """An event loop whose UDP sockets answer and never call first. It has no others."""

    def __init__(self, ports: range | None = None) -> None:
        """ports: that sockets are bound to; None: any that is free"""
        super().__init__()
        self._ports = ports
        self.heard_at = time.monotonic()
        """When a packet came last that was answered or was part of the connection."""

    def use_ports(self, ports: range | None) -> None:
        self._ports = ports

    async def create_datagram_endpoint(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], asyncio.DatagramProtocol],
        local_addr: Address | None = None,
        **others: Any,
    ) -> tuple[asyncio.DatagramTransport, asyncio.DatagramProtocol]:
        """A socket at an address of this machine. Raises OSError, also for one of any other kind:
        connected, shared or for many receivers, as names in a local network are asked for with."""
        if local_addr is None or any(others.values()):
            raise OSError("UDP sockets of this process have an address of their own, and no more")
        last: OSError | None = None
        for port in self._tries():
            try:
                transport, guard = await super().create_datagram_endpoint(
                    lambda: Guard(protocol_factory(), self._heard),
                    local_addr=(local_addr[0], port),
                )
                return transport, guard.protocol
            except OSError as error:
                last = error
        raise last or OSError("no port is free")

    def _tries(self) -> Sequence[int]:
        if self._ports is None:
            return (0,)
        return random.sample(self._ports, min(len(self._ports), _PORT_TRIES))

    def _heard(self) -> None:
        self.heard_at = time.monotonic()


class Guard(asyncio.DatagramProtocol):
    """Before a protocol: what it sends goes to those alone from whom something came."""

    def __init__(self, protocol: asyncio.DatagramProtocol, on_heard: Callable[[], None]) -> None:
        self.protocol = protocol
        self._on_heard = on_heard
        self._heard: OrderedDict[Address, None] = OrderedDict()
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport
        self.protocol.connection_made(GuardedTransport(transport, self))

    def connection_lost(self, exc: Exception | None) -> None:
        self.protocol.connection_lost(exc)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        peer = (addr[0], addr[1])
        if not data or not may_be_answered(addr[0]):
            return
        self._heard[peer] = None
        self._heard.move_to_end(peer)
        if len(self._heard) > HEARD_MOST:
            self._heard.popitem(last=False)
        self._on_heard()
        self.protocol.datagram_received(data, addr)

    def error_received(self, exc: Exception) -> None:
        self.protocol.error_received(exc)

    def has_heard(self, address: Address) -> bool:
        return (address[0], address[1]) in self._heard


class GuardedTransport(asyncio.DatagramTransport):
    """A transport that forgets what is for anybody else."""

    def __init__(self, transport: asyncio.DatagramTransport, guard: Guard) -> None:
        super().__init__()
        self._transport = transport
        self._guard = guard

    def sendto(self, data: Any, addr: Any = None) -> None:
        if addr is not None and self._guard.has_heard(addr):
            self._transport.sendto(data, addr)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def close(self) -> None:
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()


def may_be_answered(host: str) -> bool:
    """Whether a sender's address is one machine's, and no service of a cloud: those answer who
    pretends to be them."""
    try:
        address: IPv4Address | IPv6Address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    if address.is_multicast or address.is_unspecified:
        return False
    return not any(address in network for network, _ in CLOUD_SERVICES)


def without_addresses(offer: str) -> str:
    """An offer without the addresses of who made it."""
    lines = (line for line in offer.splitlines() if not _ADDRESSES_OF_PEER.match(line))
    return "\r\n".join(lines) + "\r\n"


def announcing(answer: str, address: str) -> str:
    """An answer that tells another address of this machine, at the same ports; once each."""
    lines: list[str] = []
    for line in answer.splitlines():
        told = _CANDIDATE.sub(rf"\g<1>{address}\g<3>\g<4>", line)
        if told not in lines or not told.startswith("a=candidate"):
            lines.append(told)
    return "\r\n".join(lines) + "\r\n"


def is_usable(host: str) -> bool:
    """Whether an address of this machine can be told to others: not those of one link alone."""
    address = ip_address(host.partition("%")[0])
    return not address.is_link_local and not address.is_unspecified


def any_address(announced: str) -> str:
    """All addresses of this machine, of the kind of another one."""
    return "::" if ip_address(announced).version == 6 else "0.0.0.0"
