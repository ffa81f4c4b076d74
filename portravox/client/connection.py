"""Requests and answers: what is tried again, and what an answer that is none means.

Flow      client.api -> client.connection -> httpx -> a server

A submission whose answer was lost is not repeated by itself, for the task may be there and would
be paid for twice; everything else is asked again. Servers that are busy (429) or broken (5xx) are
given time, more after each try and never all callers the same.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, TypeVar

import httpx

from portravox import __version__
from portravox.client.access import Access
from portravox.client.errors import RequestRefused, ServerFailed
from portravox.errors import PortravoxError

PAUSES_S = (0.5, 1.0, 2.0, 4.0)
"""After each try but the last, less a random part of up to a half. Our choice: a server of ours is
back within 3 s after a restart."""

LONGEST_PAUSE_S = 30.0
"""What a server may ask for with Retry-After."""

WORTH_ANOTHER_TRY = frozenset({408, 429, 500, 502, 503, 504})

TIMEOUT = httpx.Timeout(60.0, connect=10.0)
"""Seconds for each wait. Detect answers when it has looked at the picture, after 2 s or more."""

Sleep = Callable[[float], None]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How to wait between tries; tests wait in another way."""

    sleep: Sleep = time.sleep
    chance: random.Random = field(default_factory=random.Random)
    on_retry: Callable[[PortravoxError, float], None] = lambda error, pause_s: None
    """Told what went wrong, and after how many seconds it will be tried again."""


class Connection:
    """To one server, kept open between requests."""

    def __init__(
        self,
        access: Access,
        *,
        patience: Patience | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.access = access
        self._patience = patience or Patience()
        self._http = httpx.Client(
            headers={"User-Agent": f"portravox-client/{__version__}"},
            timeout=TIMEOUT,
            transport=transport,
            # A proxy of the environment is the way out, and no way to this machine.
            trust_env=not access.is_this_machine,
        )

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        json: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        repeat_lost: bool = True,
    ) -> dict[str, Any]:
        """The body of the answer to a request below /api/v1.

        repeat_lost  ask again also when the request may have been carried out and only its answer
                     was lost

        Raises RequestRefused, ServerFailed.
        """
        return self.again(
            lambda: self.call_once(method, path, json=json, params=params, headers=headers),
            repeat_lost=repeat_lost,
        )

    def call_once(
        self,
        method: str,
        path: str,
        *,
        json: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The same, for callers who try again themselves. Raises also what httpx raises."""
        own = dict(headers or {})
        if self.access.api_key is not None:
            own["Authorization"] = f"Bearer {self.access.api_key}"
        url = f"{self.access.base_url}{path}"
        answer = self._http.request(method, url, json=json, params=params, headers=own)
        body = _object(answer)
        if answer.status_code != 200:
            raise _problem(answer, body)
        if body is None:
            raise ServerFailed(
                f"{self.access.host} answers with something else than JSON",
                hint="Is the base URL right?",
            )
        return body

    def post_form(self, url: str, fields: Mapping[str, str], file: tuple[str, Any]) -> None:
        """Post a file to wherever a server said, without telling our key; the file comes last.

        Raises RequestRefused, ServerFailed, and what httpx raises.
        """
        answer = self._http.post(url, data=dict(fields), files={"file": file})
        if answer.status_code != 200:
            raise _problem(answer, _object(answer))

    def stream(self, url: str, write: Callable[[bytes], object]) -> None:
        """Hand a file over piece by piece, from wherever a server said, without telling our key.

        Raises RequestRefused, ServerFailed, and what httpx raises.
        """
        with self._http.stream("GET", url, follow_redirects=True) as answer:
            if answer.status_code != 200:
                answer.read()
                raise _problem(answer, _object(answer))
            for piece in answer.iter_bytes():
                write(piece)

    def again(self, attempt: Callable[[], T], *, repeat_lost: bool = True) -> T:
        """What an attempt gives, made again with pauses while it may help.

        Raises RequestRefused, ServerFailed.
        """
        for pause_s in (*PAUSES_S, None):
            try:
                return attempt()
            except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
                raise ServerFailed(f"the server names an address that is none: {error}") from error
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure, wanted_s = ServerFailed(f"cannot reach {_host(error)}: {error}"), 0.0
            except httpx.TransportError as error:
                failure, wanted_s = ServerFailed(f"lost {_host(error)}: {_words(error)}"), 0.0
                if not repeat_lost:
                    failure.hint = "The task may be there all the same: `portravox client list`."
                    raise failure from error
            except httpx.HTTPError as error:
                raise ServerFailed(f"no answer from {_host(error)}: {_words(error)}") from error
            except ServerFailed as error:
                if error.status not in WORTH_ANOTHER_TRY:
                    raise
                failure, wanted_s = error, error.retry_after_s
            if pause_s is None:
                raise failure
            own_s = pause_s * self._patience.chance.uniform(0.5, 1.0)
            wait_s = min(max(own_s, wanted_s), LONGEST_PAUSE_S)
            self._patience.on_retry(failure, wait_s)
            self._patience.sleep(wait_s)
        raise AssertionError("the last try returns or raises")


def _object(answer: httpx.Response) -> dict[str, Any] | None:
    """The JSON object in an answer; None for anything else."""
    try:
        body = answer.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _problem(answer: httpx.Response, body: Mapping[str, Any] | None) -> PortravoxError:
    """What an answer that is not 200 means: our mistake, or the server's trouble."""
    told = body or {}
    status = answer.status_code
    code = str(told.get("code") or f"HTTP {status}")
    message = f"{code}: {told.get('message') or answer.reason_phrase or 'no reason given'}"
    if told.get("request_id"):
        message += f" (request {told['request_id']})"
    if 400 <= status < 500 and status not in WORTH_ANOTHER_TRY:
        hint = _HOW_TO_GIVE_A_KEY if status == 401 else ""
        return RequestRefused(message, server_code=code, hint=hint)
    hint = "Is the base URL right?" if status < 400 else ""
    return ServerFailed(message, status=status, retry_after_s=_retry_after_s(answer), hint=hint)


_HOW_TO_GIVE_A_KEY = "Set PORTRAVOX_API_KEY, or name a file that has the key: --api-key-file."


def _retry_after_s(answer: httpx.Response) -> float:
    """0 where nothing is asked for, or a date is."""
    asked = answer.headers.get("Retry-After", "").strip()
    return float(asked) if asked.isdecimal() and len(asked) < 6 else 0.0


def _host(error: httpx.HTTPError) -> str:
    """Whom we talked to: never the path or query, which may be a signed link."""
    return error.request.url.netloc.decode("ascii", "replace")


def _words(error: httpx.HTTPError) -> str:
    """Time-outs come without a text."""
    return str(error) or type(error).__name__
