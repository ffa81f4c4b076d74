from __future__ import annotations

import cv2
import numpy as np
import pytest

from portravox.arrays import Float32, UInt8
from portravox.render.backdrop import split_layers
from portravox.render.film import _without_twins, double, make_film, no_lip, pairs_of, states_of
from portravox.render.kernels import BLOCK, CLEAR, SOLID
from portravox.render.scene import Scene
from portravox.rig.fit import Rig


def _in_film(scene: Scene, region: tuple[int, int, int, int]) -> tuple[slice, slice]:
    """Rows and columns of the film that show a region of the picture."""
    left, top = scene.film.origin
    x0, y0, x1, y1 = region
    return slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)


def test_doubling_keeps_every_pixel_and_adds_values_between() -> None:
    ramp = np.repeat(np.arange(20, 120, 4, dtype=np.uint8)[None], 12, axis=0)
    large = double(ramp)
    assert np.array_equal(large[::2, ::2], ramp)
    inner = large[10, 8:-8].astype(int)
    assert np.all(np.diff(inner) == 2)  # a straight ramp stays straight


def test_grain_keeps_its_energy_wherever_it_is_looked_up_between_pixels() -> None:
    # as soft as a photograph's: white noise through a bell of half a pixel
    noise = np.random.default_rng(5).normal(0.0, 20.0, (160, 160)).astype(np.float32)
    picture = np.clip(128 + cv2.GaussianBlur(noise, (0, 0), 0.5), 0, 255).astype(np.uint8)
    large = double(picture)

    def energy(x: float, y: float) -> float:
        """Of what is finer than 1.2 px in the picture shifted by parts of a pixel."""
        shift = np.array([[2, 0, 2 * x], [0, 2, 2 * y]], np.float32)
        size = picture.shape[::-1]
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        shown = cv2.warpAffine(large, shift, size, flags=flags).astype(np.float32)
        detail = shown - cv2.GaussianBlur(shown, (0, 0), 1.2)
        return float(np.square(detail[10:-10, 10:-10]).mean())

    places = np.arange(8) / 8
    found = np.array([[energy(x, y) for x in places] for y in places]) / energy(0.0, 0.0)
    assert 0.9 < found.mean() < 1.1  # 0.73 by the filter of H.264 alone
    assert found.std() / found.mean() < 0.115  # as with that


def test_pairs_hold_a_pixel_and_the_next() -> None:
    pairs = pairs_of(np.array([[1, 2, 3], [4, 5, 6]], np.uint8))
    assert (pairs & 255).tolist() == [[1, 2, 3], [4, 5, 6]]
    assert (pairs >> 8).tolist() == [[2, 3, 3], [5, 6, 6]]


