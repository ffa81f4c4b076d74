"""The calls of the liveportrait API, from a client's side.

Flow      cli.client -> client.api -> client.connection
Reads     files of ours or addresses, the six parameters
Gives     task ids, reports about tasks, a verdict on a picture, the MP4

Works with any server that speaks DashScope's protocol; what only ours tells (progress, place in the
queue) is None elsewhere.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from portravox.atomic_file import SHARED, writing
from portravox.client.connection import Connection
from portravox.client.errors import ServerFailed
from portravox.errors import FileMissing, OutputNotWritable

MODEL = "liveportrait"
DETECT_MODEL = "liveportrait-detect"

_BEYOND = "portravox"
"""Of `parameters`: what only servers of ours know."""

_SUBMIT = "/services/aigc/image2video/video-synthesis"
_DETECT = "/services/aigc/image2video/face-detect"

_POLICY_FIELDS = {
    "OSSAccessKeyId": "oss_access_key_id",
    "Signature": "signature",
    "policy": "policy",
    "x-oss-object-acl": "x_oss_object_acl",
    "x-oss-forbid-overwrite": "x_oss_forbid_overwrite",
}
"""Field of the upload's form -> field of the server's answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a server says about a picture."""

    passed: bool
    message: str
    """Why not; empty where it passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How a task stands."""

    task_id: str
    status: str
    """PENDING, RUNNING, SUCCEEDED, FAILED, CANCELED or UNKNOWN."""

    code: str = ""
    message: str = ""
    """Why it FAILED."""

    video_url: str | None = None
    """Only when it SUCCEEDED."""

    captions_url: str | None = None
    """Of a server of ours, where it knows what is said."""

    video_s: float | None = None
    """Seconds of video that the account is charged for."""

    stage: str | None = None
    done: float | None = None
    """0..1"""

    queue_position: int | None = None
    """Tasks that come first."""

    remaining_s: float | None = None
    """The last four are told by servers of ours alone."""


class LiveportraitClient:
    """One account on one server."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def detect(self, portrait: str) -> Verdict:
        """Whether a picture, a file or an address, will do.

        Raises FileMissing, RequestRefused, ServerFailed.
        """
        address, headers = self._addressed(DETECT_MODEL, portrait)
        body = self._connection.call(
            "POST",
            _DETECT,
            json={"model": DETECT_MODEL, "input": {"image_url": address}},
            headers=headers,
        )
        output = _object(body, "output")
        return Verdict(passed=output.get("pass") is True, message=str(output.get("message") or ""))

    def submit(
        self,
        portrait: str,
        voice: str | None,
        parameters: Mapping[str, object],
        *,
        idempotency_key: str | None = None,
        webhook_url: str | None = None,
        background: str | None = None,
        consent: str | None = None,
    ) -> str:
        """Have a video made; gives the task's id.

        portrait, voice   files, which are uploaded first, or http://, https:// or oss:// addresses;
                          no voice where the parameters have a text, which servers of ours speak
        idempotency_key   a server of ours makes one task of all submissions with the same; by
                          default one that serves the tries of this call
        webhook_url       whom a server of ours tells of the task's end
        background        a picture, file or address, that a server of ours sets behind the person
        consent           id of the statement that is agreed to, where a server of ours asks for one

        Raises FileMissing, RequestRefused, ServerFailed.
        """
        image_url, for_image = self._addressed(MODEL, portrait)
        given = {"image_url": image_url}
        for_audio: Mapping[str, str] = {}
        if consent is not None:
            given["consent"] = consent
        if voice is not None:
            given["audio_url"], for_audio = self._addressed(MODEL, voice)
        for_background: Mapping[str, str] = {}
        if background is not None:
            address, for_background = self._addressed(MODEL, background)
            beyond = parameters.get(_BEYOND)
            ours = dict(beyond) if isinstance(beyond, Mapping) else {}
            parameters = {**parameters, _BEYOND: {**ours, "background": address}}
        body = self._connection.call(
            "POST",
            _SUBMIT,
            json={
                "model": MODEL,
                "input": given,
                "parameters": dict(parameters),
            },
            headers={
                **({} if webhook_url is None else {"X-Portravox-Webhook-Url": webhook_url}),
                "X-DashScope-Async": "enable",
                "Idempotency-Key": idempotency_key or secrets.token_hex(16),
                **for_image,
                **for_audio,
                **for_background,
            },
            repeat_lost=False,
        )
        return _text(_object(body, "output"), "task_id")

    def statement(self) -> tuple[str, str] | None:
        """(id, text) of what a server of ours asks to agree to; None where it asks nothing.

        Raises RequestRefused, ServerFailed.
        """
        told = _object(self._connection.call("GET", "/consent"), "output")
        return (str(told["id"]), str(told["text"])) if told.get("id") else None

    def report(self, task_id: str) -> Report:
        """How a task stands. Raises RequestRefused, ServerFailed."""
        body = self._connection.call(
            "GET", f"/tasks/{quote(task_id, safe='')}", params={"progress": "true"}
        )
        output = _object(body, "output")
        results, usage = output.get("results"), body.get("usage")
        return Report(
            task_id=task_id,
            status=_text(output, "task_status"),
            code=str(output.get("code") or ""),
            message=str(output.get("message") or ""),
            video_url=_text(results, "video_url") if isinstance(results, dict) else None,
            captions_url=_text_if_there(results, "captions_url"),
            video_s=_number(usage, "video_duration"),
            stage=str(output["stage"]) if output.get("stage") else None,
            done=_number(output, "progress"),
            queue_position=_whole(output, "queue_position"),
            remaining_s=_number(output, "remaining_s"),
        )

    def cancel(self, task_id: str, *, force: bool = False) -> None:
        """Cancel a task that waits; with `force`, on a server of ours, also one that runs.

        Raises RequestRefused where it cannot be, ServerFailed.
        """
        path = f"/tasks/{quote(task_id, safe='')}/cancel"
        self._connection.call("POST", path, params={"force": "true"} if force else None)

    def list(self, filters: Mapping[str, str]) -> dict[str, Any]:
        """A page of the account's tasks, as the server tells it.

        filters  the protocol's own: status, page_no, page_size, start_time, end_time, ...

        Raises RequestRefused, ServerFailed.
        """
        page = self._connection.call("GET", "/tasks", params=filters)
        if not isinstance(page.get("data"), list):
            raise _senseless("data")
        return page

    def download(self, url: str, target: Path) -> int:
        """Put a video, or its captions, into a file, whole or not at all; gives its size in bytes.

        Raises OutputNotWritable, RequestRefused where the link has expired, ServerFailed.
        """

        def fetch() -> int:
            with _appearing(target) as stream:
                self._connection.stream(url, stream.write)
                return stream.tell()

        return self._connection.again(fetch)

    def _addressed(self, model: str, file_or_address: str) -> tuple[str, dict[str, str]]:
        """An address the server can read, and the headers it needs for that."""
        resolve = {"X-DashScope-OssResourceResolve": "enable"}
        if file_or_address.startswith("oss://"):
            return file_or_address, resolve
        if file_or_address.startswith(("http://", "https://")):
            return file_or_address, {}
        return self._upload(model, Path(file_or_address)), resolve

    def _upload(self, model: str, file: Path) -> str:
        """Lay a file down for 48 hours; gives its oss:// address."""

        def upload() -> str:
            # Each try with a place of its own: nothing may be overwritten, also not the half of
            # what the try before has left.
            asked = {"action": "getPolicy", "model": model}
            policy = _object(self._connection.call_once("GET", "/uploads", params=asked), "data")
            # The name of the file stays at home; only its ending may help.
            key = f"{_text(policy, 'upload_dir')}/file{file.suffix.lower()}"
            fields = {field: _text(policy, name) for field, name in _POLICY_FIELDS.items()}
            fields |= {"key": key, "success_action_status": "200"}
            with _opened(file) as stream:
                self._connection.post_form(
                    _text(policy, "upload_host"), fields, (Path(key).name, stream)
                )
            return f"oss://{key}"

        return self._connection.again(upload)


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    try:
        stream = file.open("rb")
    except OSError as error:
        raise FileMissing(file, (error.strerror or str(error)).lower()) from error
    with stream:
        yield stream


