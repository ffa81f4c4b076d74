"""Whatever framework asks: nothing is lost, nothing is heard twice, what was cut off is gone."""

from __future__ import annotations

import asyncio

import numpy as np

from portravox.integrations.spoken import Spoken, SpokenSession
from tests.integrations.talking_session import TalkingSession, brightness, speech

RATE = 24_000


async def taken(spoken: SpokenSession, count: int) -> list[Spoken]:
    frames = []
    async for frame in spoken.frames():
        frames.append(frame)
        if len(frames) == count:
            break
    return frames


async def test_speech_comes_back_whole_with_its_pictures_and_its_end() -> None:
    spoken = SpokenSession(TalkingSession())
    said = [speech(1.01, level=4000), speech(0.5, level=9000)]
    for utterance in said:
        await spoken.push(utterance, RATE)
        await spoken.flush()
    frames = await taken(spoken, 50)
    assert [frame.number for frame in frames] == list(range(50))
    np.testing.assert_array_equal(
        np.concatenate([frame.sound for frame in frames]), np.concatenate(said)
    )
    assert all((brightness(frame.rgb) > 20) == (len(frame.sound) > 0) for frame in frames)
    assert [n for n, frame in enumerate(frames) if frame.ended] == [25, 38]
    spoken.close()
    assert await taken(spoken, 1) == []


async def test_what_was_cut_off_is_not_heard_and_has_no_end() -> None:
    spoken = SpokenSession(TalkingSession())
    await spoken.push(speech(2.0), RATE)
    await spoken.flush()
    await spoken.push(speech(2.0), RATE)
    await taken(spoken, 10)
    spoken.clear()
    after = await taken(spoken, 60)
    assert not any(len(frame.sound) or frame.ended for frame in after)
    await spoken.push(speech(0.4), RATE)
    await spoken.flush()
    again = await taken(spoken, 20)
    assert sum(len(frame.sound) for frame in again) == round(0.4 * RATE)
    assert sum(frame.ended for frame in again) == 1
    spoken.close()


async def test_a_frame_that_was_drawn_while_it_was_interrupted_is_silent() -> None:
    session = TalkingSession()
    spoken = SpokenSession(session)
    await spoken.push(speech(2.0), RATE)
    await spoken.flush()
    drawn = session.next_frame

    def interrupted_while_drawing():  # type: ignore[no-untyped-def]
        frame = drawn()
        session.next_frame = drawn  # type: ignore[method-assign]
        loop.call_soon_threadsafe(spoken.clear)
        done.wait()
        return frame

    import threading

    loop, done = asyncio.get_running_loop(), threading.Event()
    session.next_frame = interrupted_while_drawing  # type: ignore[method-assign]
    asyncio.get_running_loop().call_later(0.05, done.set)
    first, second = await taken(spoken, 2)
    assert len(first.sound) == len(second.sound) == 0
    spoken.close()


async def test_who_speaks_faster_than_is_heard_waits_and_an_interruption_frees_him() -> None:
    spoken = SpokenSession(TalkingSession())
    await spoken.push(speech(59.0), RATE)
    await spoken.flush()
    pushing = asyncio.create_task(spoken.push(speech(2.0), RATE))
    await asyncio.sleep(0.12)
    assert not pushing.done()
    await taken(spoken, 40)
    await asyncio.wait_for(pushing, 5.0)
    waiting = asyncio.create_task(spoken.push(speech(30.0), RATE))
    await asyncio.sleep(0.02)
    spoken.clear()
    await asyncio.wait_for(waiting, 5.0)
    assert spoken.session.waiting_s == 0.0
    spoken.close()
