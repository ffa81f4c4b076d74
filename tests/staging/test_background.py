"""The option `background`, from its value to what an engine is given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from portravox.engines.embedded import EmbeddedEngine
from portravox.media.picture import Picture
from portravox.options import JobOptions, background_colour, background_kind, is_address
from portravox.staging.stage import staged
from tests.talking import frames_of, portrait, voice

RED = Picture(np.full((40, 60, 3), (200, 20, 20), np.uint8), ("the picture's own notice",))


@pytest.mark.parametrize(
    ("value", "kind", "colour"),
    [
        ("green", "colour", (0, 177, 64)),
        ("#F0a001", "colour", (240, 160, 1)),
        ("#fff", "picture", None),
        ("./blur", "picture", None),
        ("oss://a/b.png", "picture", None),
    ],
)
def test_a_value_is_a_name_a_colour_or_a_picture(value: str, kind: str, colour: Any) -> None:
    assert background_kind(value) == kind
    if colour is not None:
        assert background_colour(value) == colour


def test_addresses_are_told_from_files() -> None:
    assert all(map(is_address, ("https://a/b", "HTTP://a", "oss://k/f.png")))
    assert not any(map(is_address, ("c:/a.png", "file:///a", "a.png", "http:/a", "https://")))


@pytest.mark.parametrize(
    "options", [{}, {"frame": "16:9"}, {"paste_back": False}, {"frame": "9:16", "max_side": 128}]
)
def test_each_shape_has_the_new_background_and_a_matte_of_its_size(options: Any) -> None:
    ready = staged(portrait(), JobOptions(background="#0010ff", **options))
    pixels, matte = ready.picture.pixels, ready.picture.matte
    assert matte is not None
    assert matte.shape == pixels.shape[:2]
    assert not ready.picture.see_through
    corner = pixels[:4, :4].astype(int)
    assert np.abs(corner - (0, 16, 255)).max() <= 1
    assert ready.direction.paste_back


def test_a_picture_stands_behind_and_its_notices_are_told() -> None:
    ready = staged(portrait(), JobOptions(background="wall.png"), RED)
    assert np.all(ready.picture.pixels[:4, :4] == (200, 20, 20))
    assert "the picture's own notice" in ready.picture.notices


def test_before_a_colour_nothing_moves_but_the_person() -> None:
    ready = staged(portrait(), JobOptions(background="#ffffff"))
    avatar = EmbeddedEngine().register(ready.picture, face=ready.face)
    frames = frames_of(avatar, voice(), template_id="active", head_move_strength=1.0)
    assert ready.picture.matte is not None
    far = ready.picture.matte[:, :60].max(axis=1) == 0
    assert np.all(frames[:, :, :30][:, far] == 255)


def test_what_can_be_seen_through_moves_with_the_head() -> None:
    ready = staged(portrait(), JobOptions(background="transparent"))
    matte = ready.picture.matte
    assert ready.picture.see_through
    assert matte is not None
    avatar = EmbeddedEngine().register(ready.picture, face=ready.face)
    moving = {"template_id": "active", "head_move_strength": 1.0, "video_fps": 15}
    direction = JobOptions(**moving).direction
    shares = []
    for frame in avatar.speak(voice(), direction):
        assert frame.alpha is not None
        shares.append(frame.alpha.astype(np.int16))
    assert np.abs(shares[0] / 255 - matte).max() < 0.01  # at rest
    changed = max(np.abs(share - shares[0]).mean() for share in shares)
    assert 0.1 < changed < 10.0
    for share in shares:  # the face is there, the corner is not
        x, y = np.array(ready.face.split(","), float) * share.shape[::-1] if ready.face else (0, 0)
        assert share[int(y), int(x)] == 255
        assert share[0, 0] == 0
        assert abs(share.sum() / shares[0].sum() - 1.0) < 0.03
    plain = EmbeddedEngine().register(portrait())
    assert next(iter(plain.speak(voice(), direction))).alpha is None
