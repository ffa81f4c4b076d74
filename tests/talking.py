"""A small portrait and a short voice, and the frames that an engine makes of them."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from portravox.demo import VOICE, demo_portrait
from portravox.engines.base import Avatar
from portravox.face.face import Box
from portravox.face.find import find_face
from portravox.media.picture import Picture
from portravox.media.picture_file import read_picture
from portravox.media.planes import Planes
from portravox.media.voice_file import read_voice
from portravox.media.waveform import Waveform
from portravox.options import Direction

SILENT_S, SPOKEN_S = 0.8, 1.2
"""The voice is silent, speaks, and is silent again."""

FPS = 15

Int16 = npt.NDArray[np.int16]
Bool = npt.NDArray[np.bool_]


@cache
def portrait() -> Picture:
    """The astronaut, 256 x 256."""
    return read_picture(demo_portrait(), max_side_px=256)


@cache
def face_box() -> Box:
    return find_face(portrait())[0].box


@cache
def voice() -> Waveform:
    spoken = read_voice(VOICE)
    silence = np.zeros((round(SILENT_S * spoken.rate_hz), 1), np.float32)
    words = spoken.samples[: round(SPOKEN_S * spoken.rate_hz)]
    return Waveform(np.concatenate([silence, words, silence]), spoken.rate_hz)


def digital_silence(duration_s: float = 1.0) -> Waveform:
    return Waveform(np.zeros((round(16_000 * duration_s), 1), np.float32), 16_000)


def photograph() -> Int16:
    """(H, W, 3) the portrait with halved chroma, as every frame has it."""
    return Planes.of(portrait().pixels).rgb().astype(np.int16)


def frames_of(avatar: Avatar, said: Waveform, **direction: Any) -> Int16:
    """(T, H, W, 3) signed, so that differences have a sign."""
    frames = avatar.speak(said, Direction(video_fps=FPS, **direction))
    return np.array([frame.rgb() for frame in frames], np.int16)


def mouth_of(frames: Int16) -> Int16:
    """The part of the frames that holds the mouth and the chin."""
    box = face_box()
    top, bottom = int(box.y0 + 0.65 * box.height), int(box.y1)
    return frames[..., top:bottom, int(box.x0) : int(box.x1), :]


def below_the_eyes(frames: Int16) -> Int16:
    box = face_box()
    return frames[..., int(box.y0 + 0.6 * box.height) :, :, :]


def speaking_and_silent(count: int) -> tuple[Bool, Bool]:
    """Which of the frames of `voice` show speech, and which have to show a mouth at rest.

    Lips open up to 0.2 s ahead of the sound; afterwards they meet, and go back to the photograph's
    smile only when the silence lasts.
    """
    times_s = np.arange(count) / FPS
    spoken = (times_s > SILENT_S) & (times_s < SILENT_S + SPOKEN_S)
    silent = (times_s < SILENT_S - 0.25) | (times_s > SILENT_S + SPOKEN_S + 0.6)
    return spoken, silent
