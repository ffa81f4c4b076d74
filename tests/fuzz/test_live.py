"""Live sessions: whatever a client says, or a process that was taken over, is refused or is what it
should be; whatever is pushed into a session, frames come."""

from __future__ import annotations

import json
import random
import time
from typing import Any, get_args

import numpy as np

from portravox.animation.controls import CONTROLS
from portravox.engines.session import RigSession
from portravox.errors import SessionFull, SettingOutOfRange
from portravox.options import Direction
from portravox.service.live_schemas import offer_in, said_in, start_in
from portravox.service.problems import Refusal
from portravox.service.worker import live_messages, peer_messages
from portravox.service.worker.messages import Failed, ProtocolViolation
from portravox.synthesis.settings import SpeechSettings
from tests.fuzz.conftest import Tally
from tests.fuzz.mutations import EVENTS, changed_json, mutated

STARTS: tuple[dict[str, Any], ...] = (
    {
        "type": "start", "image_url": "https://host.example/p.png", "sample_rate": 16_000,
        "sound_rate": 48_000, "format": "raw", "consent": "sha256:00",
        "parameters": {"video_fps": 25, "portravox": {"expression": "happy", "max_side": 256}},
    },
    {"type": "start", "image_bytes": 1000, "parameters": {"portravox": {"background": "blur"}}},
)  # fmt: skip

MESSAGES: tuple[dict[str, Any], ...] = (
    {"type": "append", "audio": "AAABAAIAAwA=", "sample_rate": 8_000},
    {"type": "flush"},
    {"type": "clear"},
    {"type": "listen", "active": True},
    {"type": "close"},
    {"type": "say", "text": "Hello.", "voice_name": "en-gb", "language": "en"},
    {
        "type": "change",
        "parameters": {"mouth_move_strength": 1.5, "portravox": {"expression": "sad"}},
    },
)

SAID: tuple[live_messages.LiveEvent, ...] = (
    live_messages.Opened(
        width_px=64, height_px=48, fps=25, sound_rate_hz=48_000, mime_type="video/mp4",
        notices=("a",),
    ),
    live_messages.UtteranceStarted(utterance=1, at_s=0.5),
    live_messages.UtteranceEnded(utterance=2, position_s=1.5, at_s=2.5),
    live_messages.Stopped(at_s=0.0),
    live_messages.Cleared(utterance=0, position_s=0.0, at_s=3.0),
    live_messages.Pulse(frames=25, late=3, gaps=1),
    live_messages.Finished(),
    next(event for event in EVENTS if isinstance(event, Failed)),
)  # fmt: skip

PEER_SAID = (
    peer_messages.Answered(sdp="v=0\r\n"),
    peer_messages.Unfit(),
    peer_messages.Said("{}"),
    peer_messages.Heard(bytes(64)),
    peer_messages.Lost(),
)

SPEECH = SpeechSettings(provider="espeak-ng")

RATES_HZ = (8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 191_999, 192_000)
PUSHES_APART = 40
"""One for so many bodies: frames follow each, which take a thousand times as long as a message."""

ODD_RATES = (0, 1, -1, 7_999, 192_001, 2**31, 2**63, 0.5, True, float("nan"), "48000", None)
CHANGES: tuple[dict[str, Any], ...] = (
    {"head_move_strength": 0.0},
    {"mouth_move_strength": 1.5, "expression": "surprised", "expression_strength": 1.0},
    {"template_id": "active", "eye_move_freq": 1.0},
    {"head_move_strength": float("nan")},
    {"head_move_strength": 1e300},
    {"mouth_move_strength": -1},
    {"expression": "bored"},
    {"video_fps": 30},
    {"seed": 7},
    {"nothing": 1},
)


def test_a_clients_message_is_understood_or_refused(bodies: int, tally: Tally) -> None:
    for number in range(bodies):
        chance = random.Random(f"live {number}")
        is_first = chance.random() < 0.4
        message, _ = changed_json(chance.choice(STARTS if is_first else MESSAGES), chance)
        if not is_first and chance.random() < 0.1:
            message = chance.randbytes(chance.choice((0, 1, 2, 3, 960, 70_001)))
            _read(message, is_first=False, tally=tally)
            continue
        _read(message.decode("utf-8", "surrogateescape"), is_first=is_first, tally=tally)
    assert len(tally.counts["live messages"]) > 4


def _read(message: str | bytes, *, is_first: bool, tally: Tally) -> None:
    began = time.perf_counter()
    try:
        if is_first:
            assert isinstance(message, str)
            told: object = start_in(
                message, engines=("embedded",), max_side_px=1024, max_picture_bytes=10_000_000
            )
        else:
            told = said_in(message, rate_hz=24_000, speech=SPEECH)
        outcome = type(told).__name__
    except Refusal as refusal:
        outcome = refusal.problem.code
    except Exception as error:
        raise AssertionError(f"{message[:300]!r}") from error
    tally.add("live messages", outcome, time.perf_counter() - began)


