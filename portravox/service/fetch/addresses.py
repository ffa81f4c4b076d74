"""Which addresses a stranger may make us call: the public internet, and what the operator adds.

Flow      worker -> fetch.download -> fetch.addresses
Reads     addresses as the resolver gave them, networks the operator allows
Gives     the reason to refuse an address, or None

`ipaddress.is_global` answers another question (is this range routed globally?) and says yes to
multicast, 6to4, IPv4 written inside IPv6 and more. So the tables are our own. IPv6 is judged by
what is allowed: one eighth of it is in use for the internet, the rest is refused without a list.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from portravox.errors import SettingOutOfRange

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Ranges = tuple[tuple[Network, str], ...]


def _ranges(table: dict[str, str]) -> Ranges:
    return tuple((ip_network(network), what) for network, what in table.items())


CLOUD_SERVICES = _ranges(
    {
        "169.254.0.0/16": "link-local: metadata of nearly every cloud, credentials of containers",
        "fe80::/10": "link-local",
        "100.96.0.96/32": "metadata of Volcano Engine and BytePlus",
        "100.100.2.136/31": "resolvers of Alibaba Cloud",
        "100.100.2.138/32": "resolver of Alibaba Cloud",
        "100.100.100.200/32": "metadata of Alibaba Cloud",
        "168.63.129.16/32": "host agent of Azure",
        "192.0.0.192/32": "metadata of Oracle Cloud Classic",
        "fd00:42::42/128": "metadata of Scaleway",
        "fd00:100::100:200/128": "metadata of Alibaba Cloud",
        "fd00:a9fe:a9fe::1/128": "metadata of Akamai",
        "fd00:c1::a9fe:a9fe/128": "metadata of Oracle Cloud",
        "fd00:ec2::/32": "metadata, credentials, resolver and clock of AWS",
        "fd20:ce::254/128": "metadata of Google Cloud",
    }
)
"""Refused whatever the operator allows: who reads these holds the machine's credentials. Gathered
from the clouds' manuals in 2026-11; no register of them exists. Pictures lie in none of them, so
whole ranges may be named."""

SPECIAL_IPV4 = _ranges(
    {
        "0.0.0.0/8": "this network; Linux takes 0.0.0.0 for the machine itself",
        "10.0.0.0/8": "private",
        "100.64.0.0/10": "shared by providers, private networks of clouds",
        "127.0.0.0/8": "loopback",
        "172.16.0.0/12": "private",
        "192.0.0.0/24": "protocol assignments",
        "192.0.2.0/24": "documentation",
        "192.31.196.0/24": "AS112",
        "192.52.193.0/24": "multicast tunnels",
        "192.88.99.0/24": "6to4 relays",
        "192.168.0.0/16": "private",
        "192.175.48.0/24": "AS112",
        "198.18.0.0/15": "benchmarks",
        "198.51.100.0/24": "documentation",
        "203.0.113.0/24": "documentation",
        "224.0.0.0/4": "multicast",
        "240.0.0.0/4": "reserved, and broadcast",
    }
)
"""IANA IPv4 Special-Purpose Address Registry (RFC 6890 and successors), with multicast, and with
the ranges it calls globally reachable: none of them serves files."""

INTERNET_IPV6 = IPv6Network("2000::/3")
"""Global unicast (RFC 4291). All else is private, multicast, reserved or IPv4 in disguise."""

NAT64 = IPv6Network("64:ff9b::/96")
"""IPv4 as hosts without IPv4 see it (RFC 6052): the answer of their resolver for any public name,
so it is judged by the address inside and not refused as such."""

SPECIAL_IPV6 = _ranges(
    {
        "2001::/23": "protocol assignments: Teredo, ORCHID, benchmarks",
        "2001:db8::/32": "documentation",
        "2002::/16": "6to4",
        "2620:4f:8000::/48": "AS112",
        "3ffe::/16": "6bone, handed back",
        "3fff::/20": "documentation",
    }
)
"""What the IANA IPv6 Special-Purpose Address Registry takes out of global unicast; 3ffe::/16 by
RFC 3701."""


WEB_PORTS = (range(80, 81), range(443, 444), range(8080, 8081), range(8443, 8444))
"""Where files are served. A client that may name any port makes the server connect to mail servers,
databases and remote shells, some of which execute a line of an HTTP request as a command."""

EPHEMERAL_PORTS = range(32768, 65536)
"""What the system gives to who asks for any port (Linux: 32768 to 60999; IANA: from 49152): no
service has its home there. Open in the networks that the operator named, where development
servers live; on the internet they stay shut."""


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """What may be called: web servers on the public internet, and what the operator answers for."""

    allowed: tuple[Network, ...] = ()
    """Open although special. A machine may call itself under such an address too."""

    ports: tuple[range, ...] = WEB_PORTS

    @classmethod
    def allowing(cls, networks: str, *, ports: str = "") -> AddressPolicy:
        """From text such as `127.0.0.0/8, ::1`: the form of PORTRAVOX_FETCH_ALLOW_NETS.

        networks  beyond the public internet
        ports     beyond WEB_PORTS, such as `9000, 8000-8099`

        Raises SettingOutOfRange for what is not a network, or has bits set beyond its mask, and for
        what is no port.
        """
        names = networks.replace(",", " ").split()
        try:
            nets = tuple(ip_network(name) for name in names)
        except ValueError as error:
            raise SettingOutOfRange(
                "fetch_allow_nets", networks, "networks such as 10.0.0.0/8, fd12::/16"
            ) from error
        return cls(nets, (*WEB_PORTS, *_port_ranges(ports)))

    def port_refusal(self, port: int) -> str | None:
        """Why a port may not be called, whatever the address; None where it may."""
        if any(port in ports for ports in self.ports):
            return None
        if self.allowed and port in EPHEMERAL_PORTS:
            return None  # `refusal_at` says more once the address is known
        return f"port {port} is none of a web server; see fetch_ports and webhook_ports"

    def refusal_at(self, address: Address, port: int) -> str | None:
        """Why not to call an address at a port, for our log; None where it may be called."""
        reason = self.refusal(address)
        if reason is not None or any(port in ports for ports in self.ports):
            return reason
        if self.allows_by_name(address) and port in EPHEMERAL_PORTS:
            return None
        return f"port {port} is none of a web server; see fetch_ports and webhook_ports"

    def allows_by_name(self, address: Address) -> bool:
        """Whether the operator named a network with this address in it."""
        return any(address in network for network in self.allowed)

    def refusal(self, address: Address) -> str | None:
        """Why not to call an address, for our log; None where it may be called."""
        inner = embedded_ipv4(address)
        for candidate in (address, *inner):
            if reason := _found(candidate, CLOUD_SERVICES):
                return reason
        if isinstance(address, IPv6Address) and address.scope_id is not None:
            return "bound to an interface"
        if self.allows_by_name(address):
            return None
        if isinstance(address, IPv4Address):
            return _found(address, SPECIAL_IPV4)
        if address not in INTERNET_IPV6 and address not in NAT64:
            return "outside of global unicast"
        if reason := _found(address, SPECIAL_IPV6):
            return reason
        return next((f"{v4} inside: {why}" for v4 in inner if (why := self.refusal(v4))), None)


def embedded_ipv4(address: Address) -> tuple[IPv4Address, ...]:
    """Every IPv4 address that some network may read out of an IPv6 one.

    More than one where the form has several readings; none for IPv4 and for plain IPv6.
    """
    if isinstance(address, IPv4Address):
        return ()
    bits = int(address)
    found = []
    if any(address in network for network in _IPV4_LAST):
        found.append(bits)
    if address in _SIX_TO_FOUR:
        found.append(bits >> 80)
    if address in _TEREDO:
        found += [bits >> 64, ~bits]  # the server, then the client, whose bits are turned
    if address in _LOCAL_NAT64:
        # Prefixes of 48, 56, 64 and 96 bits; bits 64 to 71 stay empty in the first three.
        upper, lower = bits >> 64, bits & 0xFFFF_FFFF_FFFF_FFFF
        around = (upper << 56) | (lower & 0x00FF_FFFF_FFFF_FFFF)
        found += [around >> 40, around >> 32, around >> 24, bits]
    if bits >> 32 & 0xFDFF_FFFF == _ISATAP:
        found.append(bits)
    return tuple(IPv4Address(value & 0xFFFF_FFFF) for value in found)


_IPV4_LAST = (
    NAT64,
    IPv6Network("::/96"),  # IPv4-compatible (RFC 4291, given up)
    IPv6Network("::ffff:0:0/96"),  # IPv4-mapped
    IPv6Network("::ffff:0:0:0/96"),  # IPv4-translated (RFC 2765)
)
_SIX_TO_FOUR = IPv6Network("2002::/16")
_TEREDO = IPv6Network("2001::/32")
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")
_ISATAP = 0x0000_5EFE
"""Upper half of the interface identifier (RFC 5214), but for the bit that says "universal"."""


def parse_address(text: str) -> Address | None:
    """An address in its strict form; None for anything else, short and octal forms included."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def _port_ranges(text: str) -> tuple[range, ...]:
    """From `9000, 8000-8099`. Raises SettingOutOfRange."""
    found = []
    for name in text.replace(",", " ").split():
        first, _, last = name.partition("-")
        if not (first.isascii() and first.isdigit() and (last or first).isdigit()):
            raise SettingOutOfRange("fetch_ports", text, "ports such as 9000, 8000-8099")
        ports = range(int(first), int(last or first) + 1)
        if not ports or ports[0] < 1 or ports[-1] > 65535:
            raise SettingOutOfRange("fetch_ports", text, "ports from 1 to 65535")
        found.append(ports)
    return tuple(found)


def _found(address: Address, ranges: Ranges) -> str | None:
    return next((what for network, what in ranges if address in network), None)


ANYWHERE = AddressPolicy((ip_network("0.0.0.0/0"), ip_network("::/0")), (range(1, 65536),))
"""For the operator's own addresses, which may lie inside, at any port; cloud services stay shut."""
