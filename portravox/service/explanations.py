"""Why a task FAILED, beyond the contract: which file, by which rule, its value, what to do.

Flow      errors in a worker process -> explanations.told -> worker.messages.Failed
          worker.loop -> explanations.explanation -> TaskQueue; TaskQueue -> explanations -> routes

The original says a code and a text, the same for all pictures that are too large. What is told
here is told only to who asks (`?explain=true`), and in the log. A process that reads files of
strangers may have been taken over by one of them: it chooses none of our rules, and of its
sentence only what `is_sentence` lets pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from portravox import errors
from portravox.service import errors as service_errors
from portravox.service import problems
from portravox.service.tasks.task import Explanation, Task

MAX_SENTENCE = 300
"""Characters of a sentence. Our choice: the longest of ours has half of that."""

_FAULTS = (
    errors.PictureError,
    errors.BackgroundUnfit,
    errors.FaceError,
    errors.VoiceError,
    service_errors.InputDownloadFailed,
)
"""What is explained by the process that met it: faults of a file."""

DOWNLOAD_FAILED = service_errors.InputDownloadFailed.code

_DOWNLOAD = "the file could not be downloaded from its URL"
_DOWNLOAD_HINT = (
    "Check that the URL gives the file itself to anybody, without a login, within a minute, and"
    " that a signed one has not expired; or send a temporary upload."
)

_UPLOAD_GONE = "no upload of this account has that name, or it is older than 48 hours"
_UPLOAD_HINT = "Upload the file again and submit its new oss:// link."


class _Words(NamedTuple):
    reason: str
    explanation: str
    hint: str


_BY_CODE = {
    problems.ALGO.code: _Words(
        "internal_error",
        "the server failed at this video; its log has the reason under the task's id",
        "Submit it again; where it fails again, tell the operator the task's id.",
    ),
    problems.NOT_STORED.code: _Words(
        "storage_failed",
        "the server has no room for the video, or cannot write it",
        "Tell the operator, then submit it again.",
    ),
    problems.TIMEOUT.code: _Words(
        "timeout",
        "the task took longer than this server lets one take",
        "Submit it again, with a shorter voice or a smaller max_side; or ask the operator for"
        " more time.",
    ),
    problems.SPEECH_REFUSED.code: _Words(
        errors.SpeechRefused.code,
        "the server's speech provider does not take this text or this voice",
        "Shorten the text, take another voice, or send a recording.",
    ),
    problems.SPEECH_FAILED.code: _Words(
        errors.SpeechUnavailable.code,
        "the server's speech provider is away, slow or broken; the server's log has the reason",
        "Submit it again; where it fails again, tell the operator, or send a recording.",
    ),
    problems.NO_SPEECH.code: _Words(
        errors.SpeechNotSetUp.code,
        "nothing is set up on this server that speaks texts",
        "Send a recording; the operator can set `speech`.",
    ),
    problems.OUT_OF_DEFINITION: _Words(
        errors.SettingOutOfRange.code,
        "a parameter has a value that this server does not take",
        "The message names it; /openapi.json has its values.",
    ),
}
"""What is known of a task that FAILED for none of the files."""


def _tree(base: type[errors.PortravoxError]) -> Iterator[type[errors.PortravoxError]]:
    yield base
    for kind in base.__subclasses__():
        yield from _tree(kind)


_KINDS = {kind.code: kind for base in _FAULTS for kind in _tree(base)}
"""Rules by their codes."""

REASONS = frozenset(_KINDS)


def told(error: BaseException) -> tuple[str, str]:
    """Reason and sentence about an error, as a worker process tells them; empty where the error is
    not the fault of a file."""
    if not isinstance(error, _FAULTS):
        return "", ""
    if isinstance(error, service_errors.InputDownloadFailed):
        return error.code, as_sentence(error.told)
    return error.code, as_sentence(str(error))


def as_sentence(text: str) -> str:
    """A text as one line that `is_sentence` lets pass."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    line = re.sub(r"\b0x[0-9a-fA-F]{6,}", "0x…", line).replace("://", ":/…")
    line = " ".join(line.split())
    return line if len(line) <= MAX_SENTENCE else f"{line[: MAX_SENTENCE - 1]}…"


def is_sentence(text: str) -> bool:
    """Whether a text may be shown: one printable line, not long, without an address to visit."""
    return len(text) <= MAX_SENTENCE and text.isprintable() and "://" not in text


def explanation(reason: str, sentence: str, *, file: str | None = None) -> Explanation | None:
    """What is kept with the task; None for a reason that is not the fault of a file.

    reason     a code of `errors`
    sentence   what `told` gave; untrusted
    file       image, audio or background, where who asks knows it
    """
    kind = _KINDS.get(reason)
    if kind is None or not is_sentence(sentence):
        return None
    if file is None and issubclass(kind, errors.PictureError | errors.FaceError):
        file = "image"
    elif file is None and issubclass(kind, errors.VoiceError):
        file = "audio"
    elif file is None and issubclass(kind, errors.BackgroundUnfit):
        file = "background"
    return Explanation(file=file, reason=reason, sentence=sentence)


def upload_unknown(file: str) -> Explanation:
    """Of an oss:// link that names no upload."""
    return Explanation(file=file, reason=service_errors.UploadUnknown.code, sentence=_UPLOAD_GONE)


class Told(NamedTuple):
    """What a client is told who asks why."""

    file: str | None
    reason: str
    explanation: str
    hint: str


def of_task(task: Task) -> Told | None:
    """Why a task FAILED; None where it did not, or nothing is known beyond code and message."""
    if task.code is None:
        return None
    if task.explanation is not None:
        return _with_hint(task.explanation)
    known = _BY_CODE.get(task.code)
    return None if known is None else Told(None, *known)


def explained(why: Explanation | None) -> dict[str, str | None]:
    """The same about a call, as fields of an answer; none where nothing is known."""
    return {} if why is None else _with_hint(why)._asdict()


def _with_hint(why: Explanation) -> Told:
    if why.reason == service_errors.UploadUnknown.code:
        return Told(why.file, why.reason, why.sentence, _UPLOAD_HINT)
    if why.reason == DOWNLOAD_FAILED:
        words = f"{_DOWNLOAD}: {why.sentence}" if why.sentence else _DOWNLOAD
        return Told(why.file, why.reason, words, _DOWNLOAD_HINT)
    kind = _KINDS.get(why.reason)
    return Told(why.file, why.reason, why.sentence, "" if kind is None else kind.hint)


def in_log(code: str, why: Explanation | None) -> str:
    """The same in a line of the log."""
    if why is None:
        return code
    return f"{code} ({why.file or 'input'}: {why.reason}: {why.sentence})"
