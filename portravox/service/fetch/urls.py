"""The URLs we fetch: parsed once, strictly, so that no later step parses them differently.

Flow      worker -> fetch.download -> fetch.urls
Reads     text from a client or from a Location header
Gives     FetchUrl: host, port and request target, each in the only form used from here on

Attacks on fetchers live on two parsers that disagree. Here one pattern takes the URL apart, and its
parts go to the resolver, the certificate check and the Host header as they are. What browsers mend
in silence (backslashes, line ends, 0x7f.1, full-width digits) is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address
from urllib.parse import quote, urljoin

from portravox.service.errors import InputDownloadFailed
from portravox.service.fetch.addresses import Address, parse_address

MAX_URL_CHARS = 8192
"""What common servers take in a request line; signed links of object stores need about 2,000.
Counted as it goes over the wire, where a letter beyond ASCII takes three characters a byte."""

DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchUrl:
    """An http or https URL, taken apart."""

    scheme: str
    """http or https"""

    host: str
    """A DNS name in lower-case ASCII without a final dot, or an address in its shortest form."""

    address: Address | None
    """The host, where the URL names an address: the resolver is not asked then."""

    port: int
    """1..65535"""

    target: str
    """Path and query as they go into the request line: printable ASCII, beginning with a slash."""

    @property
    def host_header(self) -> str:
        """The host as HTTP wants it: IPv6 in brackets, the port unless it is the usual one."""
        host = f"[{self.host}]" if isinstance(self.address, IPv6Address) else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host_header}{self.target}"


def wire_length(url: str) -> int:
    """How many characters an address has once what is not ASCII in it is escaped."""
    if url.isascii():
        return len(url)
    return sum(1 if letter.isascii() else 3 * len(_utf8(letter)) for letter in url)


def parse_url(text: str) -> FetchUrl:
    """Take a URL apart. Raises InputDownloadFailed.

    The fragment is dropped; spaces and letters beyond ASCII in path and query become escapes.
    """
    length = wire_length(text)
    if length > MAX_URL_CHARS:
        raise InputDownloadFailed(f"{length} characters; wanted {MAX_URL_CHARS} at most")
    if _FORBIDDEN.search(text):
        raise InputDownloadFailed("control character, backslash or half a surrogate pair")
    parts = _URL.fullmatch(text)
    if parts is None:
        raise InputDownloadFailed("not http:// or https://")
    if "@" in parts["authority"]:
        raise InputDownloadFailed("user name or password")
    authority = _AUTHORITY.fullmatch(parts["authority"])
    if authority is None:
        raise InputDownloadFailed("host and port are malformed")
    scheme = parts["scheme"].lower()
    port = int(authority["port"]) if authority["port"] else DEFAULT_PORTS[scheme]
    if not 1 <= port <= 65535:
        raise InputDownloadFailed(f"port {port}")
    address, host = _host(authority["name"], authority["bracketed"])
    target = quote(parts["target"], safe=_KEPT_IN_TARGET)
    return FetchUrl(
        scheme=scheme,
        host=host,
        address=address,
        port=port,
        target=target if target.startswith("/") else f"/{target}",
    )


def redirected(origin: FetchUrl, location: str) -> FetchUrl:
    """Where a Location header, relative or whole, leads from a URL. Raises InputDownloadFailed.

    Not from https to http: what was asked for in secret would be told to everybody on the way.
    """
    # urljoin drops tabs and line ends in silence, so that parse_url would never see them.
    if _FORBIDDEN.search(location):
        raise InputDownloadFailed("control character, backslash or half a surrogate pair")
    try:
        there = parse_url(urljoin(str(origin), location))
    except ValueError as error:  # brackets that do not match
        raise InputDownloadFailed("malformed redirect") from error
    if origin.scheme == "https" and there.scheme == "http":
        raise InputDownloadFailed(f"redirected from https to http, at {there.host}")
    return there


def _utf8(text: str) -> bytes:
    """Half a surrogate pair too, so that any text has a length."""
    return text.encode("utf-8", "surrogatepass")


def _host(name: str | None, bracketed: str | None) -> tuple[Address | None, str]:
    """The address a host spells, if any, and its one spelling."""
    if bracketed is not None:
        address = parse_address(bracketed)
        if not isinstance(address, IPv6Address) or address.scope_id is not None:
            raise InputDownloadFailed("brackets around something else than IPv6")
        return address, str(address)
    assert name is not None  # the pattern has matched one of the two
    plain = _ascii_name(name)
    if not _ENDS_IN_NUMBER.search(plain):
        return None, plain
    address = parse_address(plain)
    if address is None or plain != name.removesuffix("."):
        # 0177.0.0.1, 2130706433, 127.1 and digits from other alphabets: C libraries take them for
        # addresses. No DNS name ends in a number.
        raise InputDownloadFailed(f"address in an unusual form: {plain}")
    return address, str(address)


def _ascii_name(name: str) -> str:
    """A DNS name in ASCII, lower case, without the dot that ends a full name."""
    try:
        plain = name.encode("ascii" if name.isascii() else "idna").decode("ascii").lower()
    except UnicodeError as error:
        raise InputDownloadFailed("a name that DNS cannot carry") from error
    plain = plain.removesuffix(".")
    if len(plain) > 253 or not _DNS_NAME.fullmatch(plain):
        raise InputDownloadFailed("a name that DNS cannot carry")
    return plain


_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\\\ud800-\udfff]")
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<authority>[^/?#]+)(?P<target>[^#]*)(?:#.*)?",
    re.IGNORECASE | re.ASCII,
)
_AUTHORITY = re.compile(
    r"(?:\[(?P<bracketed>[0-9A-Fa-f:.]+)\]|(?P<name>[^\[\]:]{1,253}\.?))(?::(?P<port>[0-9]{0,5}))?"
)
_DNS_NAME = re.compile(
    r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
)
"""Letters, digits, hyphens, and the underscore that some object stores have in their names."""
_ENDS_IN_NUMBER = re.compile(r"(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$")
"""What the URL Standard of the WHATWG takes for an IPv4 address, right or wrong."""
_KEPT_IN_TARGET = "!$%&'()*+,-./:;=?@[]_~"
"""All that may stand in a path or a query (RFC 3986), and the % of escapes already there: a signed
link must arrive as it was written."""
