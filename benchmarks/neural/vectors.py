"""The product's networks and formulas against numbers recorded from the public code.

    python -m benchmarks.neural.vectors

Recordings lie in tests/engines/neural/golden (what continuous integration compares) and, the large
ones of crops and pasting, in ../shared/neural-vectors. Each was checked, when it was recorded,
against a second implementation; a difference may be five times what those two agreed to.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.neural.published_motion import DITTO, Corrections, ditto, liveportrait
from portravox.engines.neural.appearance import AppearanceNetwork
from portravox.engines.neural.crop import Crop, crop_around, cropped, halved, opening
from portravox.engines.neural.decode import DecoderNetwork
from portravox.engines.neural.driving import gaze_offsets
from portravox.engines.neural.keypoints import HeadShape, degrees_of, rotation
from portravox.engines.neural.motion import HEADS, PREFIX, MotionNetwork
from portravox.engines.neural.paste import Paste, feathered_mask, warped_mask
from portravox.engines.neural.stitch import LayeredNetwork, retargeted, stitched
from portravox.engines.neural.tensors import Weights, without_spectral_norm
from portravox.engines.neural.warp import WarpNetwork, coordinate_grid, spread_of

Numbers = npt.NDArray[Any]
Recording = Mapping[str, Numbers]

REPOSITORY = Path(__file__).parents[2]
FOLDERS = (
    REPOSITORY / "tests" / "engines" / "neural" / "golden",
    REPOSITORY.parent / "shared" / "neural-vectors",
)

MARGIN = 5.0
"""Times the agreement of the recording's own check."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One quantity, computed here and recorded there."""

    recording: str
    what: str
    difference: float
    """The largest, in the quantity's own unit."""

    agreement: float
    """Of the two implementations when it was recorded."""

    @property
    def is_met(self) -> bool:
        return self.difference <= MARGIN * self.agreement


def place_of(recording: str, folders: tuple[Path, ...] = FOLDERS) -> Path | None:
    """Where a recording lies, if it does."""
    places = (folder / f"{recording}.npz" for folder in folders)
    return next((place for place in places if place.is_file()), None)