def test_an_offer_is_taken_or_refused_unread(bodies: int, tally: Tally) -> None:
    for number in range(bodies // 10):
        chance = random.Random(f"offer {number}")
        body, _ = changed_json({"type": "offer", "sdp": "v=0\r\n"}, chance)
        began = time.perf_counter()
        try:
            found = json.loads(body)
            outcome = "taken" if isinstance(found, dict) and offer_in(found) else "no object"
        except (Refusal, ValueError, RecursionError) as refusal:
            outcome = type(refusal).__name__
        tally.add("offers", outcome, time.perf_counter() - began)


def test_what_a_process_says_is_an_event_or_a_violation(bodies: int, tally: Tally) -> None:
    for number in range(2 * bodies):
        chance = random.Random(f"live event {number}")
        is_peer = chance.random() < 0.4
        if is_peer:
            part = peer_messages.encode_peer(chance.choice(PEER_SAID))
        else:
            part = live_messages.encode_live(chance.choice(SAID))
        head, payload = part[: live_messages.HEAD.size], part[live_messages.HEAD.size :]
        if payload[:1] == b"{" and chance.random() < 0.8:
            payload, _ = changed_json(json.loads(payload), chance)
            head = live_messages.HEAD.pack(head[:1], len(payload))
        if chance.random() < 0.2:
            head = mutated(head, chance)[:5].ljust(5, b"\0")
        _decode(head, payload, is_peer=is_peer, tally=tally)
    for name, kinds in (
        ("live events", get_args(live_messages.LiveEvent)),
        ("peer events", get_args(peer_messages.PeerEvent)),
    ):
        said = tally.counts[name]
        assert said["ProtocolViolation"] > bodies // 10
        left = {kind.__name__ for kind in kinds} - said.keys() - {"Refused"}
        assert not left or bodies < 1000, f"{left} must be said as it should be, too"


def _decode(head: bytes, payload: bytes, *, is_peer: bool, tally: Tally) -> None:
    began = time.perf_counter()
    said: Any
    try:
        if is_peer:
            if peer_messages.size_of_peer_part(head) != len(payload):
                return  # the next part's bytes would be waited for, or looked at as its head
            said = peer_messages.decode_peer(head, payload)
            again = peer_messages.encode_peer(said)
            assert peer_messages.decode_peer(again[:5], again[5:]) == said
        else:
            if live_messages.size_of_part(head) != len(payload):
                return
            said = live_messages.decode_live(head, payload)
            again = live_messages.encode_live(said)
            assert live_messages.decode_live(again[:5], again[5:]) == said
        outcome = type(said).__name__
    except ProtocolViolation as violation:
        outcome = type(violation).__name__
    except Exception as error:
        raise AssertionError(f"{head!r} {payload[:300]!r}") from error
    tally.add("peer events" if is_peer else "live events", outcome, time.perf_counter() - began)


def test_whatever_is_pushed_frames_come_with_their_sound(bodies: int, tally: Tally) -> None:
    """Odd rates, sizes, kinds and numbers, in any order, and seconds of frames between them."""
    fps, rate_hz = 25, 48_000
    session = RigSession(_drawn_by_nobody, (2, 2), Direction(video_fps=fps), rate_hz)
    for number in range(bodies // PUSHES_APART):
        chance = random.Random(f"pushed {number}")
        began = time.perf_counter()
        try:
            outcome = _done_to(session, chance)
        except (SettingOutOfRange, SessionFull) as refusal:
            outcome = refusal.code
        for _ in range(chance.choice((0, 1, 1, 2, 5))):
            row, frame = session.controls()
            assert row.shape == (len(CONTROLS),) and np.isfinite(row).all()
            assert np.abs(row).max() < 30.0
            assert frame.sound.dtype == np.int16 and len(frame.sound) == rate_hz // fps
            assert 0.0 <= frame.position_s < 3600.0
        tally.add("pushed into a session", outcome, time.perf_counter() - began)
    assert {"push", "flush", "clear", "listen", "change"} < tally.counts[
        "pushed into a session"
    ].keys()
    session.clear()
    for _ in range(4 * fps):
        row, frame = session.controls()
    assert not frame.sound.any() and abs(row[CONTROLS.index("lip_gap")]) < 1e-3


def _done_to(session: RigSession, chance: random.Random) -> str:
    match chance.choice(("push", "push", "push", "push", "flush", "clear", "listen", "change")):
        case "push":
            rate = chance.choice(RATES_HZ if chance.random() < 0.8 else ODD_RATES)
            session.push(_sound(chance), rate)  # type: ignore[arg-type]
            return "push"
        case "flush":
            session.flush()
            return "flush"
        case "clear":
            session.clear()
            return "clear"
        case "listen":
            session.listen(chance.random() < 0.5)
            return "listen"
        case _:
            session.change(**chance.choice(CHANGES))
            return "change"


def _sound(chance: random.Random) -> Any:
    """Samples that are none, that are few, and that are many."""
    noise = np.random.default_rng(chance.randrange(2**32))
    count = chance.choice((0, 1, 2, 159, 960, 4_801, 48_000))
    samples = noise.normal(0.0, 0.2, count)
    match chance.randrange(8):
        case 0:
            return (samples * 32_767).clip(-32_768, 32_767).astype(np.int16)
        case 1:
            samples[::3] = chance.choice((np.nan, np.inf, -np.inf, 1e300))
            return samples
        case 2:
            return (samples * 1e30).astype(np.float32)
        case 3:
            return np.stack([samples] * chance.choice((1, 2, 8, 9)), axis=1)
        case 4:
            return samples.astype(chance.choice(("int32", "uint8", "complex64", "bool", "object")))
        case 5:
            return samples.reshape(-1, 1, 1)
        case 6:
            return np.full(count, chance.choice((-1.0, 0.0, 1.0)), np.float32)
        case _:
            return samples.astype(np.float32)


def _drawn_by_nobody(controls: Any) -> Any:
    raise AssertionError(controls)
