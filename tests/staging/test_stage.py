"""What a frame promises: its shape to the pixel, the face in its place, the photograph as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from portravox.errors import NoFaceFound, SettingOutOfRange
from portravox.face.find import find_face
from portravox.media.picture import Picture
from portravox.options import FRAMES, JobOptions
from portravox.staging.frame import ASPECTS, EYES_FROM, EYES_TO, eye_line, placed
from portravox.staging.stage import CUT_HEAD, reading_side, staged
from tests.talking import portrait

SHAPES = FRAMES[1:]


def _staged(picture: Picture | None = None, **options: Any) -> Picture:
    return staged(picture or portrait(), JobOptions(**options)).picture


def test_the_option_and_the_shapes_are_the_same() -> None:
    assert set(SHAPES) == set(ASPECTS)


def test_without_a_frame_nothing_is_done() -> None:
    for options in (JobOptions(face="1"), JobOptions(paste_back=False, frame="1:1")):
        ready = staged(portrait(), options)
        assert ready.picture is portrait()
        assert ready.face == options.face
        assert ready.direction == options.direction


@pytest.mark.parametrize("frame", SHAPES)
def test_sides_are_even_and_the_ratio_exact(frame: str) -> None:
    across, down = ASPECTS[frame]
    for options in ({}, {"max_side": 100}, {"max_side": 64}, {"paste_back": False}):
        made = _staged(frame=frame, **options)
        assert made.width_px * down == made.height_px * across
        assert made.width_px % 2 == made.height_px % 2 == 0
        assert max(made.width_px, made.height_px) <= options.get("max_side", 4096)


@pytest.mark.parametrize("frame", SHAPES)
def test_eyes_are_at_40_percent_and_the_face_in_the_middle(frame: str) -> None:
    face, _ = find_face(portrait())
    for size in ((256, 256), (2000, 2000)):
        at = placed(size, face, frame)
        share = (eye_line(face.landmarks) - at.top) / at.height
        assert EYES_FROM - 0.01 <= share <= EYES_TO + 0.01
        middle = (face.box.x0 + face.box.x1) / 2
        assert abs((middle - at.left) / at.width - 0.5) < 0.10


@pytest.mark.parametrize("frame", SHAPES)
def test_a_frame_that_the_picture_holds_lies_within(frame: str) -> None:
    """The portrait amid a picture four times as large."""
    face, _ = find_face(portrait())
    far = type(face)(**{
        name: getattr(face, name) for name in face.__dataclass_fields__ if name != "landmarks"
    }, landmarks=face.landmarks + np.array([800, 800, 0], np.float32))  # fmt: skip
    at = placed((2048, 2048), far, frame)
    assert at.left >= 0
    assert at.top >= 0
    assert at.left + at.width <= 2048
    assert at.top + at.height <= 2048


def test_close_is_closer() -> None:
    assert _staged(frame="4:5", paste_back=False).height_px < _staged(frame="4:5").height_px


def test_the_face_only_square_is_not_asked_for_twice() -> None:
    assert staged(portrait(), JobOptions(frame="9:16", paste_back=False)).direction.paste_back


def test_the_face_that_is_meant_is_found_where_the_frame_has_it() -> None:
    ready = staged(portrait(), JobOptions(frame="16:9"))
    face, _ = find_face(ready.picture)
    middle = face.landmarks[:468, :2].mean(axis=0)
    assert ready.face is not None
    point = np.array([float(share) for share in ready.face.split(",")])
    size = (ready.picture.width_px, ready.picture.height_px)
    assert np.abs(point * size - middle).max() < 0.05 * face.width_px


def test_the_verdict_is_that_of_the_picture_as_it_came() -> None:
    with pytest.raises(NoFaceFound, match="200 x 100"):
        _staged(Picture(np.full((100, 200, 3), 90, np.uint8)), frame="1:1")
    with pytest.raises(SettingOutOfRange):
        _staged(frame="1:1", face="7")


def test_a_head_cut_by_the_border_is_said() -> None:
    face, _ = find_face(portrait())
    x0, y0, x1, y1 = (round(v) for v in (face.box.x0, face.box.y0, face.box.x1, face.box.y1))
    tight = portrait().pixels[y0 - 8 : y1 + 12, x0 - 2 : x1 + 2]
    assert CUT_HEAD in _staged(Picture(np.ascontiguousarray(tight)), frame="16:9").notices
    assert CUT_HEAD not in _staged(frame="4:5").notices


def test_a_picture_to_be_cut_is_read_whole() -> None:
    assert reading_side(JobOptions(max_side=100)) == 100
    assert reading_side(JobOptions(max_side=100, frame="1:1")) is None
