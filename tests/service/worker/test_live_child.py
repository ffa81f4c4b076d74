"""The loop of a live process: what is heard in which frame is told, and in the video's order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from portravox.errors import SessionFull, SettingOutOfRange
from portravox.media.live_video import LiveVideo
from portravox.options import JobOptions
from portravox.service import problems
from portravox.service.worker import live_messages as live
from portravox.service.worker.live_child import (
    MOST_HELD_S,
    LiveLoop,
    RawFrames,
    mime_type_of,
)
from tests.integrations.talking_session import TalkingSession

RATE_HZ = 24_000


class Told:
    """What a loop said, in order."""

    def __init__(self) -> None:
        self.all: list[live.LiveEvent | live.Piece] = []

    def __call__(self, said: live.LiveEvent | live.Piece) -> None:
        self.all.append(said)

    def of(self, kind: type) -> list:
        return [said for said in self.all if isinstance(said, kind)]


class Session(TalkingSession):
    """One that takes late frames, too."""

    def next_frame(self, *, drawn: bool = True) -> object:
        return super().next_frame()


class Numbers:
    """An output whose pieces are the numbers of their frames."""

    mime_type, begin = "", b""

    def added(self, frame: object, *, drawn: bool) -> bytes:
        return b"%d" % frame.number  # type: ignore[attr-defined]

    def finish(self) -> bytes:
        return b"end"


def speech(seconds: float) -> np.ndarray:
    return np.full(round(seconds * RATE_HZ), 0.5, np.float32)


def played(before: Callable[[LiveLoop], None], until: type, fps: int = 25) -> Told:
    """A loop until it has said something of a kind."""
    told = Told()
    loop = LiveLoop(Session(fps=fps), Numbers(), told)  # type: ignore[arg-type]
    before(loop)
    thread = threading.Thread(target=loop.run)
    thread.start()
    deadline = time.monotonic() + 10.0
    while not told.of(until) and time.monotonic() < deadline:
        time.sleep(0.005)
    loop.finish()
    thread.join()
    return told


def test_an_utterance_is_told_around_its_pieces() -> None:
    def push(loop: LiveLoop) -> None:
        loop.push(speech(0.12), RATE_HZ)
        loop.flush()

    told = played(push, live.Stopped)
    (began,), (ended,) = told.of(live.UtteranceStarted), told.of(live.UtteranceEnded)
    assert began.utterance == ended.utterance == 1
    assert ended.position_s == pytest.approx(0.12) == ended.at_s - began.at_s
    (stopped,) = told.of(live.Stopped)
    assert stopped.at_s == ended.at_s
    between = told.all[told.all.index(began) : told.all.index(ended)]
    assert sum(isinstance(said, live.Piece) for said in between) == 3
    assert told.all[-2:] == [live.Piece(b"end"), live.Finished()]
    assert sum(pulse.frames for pulse in told.of(live.Pulse)) == len(told.of(live.Piece)) - 1


def test_a_recording_longer_than_a_session_takes_is_spoken_and_others_follow_it() -> None:
    def speak(loop: LiveLoop) -> None:
        loop.speak(speech(90.0), RATE_HZ)
        loop.push(speech(0.12), RATE_HZ)
        loop.flush()
        with pytest.raises(SessionFull):
            loop.push(speech(MOST_HELD_S), RATE_HZ)
        with pytest.raises(SessionFull):
            loop.speak(speech(1.0), RATE_HZ)
        loop.clear()
        loop.speak(speech(0.08), RATE_HZ)

    told = played(speak, live.Stopped)
    assert [cleared.utterance for cleared in told.of(live.Cleared)] == [0]
    assert len(told.of(live.UtteranceEnded)) == 1


def test_an_interruption_says_what_was_cut_off_and_nothing_goes_on() -> None:
    told = Told()
    loop = LiveLoop(Session(fps=25), Numbers(), told)  # type: ignore[arg-type]
    loop.push(speech(5.0), RATE_HZ)
    loop.flush()
    thread = threading.Thread(target=loop.run)
    thread.start()
    while not told.of(live.UtteranceStarted):
        time.sleep(0.005)
    loop.clear()
    loop.finish()
    thread.join()
    (cleared,) = told.of(live.Cleared)
    assert cleared.utterance == 1 and 0.0 < cleared.position_s < 5.0
    assert not told.of(live.UtteranceEnded)


def test_what_begins_in_a_frame_is_told_before_it_is_interrupted() -> None:
    drawing = threading.Event()

    class Slow(Session):
        def next_frame(self, *, drawn: bool = True) -> object:
            frame = super().next_frame()
            drawing.set()
            time.sleep(0.05)
            return frame

    told = Told()
    loop = LiveLoop(Slow(fps=25), Numbers(), told)  # type: ignore[arg-type]
    loop.push(speech(5.0), RATE_HZ)
    loop.flush()
    thread = threading.Thread(target=loop.run)
    thread.start()
    drawing.wait(10.0)
    loop.clear()
    loop.finish()
    thread.join()
    (began,), (cleared,) = told.of(live.UtteranceStarted), told.of(live.Cleared)
    assert told.all.index(began) < told.all.index(cleared)


def test_what_cannot_be_done_is_refused_in_our_own_words() -> None:
    told = Told()
    loop = LiveLoop(Session(), Numbers(), told)  # type: ignore[arg-type]
    loop.refuse(SessionFull(60.0))
    loop.refuse(SettingOutOfRange("head_move_strength", 7, "a number"))
    full, out = told.of(live.Refused)
    assert full.problem == problems.SESSION_FULL
    assert out.problem == problems.out_of_definition("head_move_strength")
    for said in told.all:
        part = live.encode_live(said)
        assert live.decode_live(part[: live.HEAD.size], part[live.HEAD.size :]) == said


@pytest.mark.parametrize("label", [None, "en"])
def test_a_raw_frame_is_its_planes_and_its_sound(label: str | None) -> None:
    session = Session(fps=25, size=64)
    session.push(speech(1.0), RATE_HZ)
    session.flush()
    raw = RawFrames(session, JobOptions(visible_label=label))  # type: ignore[arg-type]
    frame = session.next_frame()
    data = raw.added(frame, drawn=True)  # type: ignore[arg-type]
    number, width, height, samples, repeated = live.RAW_HEAD.unpack_from(data)
    assert (number, width, height, samples, repeated) == (0, 64, 64, 960, 0)
    assert len(data) == live.RAW_HEAD.size + 64 * 64 * 3 // 2 + 2 * 960
    luma = np.frombuffer(data, np.uint8, 64 * 64, live.RAW_HEAD.size).reshape(64, 64)
    assert (luma == frame.picture.luma).all() == (label is None)
    sound = np.frombuffer(data[-2 * samples :], "<i2")
    assert (sound == frame.sound).all()
    again = raw.added(session.next_frame(), drawn=False)  # type: ignore[arg-type]
    assert live.RAW_HEAD.unpack_from(again)[-1] == 1


def test_a_browser_is_told_profile_and_level() -> None:
    video = LiveVideo(width_px=64, height_px=64, fps=25)
    assert mime_type_of(video.init_segment) == 'video/mp4; codecs="avc1.64000a, mp4a.40.2"'
