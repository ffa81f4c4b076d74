from __future__ import annotations

import numpy as np

from portravox.face.find import find_face
from portravox.staging.beyond import carried_on
from portravox.staging.frame import Frame
from tests.talking import portrait

NOBODY = np.zeros((256, 256), np.float32)


def test_within_the_picture_no_pixel_changes() -> None:
    pixels, (face, _) = portrait().pixels, find_face(portrait())
    out, matte = carried_on(pixels, NOBODY + 1.0, Frame(10, 20, 100, 150), face)
    assert np.array_equal(out, pixels[20:170, 10:110])
    assert matte.shape == (150, 100)


def test_no_line_shows_where_the_photograph_ends() -> None:
    """A ramp of light goes on beyond both sides without a step."""
    ramp = np.broadcast_to(np.linspace(40, 200, 256)[None, :, None], (256, 256, 3))
    face, _ = find_face(portrait())
    out, _ = carried_on(ramp.astype(np.uint8), NOBODY, Frame(-100, 0, 456, 256), face)
    columns = out.astype(np.float64).mean(axis=(0, 2))
    assert np.abs(np.diff(columns)).max() < 4.0
    assert np.abs(columns[140:310] - ramp[0, 40:210, 0]).max() < 1.0


def test_detail_fades_outwards() -> None:
    rng = np.random.default_rng(0)
    noise = np.repeat(np.repeat(rng.integers(60, 200, (64, 64, 3)), 4, 0), 4, 1).astype(np.uint8)
    face, _ = find_face(portrait())
    out, _ = carried_on(noise, NOBODY, Frame(-200, 0, 656, 256), face)
    near, far = (out[:, columns].std(axis=0).mean() for columns in (slice(170, 199), slice(0, 40)))
    inside = out[:, 300:400].std(axis=0).mean()
    assert far < near < inside


def test_the_person_is_not_seen_twice() -> None:
    """A red person in the middle of grey: beyond the border there is no red."""
    pixels = np.full((256, 256, 3), 120, np.uint8)
    matte = NOBODY.copy()
    matte[40:, 90:170] = 1.0
    pixels[matte > 0] = (200, 30, 30)
    face, _ = find_face(portrait())
    out, made = carried_on(pixels, matte, Frame(-200, 0, 656, 256), face)
    for beyond in (out[:, :190], out[:, -190:]):
        assert (beyond[..., 0].astype(int) - beyond[..., 1]).max() < 6
    assert made[:, :190].max() < 0.05


def test_a_body_cut_by_a_side_goes_on_and_falls_away() -> None:
    pixels = np.full((256, 256, 3), 120, np.uint8)
    matte = NOBODY.copy()
    matte[230:] = 1.0
    pixels[matte > 0] = (20, 20, 90)
    face, _ = find_face(portrait())
    out, made = carried_on(pixels, matte, Frame(-40, 0, 296, 256), face)
    assert made[250, 35] > 0.8
    assert made[250, 2] < made[250, 35]
    assert out[253, 36, 2] > out[253, 36, 0] + 20


def test_of_whom_the_matte_is_in_doubt_the_own_colours_go_on_beyond_the_border() -> None:
    """A dark coat before a white wall at the left border, taken for a person by half."""
    pixels = np.full((256, 256, 3), 230, np.uint8)
    matte = NOBODY.copy()
    matte[120:, :60] = 0.5
    pixels[120:, :60] = (20, 20, 40)
    face, _ = find_face(portrait())
    out, _ = carried_on(pixels, matte, Frame(-100, 0, 356, 256), face)
    assert out[220:, 90:97].mean() < 70.0