def require_writable(target: Path) -> None:
    """Raise OutputNotWritable before hours are waited for a video that has no place."""
    if target.is_dir():
        raise OutputNotWritable(target, "it is a folder")
    if not target.parent.is_dir():
        raise OutputNotWritable(target, "its folder does not exist")
    if not os.access(target.parent, os.W_OK):
        raise OutputNotWritable(target, "its folder is read-only")


@contextlib.contextmanager
def _appearing(target: Path) -> Iterator[BinaryIO]:
    """A stream whose content stands at `target` once the block has ended well."""
    try:
        with writing(target, mode=SHARED) as stream:
            yield stream
    except OSError as error:
        raise OutputNotWritable(target, error.strerror or str(error)) from error


def _senseless(name: str) -> ServerFailed:
    return ServerFailed(f"an answer without {name}", hint="Is the base URL right?")


def _object(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = body.get(name)
    if not isinstance(found, dict):
        raise _senseless(name)
    return found


def _text(body: Mapping[str, Any], name: str) -> str:
    found = body.get(name)
    if not isinstance(found, str) or not found:
        raise _senseless(name)
    return found


def _text_if_there(body: object, name: str) -> str | None:
    found = body.get(name) if isinstance(body, dict) else None
    return found if isinstance(found, str) and found else None


def _number(body: object, name: str) -> float | None:
    found = body.get(name) if isinstance(body, dict) else None
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    return float(found)


def _whole(body: Mapping[str, Any], name: str) -> int | None:
    found = _number(body, name)
    return None if found is None else int(found)
