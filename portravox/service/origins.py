"""Whose pages may call: the names and origins that a browser tells, judged before any route.

Flow      request_middleware -> origins.require_own
Reads     Host, Origin, Sec-Fetch-Site; settings no_keys, insecure, public_url, cors_origins
Gives     nothing, or raises Refusal

With keys a page of strangers can do nothing: it has no key, and a browser adds none by itself.
Without keys whatever runs on this machine may call, and so could every page in its browser: by a
form or `fetch` to 127.0.0.1, whose answer it would not see (CSRF), or under a name of its own that
it points here (DNS rebinding). Browsers tell both: where a page is from in Origin and
Sec-Fetch-Site, and by which name in Host. Programs that are no browsers send neither of the first
two. Origins that the operator named in `cors_origins` may call: the answers to preflights say so.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers

from portravox.service import problems
from portravox.service.problems import Refusal
from portravox.service.settings import ServiceSettings

_READING = ("GET", "HEAD", "OPTIONS")

_PAGES_OF_ITS_OWN = ("same-origin", "none")
"""Of Sec-Fetch-Site: the page itself, and what a user typed. `same-site` is another port of this
machine: another program."""

_API = "/api/"


def require_own(settings: ServiceSettings, method: str, path: str, headers: Headers) -> None:
    """Raise Refusal for what a page of strangers sent to a server that asks for no keys.

    Reading is refused below /api only: links from elsewhere may lead to a page or a video, whose
    content a browser shows to its user and to nobody else.
    """
    if not settings.no_keys:
        return
    host = headers.get("host")
    if not settings.insecure and host is not None and not settings.answers_to(host):
        raise Refusal(problems.FOREIGN_HOST)
    if method in _READING and not path.startswith(_API):
        return
    origin = headers.get("origin")
    if origin is not None and origin in settings.allowed_origins:
        return  # by the operator's word; compared as the answers to preflights are: exactly
    site = headers.get("sec-fetch-site")
    foreign = site is not None and site.lower() not in _PAGES_OF_ITS_OWN
    if method in _READING and site == "same-site":
        foreign = False  # a link on another program's page; a page that calls sends Origin
    if foreign or (origin is not None and not _is_own(settings, origin, host)):
        raise Refusal(problems.FOREIGN_ORIGIN)


def require_page(settings: ServiceSettings, headers: Headers) -> None:
    """Raise Refusal for a WebSocket that a page of strangers opens, with and without keys: the
    rules by which a browser keeps one page from another's answers do not hold for them.

    Programs that are no browsers send no Origin (RFC 6455, section 10.2).
    """
    origin = headers.get("origin")
    if origin is None or origin in settings.allowed_origins:
        return
    if not _is_own(settings, origin, headers.get("host")):
        raise Refusal(problems.FOREIGN_PAGE)


def _is_own(settings: ServiceSettings, origin: str, host: str | None) -> bool:
    """Whether an Origin is this server's: under the name it was called by, or its public one."""
    own = _origin(settings.public_url) if settings.public_url is not None else None
    called = _origin(origin)
    if called is None:
        return False  # "null": a sandboxed frame, a file
    if called == own:
        return True
    # A proxy may speak https to the client and http to us, so that only the name can be compared.
    return host is not None and urlsplit(origin).netloc.lower() == host.lower()


def _origin(url: str) -> str | None:
    """scheme://host[:port], in lower case; None where there is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme.lower() not in ("http", "https") or not parts.netloc:
        return None
    return f"{parts.scheme}://{parts.netloc}".lower()
