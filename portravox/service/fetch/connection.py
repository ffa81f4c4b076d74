"""A connection to an address that was checked, and to no other, with every wait bounded.

Flow      fetch.download -> fetch.connection -> the network
Reads     FetchUrl, AddressPolicy
Gives     a connected socket, with TLS for https, and a reader that http.client can read from

A name is looked up once, and what is dialled is the checked address itself: a resolver that changes
its answer between check and call (DNS rebinding) changes nothing. The name goes into TLS alone. No
proxy is asked, whatever the environment says, for it would look the name up again.
"""

from __future__ import annotations

import io
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from portravox.service.errors import InputDownloadFailed
from portravox.service.fetch.addresses import Address, AddressPolicy, parse_address
from portravox.service.fetch.urls import FetchUrl

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_DIALS = 4
"""Addresses of one name that are tried in turn. Our choice: two of each kind, as resolvers sort."""

Resolve = Callable[[str, int], Sequence[str]]
"""host, port -> every address, as text. Raises OSError."""

Dial = Callable[[Address, int, float], socket.socket]
"""address, port, seconds -> a connected socket. Raises OSError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How long to wait, in seconds, for what. The numbers are the service's own."""

    connect_s: float = 5.0
    """For the resolver, for each address, and for TLS: each of them."""

    first_byte_s: float = 30.0
    """For the first byte of an answer: servers that make a file when it is asked for take longer
    than those that only send it. Our choice."""

    idle_s: float = 10.0
    """For the next byte."""

    total_s: float = 60.0
    """From the first look-up to the last byte, redirects included."""


class Deadline:
    """The moment at which all waiting ends."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    def at_most(self, seconds: float) -> float:
        """The seconds asked for, or those left. Raises TimeoutError where none are left."""
        left = self._ends - time.monotonic()
        if left <= 0.0:
            raise TimeoutError("the whole download took too long")
        return min(seconds, left)


def system_resolve(host: str, port: int) -> list[str]:
    """What the machine's resolver says, hosts file included."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


def system_dial(address: Address, port: int, seconds: float) -> socket.socket:
    """Connect to an address. Nothing is looked up."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(seconds)
        connection.connect((str(address), port))
    except BaseException:
        connection.close()
        raise
    return connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """How the world is reached; tests put their own here."""

    resolve: Resolve = system_resolve
    dial: Dial = system_dial
    tls: Callable[[], ssl.SSLContext] = ssl.create_default_context
    """Certificates and host names are checked, against the machine's authorities."""

    waits: Waits = Waits()


def connect(
    url: FetchUrl, policy: AddressPolicy, network: Network, deadline: Deadline
) -> socket.socket:
    """Connect to the host of a URL, if all its addresses may be called.

    Raises InputDownloadFailed for an address that may not, OSError where no host answers.
    """
    addresses = _checked_addresses(url, policy, network, deadline)
    connection, address = _dial_first(addresses, url.port, network, deadline)
    try:
        if _is_this_machine(connection) and not policy.allows_by_name(address):
            raise InputDownloadFailed(f"{address} is this machine")
        if url.scheme == "https":
            connection.settimeout(deadline.at_most(network.waits.connect_s))
            connection = network.tls().wrap_socket(connection, server_hostname=url.host)
    except BaseException:
        connection.close()
        raise
    return connection


def _checked_addresses(
    url: FetchUrl, policy: AddressPolicy, network: Network, deadline: Deadline
) -> list[Address]:
    """Every address of the host. One that may not be called excludes the others: a name that leads
    inside as well as outside is an attack or a mistake. The port is checked before the name."""
    if reason := policy.port_refusal(url.port):
        raise InputDownloadFailed(reason)
    if url.address is not None:
        texts: Sequence[str] = [str(url.address)]
    else:
        seconds = deadline.at_most(network.waits.connect_s)
        texts = _resolved_within(seconds, network.resolve, url.host, url.port)
    addresses = []
    for text in texts:
        address = parse_address(text)
        reason = "not an address" if address is None else policy.refusal_at(address, url.port)
        if address is None or reason is not None:
            raise InputDownloadFailed(f"{text}: {reason}")
        addresses.append(address)
    return addresses


def _resolved_within(seconds: float, resolve: Resolve, host: str, port: int) -> Sequence[str]:
    """Ask the resolver, in a thread that is left behind when it takes too long.

    getaddrinfo knows no time limit and cannot be stopped; left alone it ends by itself, after half
    a minute in common configurations.
    """
    answer: SimpleQueue[Sequence[str] | OSError | UnicodeError] = SimpleQueue()

    def ask() -> None:
        try:
            answer.put(resolve(host, port))
        except (OSError, UnicodeError) as error:
            answer.put(error)

    threading.Thread(target=ask, name="resolver", daemon=True).start()
    try:
        found = answer.get(timeout=seconds)
    except Empty:
        raise TimeoutError("the resolver takes too long") from None
    if isinstance(found, Exception):
        raise InputDownloadFailed("the name is not known") from found
    return found


def _dial_first(
    addresses: Sequence[Address], port: int, network: Network, deadline: Deadline
) -> tuple[socket.socket, Address]:
    failure = OSError("the name has no address")
    for address in addresses[:MAX_DIALS]:
        seconds = deadline.at_most(network.waits.connect_s)
        try:
            return network.dial(address, port, seconds), address
        except OSError as error:
            failure = error
    raise failure


def _is_this_machine(connection: socket.socket) -> bool:
    """Whether both ends have the same address.

    A machine with a public address reaches itself under it, past the firewall that keeps others
    from its databases. No table knows that address; nothing has been sent yet.
    """
    if connection.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    return bool(connection.getpeername()[0] == connection.getsockname()[0])


class BoundedReader(io.RawIOBase):
    """Reads from a socket; every wait ends with the idle time or the deadline, and so does the
    number of bytes, headers and framing included."""

    def __init__(
        self, connection: socket.socket, *, waits: Waits, deadline: Deadline, max_bytes: int
    ) -> None:
        super().__init__()
        self._connection = connection
        self._patience_s = waits.first_byte_s
        self._idle_s = waits.idle_s
        self._deadline = deadline
        self._bytes_left = max_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        self._connection.settimeout(self._deadline.at_most(self._patience_s))
        received = self._connection.recv_into(buffer)
        self._patience_s = self._idle_s
        self._bytes_left -= received
        if self._bytes_left < 0:
            raise InputDownloadFailed("far more bytes on the line than in the file")
        return received

    def makefile(self, mode: str) -> io.BufferedReader:
        """What http.client asks a socket for."""
        del mode
        return io.BufferedReader(self)
