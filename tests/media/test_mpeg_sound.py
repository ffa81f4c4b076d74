"""Frames are found wherever they are, and nothing else is taken for one."""

from __future__ import annotations

import time

import numpy as np
import pytest

from portravox.errors import PortravoxError
from portravox.media import mpeg_sound
from portravox.media.voice_file import read_voice

HEADER = b"\xff\xfb\x90\xc4"
"""MPEG 1 layer III, 128 kbit/s, 44.1 kHz, mono: 417 bytes."""

FRAME = HEADER + bytes(413)


def starts(content: bytes, start: int = 0) -> list[int]:
    return [frame.start for frame in mpeg_sound.frames("v.mp3", content, start)]


def test_frames_follow_each_other_through_what_lies_between() -> None:
    noise = np.random.default_rng(1).bytes(1_000).replace(b"\xff", b"\x00")
    content = FRAME * 3 + noise + FRAME * 3
    assert starts(content) == [0, 417, 834, 2251, 2668, 3085]


def test_the_last_frame_before_a_tag_or_the_end_counts() -> None:
    assert len(starts(FRAME * 4 + b"TAG" + bytes(125))) == 4
    assert len(starts(FRAME * 4)) == 4
    assert len(starts(FRAME * 3 + FRAME[:200])) == 4  # cut off: what it borrows may decode


def test_one_header_alone_is_no_sound() -> None:
    noise = np.random.default_rng(2).bytes(200_000)
    assert mpeg_sound.first_frame(noise, 0) is None
    assert mpeg_sound.first_frame(noise[:5_000] + HEADER + noise[:5_000], 0) is None
    assert mpeg_sound.first_frame(noise[:5_000] + FRAME * 5, 0) == 5_000


def test_tags_are_passed_over_up_to_a_number() -> None:
    tag = b"ID3\4\0\0\0\0\0\x0a" + bytes(10)
    assert mpeg_sound.sound_start(tag * 3 + bytes(50) + FRAME) == 110
    assert mpeg_sound.sound_start(bytes(50) + FRAME) == 0
    assert mpeg_sound.sound_start(tag * 500) <= len(tag) * mpeg_sound.MAX_TAGS


@pytest.mark.parametrize(
    "content",
    [
        b"ID3\4\0\0\0\0\0\0" * 1_500_000,
        HEADER * 3_900_000,
        FRAME * 4 + HEADER * 3_900_000,
        FRAME * 4 + (HEADER + b"\0") * 3_000_000,
        b"\xff\xf3\x14\xc4" + bytes(20) + (b"\xff\xf3\x14\xc4" + bytes(68)) * 200_000,
        b"\xff" * 15_000_000,
        FRAME * 4 + b"\xff\xe2" * 7_000_000,
    ],
    ids=["tags", "headers", "headers behind", "odd headers", "small frames", "ones", "sync"],
)
def test_files_made_to_cost_time_cost_little(tmp_path, content: bytes) -> None:
    path = tmp_path / "v.mp3"
    path.write_bytes(content)
    start = time.process_time()
    with pytest.raises(PortravoxError):
        read_voice(path)
    assert time.process_time() - start < 3.0
