"""Which pictures will do."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest

from benchmarks.samples import SAMPLES
from portravox.errors import FaceCutOff, FaceTooSmall, FaceUnclear, NoFaceFound
from portravox.face.face import Face
from portravox.face.verdict import judge, require_face
from portravox.media.picture import Picture

from .conftest import SampleJudge

REFUSED = {
    "cat_ragdoll.jpg": "no_face_found",
    "face_16px.jpg": "face_too_small",
    "face_cut_by_image_edge.jpg": "face_cut_off",
    "full_profile_man.jpg": "face_turned_away",
    "group_photo_1927.jpg": "face_unclear",
    "hand_over_mouth.jpg": "face_covered",
    "landscape_sunset_hills.jpg": "no_face_found",
    "lying_head_eyes_closed.png": "face_unclear",
    "noise_only_face_invisible.png": "no_face_found",
    "portrait_turned_90_no_exif.jpg": "face_unclear",
    "surgical_mask_worn_frontal.jpg": "face_covered",
}

REMARKED = {
    "refused/mouth_wide_open.jpg": "mouth is wide open",
    "refused/portrait_black_underexposed.jpg": "very dark",
    "refused/two_people_equal.jpg": "2 faces found",
    "portraits/woman_dark_skin_short_hair_hand_on_chin.jpg": "a hand touches the face",
}

PORTRAITS = sorted(path.name for path in (SAMPLES / "portraits").glob("*")) or ["(no samples)"]


@pytest.mark.parametrize("name", PORTRAITS)
def test_every_sample_portrait_passes(judge_sample: SampleJudge, name: str) -> None:
    verdict = judge_sample(f"portraits/{name}")
    assert verdict.passed, verdict.message
    assert verdict.code == "ok"


@pytest.mark.parametrize("name", REFUSED)
def test_every_unfit_sample_is_refused_for_its_reason(judge_sample: SampleJudge, name: str) -> None:
    verdict = judge_sample(f"refused/{name}")
    assert (verdict.passed, verdict.code) == (False, REFUSED[name])
    assert verdict.hint


@pytest.mark.parametrize("name", REMARKED)
def test_what_harms_the_video_is_said(judge_sample: SampleJudge, name: str) -> None:
    verdict = judge_sample(name)
    assert verdict.passed
    assert any(REMARKED[name] in notice for notice in verdict.notices)


def test_a_good_picture_passes_without_remarks(astronaut: Picture) -> None:
    verdict = judge(astronaut)
    assert verdict.passed
    assert verdict.notices == ()
    face, notices = require_face(astronaut)
    assert face.width_px == verdict.faces[0].width_px
    assert notices == ()


def test_a_blank_picture_has_no_face() -> None:
    blank = Picture(np.full((200, 300, 3), 90, np.uint8))
    assert judge(blank).code == "no_face_found"
    with pytest.raises(NoFaceFound):
        require_face(blank)


def test_a_face_of_fifteen_pixels_is_too_small(astronaut: Picture) -> None:
    small = cv2.resize(astronaut.pixels, (80, 80), interpolation=cv2.INTER_AREA)
    with pytest.raises(FaceTooSmall, match="at least 24 px"):
        require_face(Picture(np.asarray(small, np.uint8)))


@pytest.mark.parametrize("border", ["left", "right", "lower"])
def test_a_face_cut_by_a_fifth_is_cut_off(
    astronaut: Picture, astronaut_face: Face, border: str
) -> None:
    box, cut_px = astronaut_face.box, 0.2 * astronaut_face.width_px
    pixels = {
        "left": astronaut.pixels[:, int(box.x0 + cut_px) :],
        "right": astronaut.pixels[:, : int(box.x1 - cut_px)],
        "lower": astronaut.pixels[: int(box.y1 - cut_px)],
    }[border]
    with pytest.raises(FaceCutOff, match=border):
        require_face(Picture(np.ascontiguousarray(pixels)))


def test_a_picture_on_its_side_is_told_so(astronaut: Picture) -> None:
    with pytest.raises(FaceUnclear, match="on its side") as caught:
        require_face(Picture(np.ascontiguousarray(np.rot90(astronaut.pixels))))
    assert caught.value.hint == "Turn the picture upright."


def test_a_nearly_black_face_is_too_dark(astronaut: Picture) -> None:
    black = (astronaut.pixels * 0.03).astype(np.uint8)
    assert judge(Picture(black)).code in ("face_unclear", "no_face_found")


def test_four_alike_are_a_crowd(astronaut: Picture) -> None:
    head = astronaut.pixels[:320, 60:380]
    crowd = Picture(np.tile(head, (2, 2, 1)))
    with pytest.raises(FaceUnclear, match="wanted one person"):
        require_face(crowd)


def test_noise_holds_no_face() -> None:
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 256, (24, 32, 3), np.uint8)
    clouds = cv2.resize(coarse, (640, 480), interpolation=cv2.INTER_CUBIC)
    assert judge(Picture(np.asarray(clouds, np.uint8))).code == "no_face_found"


def test_a_verdict_takes_less_than_a_second(astronaut: Picture) -> None:
    large = Picture(np.asarray(cv2.resize(astronaut.pixels, (1024, 1024)), np.uint8))
    judge(large)  # the networks load once
    took_s = []
    for _ in range(3):
        start = time.perf_counter()
        judge(large)
        took_s.append(time.perf_counter() - start)
    assert min(took_s) < 1.0