def read(place: Path) -> Recording:
    """All arrays of a recording."""
    with np.load(place, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def head_pose(recorded: Recording) -> Iterator[Comparison]:
    """Bins to degrees, degrees to rotations."""
    name = "b_headpose"
    yield _compared(
        name, "degrees", degrees_of(_f(recorded["logits"])), recorded["degrees"], 1.6e-5
    )
    turns = rotation(_f(recorded["angles_pyr_deg"]))
    yield _compared(name, "rotations", turns, recorded["R"], 5e-8)


def keypoints(recorded: Recording) -> Iterator[Comparison]:
    """Keypoints from the motion network's answers."""
    angles: Mapping[str, Numbers] = {
        "x_from_degrees": _f(recorded["angles_pyr_deg"]),
        "x_from_logits": degrees_of(_f(recorded["logits_pyr"])),
    }
    for wanted, each in angles.items():
        made = [
            HeadShape(
                neutral=_f(recorded["kp"])[case],
                expression=_f(recorded["exp"])[case],
                angles_deg=each[case].astype(np.float32),
                scale=float(_f(recorded["scale"])[case, 0]),
                translation=_f(recorded["t"])[case],
            ).keypoints
            for case in range(len(each))
        ]
        yield _compared("c_keypoints", wanted, np.stack(made), recorded[wanted], 3e-7)


def corrections_of(recorded: Recording) -> Corrections:
    """The three small networks of e_stitch_retarget."""

    def network(prefix: str) -> LayeredNetwork:
        layers = sum(f"{prefix}_w{n}" in recorded for n in range(16))
        return LayeredNetwork(
            {
                f"mlp.{2 * n}.{kind}": _tensor(recorded[f"{prefix}_{kind[0]}{n}"])
                for n in range(layers)
                for kind in ("weight", "bias")
            }
        )

    return Corrections(network("stitch"), network("lip"), network("eye"))


def corrections(recorded: Recording) -> Iterator[Comparison]:
    """Stitching and retargeting."""
    name, networks = "e_stitch_retarget", corrections_of(recorded)
    source, driving = _tensor(recorded["x_s"]), _tensor(recorded["x_d"])
    raw = networks.shoulders(torch.cat([source.flatten(1), driving.flatten(1)], dim=1))
    yield _compared(name, "raw stitching", raw.numpy(), recorded["stitch_raw_out"], 9e-8)
    made = stitched(networks.shoulders, source, driving).numpy()
    yield _compared(name, "stitched", made, recorded["stitched"], 9e-8)
    for part, network in (("eye", networks.eyes), ("lip", networks.lips)):
        delta = retargeted(network, source, _tensor(recorded[f"{part}_ratio_in"])).numpy()
        yield _compared(name, f"{part} offsets", delta, recorded[f"{part}_delta"], 9e-8)
    eyes = [
        [opening(_f(face), 6, 18, 0, 12), opening(_f(face), 30, 42, 24, 36)]
        for face in recorded["lmk203"]
    ]
    yield _compared(name, "openings of the eyes", np.array(eyes), recorded["eye_close_ratio"], 9e-8)
    lips = [[opening(_f(face), 90, 102, 48, 66)] for face in recorded["lmk203"]]
    wanted = _f(recorded["lip_close_ratio"])
    scale = np.maximum(1.0, np.abs(wanted))  # one mouth has no width, and an opening of 10⁷
    yield _compared(name, "opening of the lips", np.array(lips) / scale, wanted / scale, 9e-8)


def liveportrait_motion(recorded: Recording) -> Iterator[Comparison]:
    """Every variant of LivePortrait's driving."""
    networks = _recorded_corrections()
    numbers = {name: _f(array) for name, array in recorded.items()}
    for name in recorded:
        if name.startswith("xd_"):
            variant = name.removeprefix("xd_")
            made = liveportrait(numbers, variant, networks)
            yield _compared("d1_driving_liveportrait", variant, made, recorded[name], 3e-7)


def ditto_motion(recorded: Recording) -> Iterator[Comparison]:
    """Every variant of Ditto's driving."""
    networks = _recorded_corrections()
    numbers = {name: _f(array) for name, array in recorded.items()}
    for variant, settings in DITTO.items():
        made = ditto(numbers, settings, networks)
        yield _compared("d2_driving_ditto", variant, made, recorded[f"xd_{variant}"], 1.3e-6)


def gaze(recorded: Recording) -> Iterator[Comparison]:
    """Offsets of the eyes."""
    degrees = _f(recorded["gaze_dx_dy"])
    made = gaze_offsets(degrees[:, 0], degrees[:, 1]).astype(np.float32).reshape(-1, 63)
    # "exact", but for the last place of numbers of single precision below 0.02
    yield _compared("i_blink", "gaze offsets", made, recorded["gaze_exp_delta"], 1e-9)


def tiny_weights(recorded: Recording, network: str) -> Weights:
    """Tensors of a tiny instance, F, M, W or G, by their published names."""
    start = f"{network}/"
    extra = PREFIX if network == "M" else ""
    return {
        extra + name.removeprefix(start): _tensor(array)
        for name, array in recorded.items()
        if name.startswith(start)
    }


def networks(recorded: Recording) -> Iterator[Comparison]:
    """Tiny instances of the four networks, with random weights."""
    name = "l_tiny_networks"

    def given(key: str) -> torch.Tensor:
        return _tensor(recorded[key])

    features = AppearanceNetwork(tiny_weights(recorded, "F"))(given("F_in"))
    yield _compared(name, "F", features.numpy(), recorded["F_out"], 1.5e-6)
    answers = MotionNetwork(tiny_weights(recorded, "M"))(given("M_in"))
    for head in HEADS:
        yield _compared(name, f"M {head}", answers[head].numpy(), recorded[f"M_out_{head}"], 1.5e-6)
    warp = WarpNetwork(tiny_weights(recorded, "W"))
    for case in range(len(recorded["W_out"])):
        source, driving, volume = (
            given(key)[case : case + 1] for key in ("W_kp_source", "W_kp_driving", "W_feature_3d")
        )
        warped = warp(warp.prepare(volume), source, driving)
        for what, made, wanted in (
            ("W", warped.feature, "W_out"),
            ("W flow", warped.flow, "W_deformation"),
            ("W occlusion", warped.occlusion, "W_occlusion"),
        ):
            one = recorded[wanted][case : case + 1]
            yield _compared(name, f"{what} {case}", made.numpy(), one, 1.5e-6)
    grid = coordinate_grid(4, 16, 16)
    yield _compared(name, "grid", grid.numpy(), recorded["grid_d4_h16_w16"], 1.5e-6)
    spread = spread_of(given("W_kp_source"), grid)
    yield _compared(name, "spread", spread.numpy(), recorded["gauss_kp_source"], 1.5e-6)
    weights = tiny_weights(recorded, "G")
    drawn = DecoderNetwork(weights)(given("G_in"))
    yield _compared(name, "G", drawn.numpy(), recorded["G_out"], 9e-6)
    for key in recorded:
        if key.startswith("G_effective_weight/"):
            layer = key.removeprefix("G_effective_weight/")
            made = without_spectral_norm(weights, layer).numpy()
            yield _compared(name, f"weight of {layer}", made, recorded[key], 9e-6)


def crops(recorded: Recording) -> Iterator[Comparison]:
    """Where crops lie, and their pixels."""
    name = "a_crop"
    for case, title in enumerate(recorded["case_names"]):
        crop = recorded_crop(recorded, case)
        side = float(_f(recorded["params"])[case, 0])
        corners = np.array([[0, 0, 1], [side, 0, 1], [0, side, 1], [side, side, 1]], np.float64)
        there = corners @ np.asarray(recorded["M_c2o"][case], np.float64).T @ crop.to_crop.T
        yield _compared(name, f"{title} centre", crop.centre, recorded["center"][case], 3e-5)
        # the recording's agreement of 0.045 px is one case's, whose angle rounds to 0
        agreement = 0.045 if "tiny_roll" in str(title) else 0.003
        yield _compared(name, f"{title} corners", there[:, :2], corners[:, :2], agreement)
    image = np.asarray(recorded["image"], np.uint8)
    for case in map(int, recorded["crop_case_ids"]):
        large = cropped(image, recorded_crop(recorded, case))
        for key, made in ((f"crop512_{case:02d}", large), (f"crop256_{case:02d}", halved(large))):
            if key in recorded:
                mean = float(np.abs(made.astype(int) - recorded[key].astype(int)).mean())
                yield Comparison(name, f"{key}, mean of 255", mean, 0.15)


def pasting(recorded: Recording) -> Iterator[Comparison]:
    """Mask and composite."""
    name, place = "f_pasteback", place_of("a_crop")
    yield _compared(name, "mask", feathered_mask(0), recorded["mask512"], 5e-8)
    if place is None:
        return
    around = read(place)
    image = np.asarray(around["image"], np.uint8)
    drawn = _tensor(recorded["render512"]).movedim(-1, 0).contiguous()
    for case in map(int, recorded["case_ids"]):
        crop = recorded_crop(around, case)
        y0, y1, x0, x1 = (int(each) for each in recorded[f"bbox_y0y1x0x1_{case:02d}"])
        mask = warped_mask((len(image), len(image[0])), crop, 0)[0][y0:y1, x0:x1]
        # OpenCV looks up at steps of 1/32 px; a ramp of 25 steps turns that into 1/800
        wanted = recorded[f"mask_warped_bbox_{case:02d}"]
        yield _compared(name, f"warped mask {case}", mask, wanted, 1.25e-3)
        paste = Paste(image, crop, torch.device("cpu"), as_published=True)
        left, top, right, bottom = paste.box
        whole = image.astype(np.float32)
        whole[top:bottom, left:right] = paste.blended(drawn).movedim(0, -1).numpy()
        made = np.floor(np.clip(whole, 0.0, 255.0))[y0:y1, x0:x1]
        apart = np.abs(made - _f(recorded[f"composite_bbox_{case:02d}"]))
        yield Comparison(name, f"composite {case}, mean of 255", float(apart.mean()), 0.15)


def recorded_crop(recorded: Recording, case: int) -> Crop:
    """The crop of a case of a_crop, computed here from its points."""
    points = np.asarray(recorded[f"pts_{case:02d}"], np.float64)
    side, scale, _, below, turned = _f(recorded["params"])[case]
    eyes, mouth = _ANCHORS[str(recorded["case_names"][case])[:3]]
    middle = (points[list(eyes[0])].mean(axis=0) + points[list(eyes[1])].mean(axis=0)) / 2.0
    return crop_around(
        points,
        middle,
        points[list(mouth)].mean(axis=0),
        crop_px=int(side),
        scale=float(scale),
        below=float(below),
        turned=bool(turned),
    )


_ANCHORS = {
    "203": (((0, 6, 12, 18), (24, 30, 36, 42)), (48, 66)),
    "106": (((33, 35, 40, 39), (87, 89, 94, 93)), (52, 61)),
    "478": (((468,), (473,)), (14,)),
}
"""Points of the eyes, and of the mouth, of each set."""

CHECKS: Mapping[str, Callable[[Recording], Iterator[Comparison]]] = {
    "a_crop": crops,
    "b_headpose": head_pose,
    "c_keypoints": keypoints,
    "d1_driving_liveportrait": liveportrait_motion,
    "d2_driving_ditto": ditto_motion,
    "e_stitch_retarget": corrections,
    "f_pasteback": pasting,
    "i_blink": gaze,
    "l_tiny_networks": networks,
}
"""The recordings of what the engine computes. Those of learnt motion (g, h, j) and of blink lists
have no counterpart: motion is Portravox's own."""


def compared(recording: str) -> list[Comparison]:
    """All comparisons with a recording; none where it is not here."""
    place = place_of(recording)
    if place is None:
        return []
    with torch.inference_mode():
        return list(CHECKS[recording](read(place)))


def main() -> int:
    """Print the table; status 1 if anything differs by more than it may."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--all", action="store_true", help="a line for every quantity")
    every: bool = parser.parse_args().all
    torch.set_num_threads(1)
    missed = 0
    print(f"{'recording':26}{'quantities':>10}{'largest of allowed':>20}  the nearest to its limit")
    for recording in CHECKS:
        found = compared(recording)
        if not found:
            print(f"{recording:26}{'not here':>10}")
            continue
        missed += sum(not each.is_met for each in found)
        worst = max(found, key=lambda each: each.difference / each.agreement)
        share = worst.difference / (MARGIN * worst.agreement)
        print(
            f"{recording:26}{len(found):10}{share:20.1%}  {worst.what}: {worst.difference:.2g},"
            f" may be {MARGIN * worst.agreement:.2g}"
        )
        for each in found if every else [one for one in found if not one.is_met]:
            mark = "met" if each.is_met else "MISSED"
            print(
                f"    {mark:8}{each.what:44}{each.difference:10.2g}"
                f" of {MARGIN * each.agreement:.2g}"
            )
    return 1 if missed else 0


def _recorded_corrections() -> Corrections:
    place = place_of("e_stitch_retarget")
    if place is None:
        raise FileNotFoundError("e_stitch_retarget, whose networks the driving was recorded with")
    return corrections_of(read(place))


def _compared(
    recording: str, what: str, made: Numbers, wanted: Numbers, agreement: float
) -> Comparison:
    apart = np.abs(np.asarray(made, np.float64) - np.asarray(wanted, np.float64))
    return Comparison(recording, what, float(apart.max()), agreement)


def _f(array: Numbers) -> npt.NDArray[np.float32]:
    return np.asarray(array, np.float32)


def _tensor(array: Numbers) -> torch.Tensor:
    return torch.from_numpy(np.array(array, np.float32))


if __name__ == "__main__":
    sys.exit(main())
