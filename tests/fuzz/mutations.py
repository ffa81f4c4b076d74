"""Inputs that are almost right: the same one for the same number.

Each case has a generator of its own, seeded with its number, so a failure is told by the number
alone and can be had again without the cases before it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

SUBMIT = "/api/v1/services/aigc/image2video/video-synthesis"
DETECT = "/api/v1/services/aigc/image2video/face-detect"
TASKS = "/api/v1/tasks"

JOB: dict[str, Any] = {
    "model": "liveportrait",
    "input": {"image_url": "https://a.example/face.jpg", "audio_url": "https://a.example/v.wav"},
    "parameters": {
        "template_id": "calm",
        "eye_move_freq": 0.5,
        "video_fps": 24,
        "mouth_move_strength": 1,
        "head_move_strength": 0.7,
        "paste_back": True,
        "portravox": {"seed": 1, "max_side": 512, "visible_label": "zh"},
    },
}
LOOK: dict[str, Any] = {
    "model": "liveportrait-detect",
    "input": {"image_url": "https://a.example/face.jpg"},
}

STRANGE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e308, -0.0, 2**63, 10**40, 0.1 + 0.2, "", " ", "0", "true", "\x00",
    "\ud800", "\U0001f642" * 50, "a" * 5000, "../../etc/passwd", "%2e%2e/", "http://", "https://[::1",
    "http://a.example:99999/", "oss://", "oss://dashscope-instant/../x", "file:///etc/passwd",
    "http://user:pw@127.0.0.1/", "'; DROP TABLE tasks; --", [], {}, [[]], {"": ""}, [1] * 300,
)  # fmt: skip
"""Values that programs of this kind have stumbled over."""

PIECES = (
    b"NaN", b"Infinity", b"-", b"1e999999", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b'"', b"\\u0000",
    b"\\ud800", b"\\", b"{", b"}", b"[", b"]", b",", b":", b"[" * 5000, b'{"a":' * 200,
    b"1" * 400, b'"model":"liveportrait",', b"/*", b"\r\n\r\n", b"A" * 66_000,
)  # fmt: skip
"""What is put into bytes, at any place."""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""
    told: tuple[str, ...] = field(default=(), compare=False)
    """What was done to it."""


def request(number: int, key: str, known_task: str) -> Request:
    """Case `number`: a call of the API with something wrong in it, now and then with nothing."""
    chance = random.Random(number)
    made = chance.choices(
        (_job, _look, _form, _task), weights=(60, 15, 10, 15), k=1
    )[0](chance, known_task)  # fmt: skip
    headers = dict(made.headers) | {b"authorization": f"Bearer {key}".encode()}
    told = list(made.told)
    for name in list(headers):
        if chance.random() < 0.04:
            headers[name] = chance.choice((b"", b"x", b"enable", b"Bearer ", b"\xff", b"a" * 3000))
            told.append(f"header {name!r}")
        elif chance.random() < 0.02:
            del headers[name]
            told.append(f"no header {name!r}")
    path = made.path
    if chance.random() < 0.06:
        path = mutated(path.encode(), chance, pieces=(b"/", b"//", b"..", b"%00", b"%2f", b"\xc3"))[
            :4000
        ].decode("latin-1")
        told.append("path")
    query = made.query
    if chance.random() < 0.06:
        query = mutated(query or b"page_no=1", chance)[:4000]
        told.append("query")
    return Request(made.method, path, query, tuple(headers.items()), made.body, tuple(told))


def _job(chance: random.Random, known_task: str) -> Request:
    del known_task
    headers = ((b"content-type", b"application/json"), (b"x-dashscope-async", b"enable"))
    return Request("POST", SUBMIT, b"", headers, *_json(JOB, chance))


def _look(chance: random.Random, known_task: str) -> Request:
    del known_task
    query = chance.choice((b"", b"explain=true", b"explain=maybe"))
    headers = ((b"content-type", b"application/json"),)
    return Request("POST", DETECT, query, headers, *_json(LOOK, chance))


def _form(chance: random.Random, known_task: str) -> Request:
    del known_task
    parts = [
        b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name, value)
        for name, value in (
            (b"OSSAccessKeyId", b"x"), (b"policy", b"eyJ9"), (b"Signature", b"s"),
            (b"key", b"dashscope-instant/a/b/v.wav"), (b"success_action_status", b"200"),
        )
    ]  # fmt: skip
    file = b'--b\r\nContent-Disposition: form-data; name="file"; filename="v.wav"\r\n\r\nRIFF\r\n'
    whole = mutated(b"".join(parts) + file + b"--b--\r\n", chance)
    kind = chance.choice(
        (b"multipart/form-data; boundary=b", b"multipart/form-data", b"text/plain")
    )
    return Request("POST", "/uploads", b"", ((b"content-type", kind),), whole, ("form",))


def _task(chance: random.Random, known_task: str) -> Request:
    task = chance.choice((known_task, mutated(known_task.encode(), chance).decode("latin-1")))[:500]
    method, path = chance.choice(
        (
            ("GET", f"{TASKS}/{task}"),
            ("POST", f"{TASKS}/{task}/cancel"),
            ("GET", f"{TASKS}/{task}/preview"),
            ("GET", TASKS),
            ("GET", "/api/v1/uploads"),
            ("GET", f"/files/{task}.mp4"),
            (chance.choice(("PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "X")), TASKS),
        )
    )
    query = b""
    if chance.random() < 0.5:
        name = chance.choice(("page_no", "page_size", "status", "start_time", "force", "progress"))
        query = (
            f"{name}={chance.choice(('1', '0', '-1', 'x', '9' * 40, '%00', '%ff', ''))}".encode()
        )
    return Request(method, path, query, (), b"", ("task",))


def _json(seed: dict[str, Any], chance: random.Random) -> tuple[bytes, tuple[str, ...]]:
    """A body and what was done to it: to its values, to its bytes, or to both."""
    value = json.loads(json.dumps(seed))
    told = []
    for _ in range(chance.choice((0, 0, 1, 1, 2, 5))):
        told.append(_changed(value, chance))
    whole = json.dumps(value, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
    if chance.random() < 0.45:
        whole = mutated(whole, chance)
        told.append("bytes")
    return whole, tuple(told)


def _changed(value: Any, chance: random.Random) -> str:
    """Replace, remove or add something somewhere in a tree; says what."""
    here = value
    while True:
        places = list(here) if isinstance(here, dict) else list(range(len(here)))
        deeper = [p for p in places if isinstance(here[p], (dict, list)) and here[p]]
        if not deeper or chance.random() < 0.4:
            break
        here = here[chance.choice(deeper)]
    strange = deepcopy(chance.choice(STRANGE))
    if isinstance(here, dict) and (not places or chance.random() < 0.15):
        here[chance.choice(("extra", "", "\x00", "a" * 300, "__proto__"))] = strange
        return "field added"
    if not places:
        return "nothing"
    place = chance.choice(places)
    if isinstance(here, dict) and chance.random() < 0.2:
        del here[place]
        return f"no {place}"
    here[place] = strange
    return f"{place} = {strange!r:.40}"


def mutated(whole: bytes, chance: random.Random, pieces: Sequence[bytes] = PIECES) -> bytes:
    """Bytes with one to four things done to them."""
    content = bytearray(whole)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(content) + 1)
        match chance.randrange(7):
            case 0 if content:  # a bit
                content[at % len(content)] ^= 1 << chance.randrange(8)
            case 1:  # cut off
                del content[at:]
            case 2:  # cut out
                del content[at : at + chance.choice((1, 2, 4, 16, 200))]
            case 3:  # something strange put in
                content[at:at] = chance.choice(pieces)
            case 4:  # a piece of itself again
                content[at:at] = content[at : at + chance.choice((1, 4, 32, 500))]
            case 5 if content:  # numbers in headers of files, both ways round
                large = chance.choice((0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF))
                order = "little" if chance.random() < 0.5 else "big"
                size = 1 if large <= 0xFF else 2 if large <= 0xFFFF else 4
                content[at : at + size] = large.to_bytes(size, order)  # type: ignore[arg-type]
            case _:  # noise
                count = chance.choice((1, 2, 8, 64))
                content[at : at + count] = chance.randbytes(count)
    return bytes(content)