def test_states_are_sure_of_their_surroundings() -> None:
    matte = np.zeros((120, 160), np.uint8)
    matte[:, 80:] = 255
    matte[41, 101] = 254
    states = states_of(matte)
    assert states.shape == (120 // BLOCK, 160 // BLOCK)
    near_edge = states[0, 80 // BLOCK - 1 : 80 // BLOCK + 1]
    assert not np.isin(near_edge, (SOLID, CLEAR)).any()
    assert states[0, 0] == CLEAR and states[0, -1] == SOLID
    assert not (states[8:13, 23:28] == SOLID).any() and (states[:8, 23:] == SOLID).all()


def test_the_film_at_rest_over_what_lies_behind_is_the_photograph(scene: Scene) -> None:
    film, photo = scene.film, scene.still.part(*scene.rig.region)
    here = _in_film(scene, scene.rig.region)
    half = tuple(slice(side.start // 2, side.stop // 2) for side in here)
    matte = film.matte.astype(np.float64) / 255.0
    halved = (matte[::2, ::2] + matte[1::2, ::2] + matte[::2, 1::2] + matte[1::2, 1::2]) / 4
    for front, share, behind, still, where in (
        (film.luma[:: film.scale, :: film.scale], matte, film.plate.luma, photo.luma, here),
        (film.cb, halved, film.plate.cb, photo.cb, half),
        (film.cr, halved, film.plate.cr, photo.cr, half),
    ):
        seen = ((front & 255) * share + behind * (1.0 - share))[where]
        assert np.array_equal(np.floor(seen + 0.5), still)


@pytest.mark.parametrize("side", range(4))
def test_who_is_near_to_a_border_has_no_twin_beyond_it_and_whom_it_cuts_goes_on(side: int) -> None:
    """Above, below, on the left and on the right."""
    person = np.zeros((100, 100), np.float32)
    person[6:40, 10:40] = 1.0
    person[:40, 60:90] = 1.0
    pixels = np.where(person[..., None] > 0, np.uint8([200, 40, 40]), np.uint8(90))
    beyond = [0, 0, 0, 0]
    beyond[side] = 30
    # turned such that what lies above in these pictures lies on that side
    turned, there = (np.rot90(part, (0, 2, 1, 3)[side]) for part in (pixels, person))
    wide = cv2.copyMakeBorder(np.ascontiguousarray(turned), *beyond, cv2.BORDER_REFLECT_101)
    _without_twins(wide, np.full_like(wide, 90), there, beyond)
    image = np.rot90(wide, -(0, 2, 1, 3)[side])[:30]
    assert np.all(image[:, 12:38] == 90)
    assert np.all(image[:, 64:86, 0] == 200)


def test_of_a_person_that_the_border_cuts_the_film_shows_the_mirror_image(
    rig: Rig, photo: UInt8
) -> None:
    whole = np.ones(photo.shape[:2], np.float32)
    film = make_film(rig, split_layers(rig, photo, whole), whole)
    above = -film.origin[1]
    luma = film.luma[:: film.scale, :: film.scale] & 255
    assert np.array_equal(luma[above - 1 :: -1], luma[above + 1 : 2 * above + 1])


def test_the_lips_own_film_shows_no_teeth(scene: Scene) -> None:
    lips = scene.rig.face.lips
    middle = (lips.upper_inner[5] + lips.lower_inner[5]) / 2
    film = scene.lips.film
    x, y = ((middle - film.origin) / 2).astype(int)
    painted = int(film.cr[y, x] & 255)
    x, y = (middle / 2).astype(int)
    assert painted > int(scene.still.cr[y, x]) + 6  # redder


def test_teeth_and_dark_beyond_the_landmarks_are_painted_over_and_lips_are_not() -> None:
    mm = 4.0
    y, x = np.mgrid[0:120, 0:240].astype(np.float32)

    def ellipse(half_height: float) -> Float32:
        angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
        return np.column_stack([120 + 90 * np.cos(angle), 60 + half_height * np.sin(angle)]).astype(
            np.float32
        )

    patch = np.full((120, 240, 3), (205, 150, 125), np.uint8)
    patch[((x - 120) / 90) ** 2 + ((y - 60) / 44) ** 2 < 1] = (180, 85, 90)
    patch[((x - 120) / 80) ** 2 + ((y - 60) / 20) ** 2 < 1] = (30, 15, 15)
    patch[(np.abs(x - 120) < 60) & (y > 50) & (y < 74)] = (225, 215, 200)  # over the outline
    patch[(np.abs(x - 150) < 4) & (y > 84) & (y < 92)] = (250, 240, 240)  # a lip's shine
    between = no_lip(patch, ellipse(10.0), ellipse(44.0), mm) > 0
    assert between[72, 80:160].all()
    assert not between[79:].any() and not between[:38].any()


def test_the_matte_of_the_film_covers_the_person(scene: Scene, matte: Float32) -> None:
    x0, y0, x1, y1 = scene.rig.region
    carried = scene.film.matte[_in_film(scene, (x0, y0, x1, y1))]
    assert np.mean(carried[matte[y0:y1, x0:x1] > 0.9] > 230) > 0.998


def test_a_block_counts_as_solid_or_clear_by_all_its_pixels_at_the_border_too() -> None:
    matte = np.random.default_rng(0).choice(np.array([0, 0, 255], np.uint8), (BLOCK * 9 + 2, 131))
    padded = np.pad(matte, ((0, -len(matte) % BLOCK), (0, -131 % BLOCK)), mode="edge")
    blocks = padded.reshape(-1, BLOCK, padded.shape[1] // BLOCK, BLOCK)
    states = states_of(matte)
    assert states.shape == (10, 33)
    assert np.all(blocks.max(axis=(1, 3))[states == CLEAR] == 0)
    assert np.all(blocks.min(axis=(1, 3))[states == SOLID] == 255)
    assert np.all(states_of(np.full_like(matte, 255)) == SOLID)
    assert np.all(states_of(np.zeros_like(matte)) == CLEAR)
