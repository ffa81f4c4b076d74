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

from portravox.inspection import Mark
from portravox.service import problems
from portravox.service.worker.messages import (
    Event,
    Failed,
    FetchDone,
    InspectDone,
    JudgeDone,
    PartDone,
    PlainDone,
    PlanDone,
    Ready,
    RenderDone,
    StageReached,
    encode,
)

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
    return Request("POST", SUBMIT, b"", headers, *changed_json(JOB, chance))


def _look(chance: random.Random, known_task: str) -> Request:
    del known_task
    query = chance.choice((b"", b"explain=true", b"explain=maybe"))
    headers = ((b"content-type", b"application/json"),)
    return Request("POST", DETECT, query, headers, *changed_json(LOOK, chance))


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
            ("GET", f"{TASKS}/{task}/stream"),
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


def changed_json(seed: dict[str, Any], chance: random.Random) -> tuple[bytes, tuple[str, ...]]:
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


@dataclass(frozen=True)
class Framed:
    """What one connection is sent."""

    content: bytes
    requests: int
    """How many requests that is: more answers mean that bytes of a body were taken for one."""

    told: str
    whole: bool
    """Whether it was left as it was made."""


FLOOD_BYTES = 2 << 20
"""Of an extension or of trailers, at most: 32 times what a server of ours takes of one request."""

_SMUGGLED = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"

_HTTP_PIECES = (
    b"\r\n", b"\n", b"\r", b"0\r\n\r\n", b"\r\n\r\n", b";", b" ", b"\x00", b"\t", b"HTTP/2.0",
    b"ffffffffffffffff\r\n", b"-1\r\n", b"content-length: 5\r\n", b"content-length: -1\r\n",
    b"transfer-encoding: chunked\r\n", b"Transfer-Encoding : chunked\r\n", b"upgrade: h2c\r\n",
    b"expect: 100-continue\r\n", b"connection: upgrade\r\n",
    b"x:" + b"y" * 5000 + b"\r\n", b"x:y\r\n" * 300, _SMUGGLED,
)  # fmt: skip


def framed(number: int, key: str, known_task: str) -> Framed:
    """Case `number` of HTTP whose frame is odd: chunks, trailers, several requests, lengths that
    contradict each other, any number of headers, HTTP/1.0. Half of them mutated."""
    chance = random.Random(f"framed {number}")
    kind = chance.choice(
        (_extensions, _trailers, _tiny_chunks, _pipelined, _two_lengths, _headers, _old_http)
    )
    content, requests = kind(chance, key, known_task)
    told = kind.__name__.strip("_").replace("_", " ")
    if chance.random() < 0.5:
        return Framed(content, requests, told, whole=True)
    # A mutation may well make requests of bodies; what it made is not known.
    content = mutated(content, chance, pieces=_HTTP_PIECES)
    return Framed(content, content.count(b"HTTP/"), f"{told}, mutated", whole=False)


def _call(
    chance: random.Random, key: str, known_task: str, *, closing: bool = True
) -> tuple[bytes, list[bytes], bytes]:
    """First line without its version, header lines and body of a call of the API."""
    key_line = b"authorization: Bearer " + chance.choice((key.encode(), key.encode(), b"none"))
    lines = [b"host: x", key_line] + [b"connection: close"] * closing
    if chance.random() < 0.5:
        body = json.dumps(JOB if chance.random() < 0.3 else LOOK | {"model": "none"}).encode()
        lines += [b"content-type: application/json", b"x-dashscope-async: enable"]
        return f"POST {SUBMIT}".encode(), lines, body
    path = chance.choice((f"{TASKS}/{known_task}", TASKS, "/healthz", f"{TASKS}/none/cancel"))
    return f"{chance.choice(('GET', 'POST'))} {path}".encode(), lines, chance.randbytes(40)


def _head(first: bytes, lines: Sequence[bytes], version: bytes = b"1.1") -> bytes:
    return b"\r\n".join([first + b" HTTP/" + version, *lines]) + b"\r\n\r\n"


def _chunks(body: bytes, size: int, extension: bytes = b"") -> bytes:
    """A body in chunks, without the end."""
    pieces = (body[at : at + size] for at in range(0, len(body), size))
    return b"".join(b"%x%s\r\n%s\r\n" % (len(piece), extension, piece) for piece in pieces)


def _chunked(
    chance: random.Random, key: str, known_task: str, *, closing: bool = True
) -> tuple[bytes, bytes]:
    first, lines, body = _call(chance, key, known_task, closing=closing)
    return _head(first, [*lines, b"transfer-encoding: chunked"]), body


def _extensions(chance: random.Random, key: str, known_task: str) -> tuple[bytes, int]:
    head, body = _chunked(chance, key, known_task)
    length = chance.choice((0, 1, 100, 5000, 70_000, FLOOD_BYTES))
    extension = chance.choice((b";a", b";a=", b';a="', b" ;", b";a;b=c")) + b"x" * length
    return head + _chunks(body, chance.choice((7, 100, 5000)), extension) + b"0\r\n\r\n", 1


def _trailers(chance: random.Random, key: str, known_task: str) -> tuple[bytes, int]:
    flood = chance.random() < 0.4
    # A connection that is to be closed takes nothing more once it has been answered.
    head, body = _chunked(chance, key, known_task, closing=not flood)
    line = chance.choice(
        (b"x:b\r\n", b"host: y\r\n", b"content-length: 9\r\n", b"a: " + b"b" * 3000)
    )
    if flood:
        trailers = line * (FLOOD_BYTES // len(line))
    else:
        trailers = line.rstrip() + b"\r\n"
        trailers *= chance.choice((1, 2, 30, 300))
    return head + _chunks(body, 100) + b"0\r\n" + trailers + b"\r\n", 1


def _tiny_chunks(chance: random.Random, key: str, known_task: str) -> tuple[bytes, int]:
    head, body = _chunked(chance, key, known_task)
    body += b" " * chance.choice((0, 1000, 30_000, 300_000))
    return head + _chunks(body, chance.choice((1, 1, 2, 16))) + b"0\r\n\r\n", 1


def _pipelined(chance: random.Random, key: str, known_task: str) -> tuple[bytes, int]:
    count = chance.choice((2, 3, 10, 60, 400))
    requests = []
    for number in range(count):
        first, lines, body = _call(chance, key, known_task, closing=number == count - 1)
        requests.append(_head(first, [*lines, b"content-length: %d" % len(body)]) + body)
    return b"".join(requests), count


def _two_lengths(chance: random.Random, key: str, known_task: str) -> tuple[bytes, int]:
    first, lines, body = _call(chance, key, known_task, closing=False)
    chunks = _chunks(body, 100) + b"0\r\n\r\n" + _SMUGGLED
    length = chance.choice((0, 3, len(body), len(chunks), 10**6))
    coding = chance.choice((b"chunked", b"identity", b"gzip, chunked", b"chunked, chunked", b"x"))
    both = [b"content-length: %d" % length, b"transfer-encoding: " + coding]
    if chance.random() < 0.2:
        both[1] = b"content-length: %d" % (length + 1)
    chance.shuffle(both)
    return _head(first, [*lines, *both]) + chunks, 1


def _headers(chance: random.Random, key: str, known_task: str) -> tuple[bytes, int]:
    first, lines, body = _call(chance, key, known_task)
    count = chance.choice((0, 1, 200, 250, 255, 256, 257, 300, 3000))
    odd = chance.choice((b"x: y", b"x:", b"host: z", b"accept: " + b"a" * 200, b"cookie: \xff"))
    lines = [*lines, *[odd] * count, b"content-length: %d" % len(body)]
    if chance.random() < 0.1:
        del lines[0]
    return _head(first, lines) + body, 1


def _old_http(chance: random.Random, key: str, known_task: str) -> tuple[bytes, int]:
    first, lines, body = _call(chance, key, known_task, closing=False)
    version = chance.choice((b"1.0", b"1.0", b"1.0", b"0.9", b"2.0", b"1.2", b"9.9"))
    if chance.random() < 0.3:
        lines.append(b"transfer-encoding: chunked")
        body = _chunks(body, 100) + b"0\r\n\r\n"
    elif chance.random() < 0.8:
        lines.append(b"content-length: %d" % len(body))
    else:
        body = b""
    lines += chance.choice(([], [b"connection: keep-alive"], [b"expect: 100-continue"]))
    return _head(first, lines[chance.choice((0, 0, 1)) :], version) + body, 1


EVENTS: tuple[Event, ...] = (
    Ready(),
    StageReached(number=3, stage="render", done=0.5),
    FetchDone(number=1),
    JudgeDone(
        number=2, passed=True, reason="", explanation="One face.", hint="", notices=("small",),
        width_px=640, height_px=480, faces=(((1.0, 2.0), (3.5, 4.0), (5.0, 2.0)),), face_count=1,
    ),
    PlainDone(number=2),
    InspectDone(
        number=2, file_kind="MP4", is_known=True,
        marks=(
            Mark(
                scheme="aigc", says_machine_made=True, valid=None, is_ours=False, words="a label",
                fields={"Label": "1"},
            ),
        ),
    ),
    RenderDone(number=3, duration_s=2.8),
    PlanDone(number=3, frames=5400, duration_s=180.0),
    PartDone(number=3),
    Failed(
        number=4, status=problems.NO_FACE.status, code=problems.NO_FACE.code,
        message=problems.NO_FACE.message, retry=False,
    ),
)  # fmt: skip
"""One of each kind that a worker process may say."""


def event_line(number: int) -> bytes:
    """Line `number` of a worker process that was taken over: an event, with something wrong in its
    values, its bytes or both; now and then with nothing."""
    chance = random.Random(f"event {number}")
    line, _ = changed_json(json.loads(encode(chance.choice(EVENTS))), chance)
    return line + b"\n" * chance.choice((1, 1, 1, 0, 2))
