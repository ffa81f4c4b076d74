"""How LivePortrait and Ditto move keypoints, put together from the product's functions.

The product drives keypoints by its own motion (engines/neural/driving.py) and needs none of these
rules. They are here to be compared with recordings of the public code, which shows that keypoints,
stitching, retargeting and gaze mean in the product what they mean there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from scipy.spatial import ConvexHull

from portravox.arrays import AnyFloat, Bool, Float32, Float64
from portravox.engines.neural.driving import EYES, LIPS, gaze_offsets
from portravox.engines.neural.keypoints import HeadShape, degrees_of, keypoints_of, rotation
from portravox.engines.neural.stitch import LayeredNetwork, retargeted, stitched

Recorded = Mapping[str, Float32]

LIP_NORMALISED_FROM = 0.03
"""LivePortrait closes the lips of a portrait whose ratio is at least this."""

GAZE_PER_YAW, GAZE_PER_PITCH = 0.26, 0.28
"""Ditto's eyes stay with the viewer: degrees of gaze a degree of the head."""

ANGLES = ("pitch", "yaw", "roll")


@dataclass(frozen=True, slots=True)
class Corrections:
    """The three small networks of one recording."""

    shoulders: LayeredNetwork
    lips: LayeredNetwork
    eyes: LayeredNetwork


def stitched_points(network: LayeredNetwork, source: Float32, moved: AnyFloat) -> Float32:
    """(T, 21, 3) driving points after stitching. source (1, 21, 3)"""
    with torch.inference_mode():
        given = torch.from_numpy(np.asarray(moved, np.float32))
        made: Float32 = stitched(network, torch.from_numpy(source), given).numpy()
    return made


def retargeting(network: LayeredNetwork, source: Float32, ratios: AnyFloat) -> Float32:
    """(T, 21, 3) offsets. source (1, 21, 3), ratios (T, 2 or 3)"""
    given = np.repeat(source, len(ratios), axis=0)
    with torch.inference_mode():
        made: Float32 = retargeted(
            network, torch.from_numpy(given), torch.from_numpy(np.asarray(ratios, np.float32))
        ).numpy()
    return made


def _only(points: tuple[int, ...]) -> Bool:
    mask = np.zeros((21, 1), bool)
    mask[list(points)] = True
    return mask


def _absolute_components() -> Bool:
    """(21, 3) components of the expression that LivePortrait's absolute mode takes over."""
    mask = np.zeros((21, 3), bool)
    mask[[1, 2, 6, *range(11, 21)]] = True
    mask[[3, 4], 1] = True
    mask[[5, 8], 2] = True
    mask[9, 1:] = True
    return mask


def liveportrait(recorded: Recorded, variant: str, networks: Corrections) -> Float32:
    """(T, 21, 3) what LivePortrait's pipeline gives to the warping network.

    variant   as in the name of the recording, without `xd_`
    """
    words = variant.split("_")
    relative, region = words[0] == "rel", words[1]
    single = words[0] == "single"
    count = 1 if single else len(recorded["drv_exp"])
    drive = {name: recorded[f"drv_{name}"][:count] for name in ("exp", "R", "t", "scale")}
    if single:
        relative, region = True, "all"
    first = {name: value[0] for name, value in drive.items()}
    angles = np.array([recorded[f"src_{name}"][0, 0] for name in ANGLES])
    turned, own = rotation(angles), recorded["src_exp"][0].astype(np.float64)
    scale, shift = float(recorded["src_scale"][0, 0]), recorded["src_t"][0].astype(np.float64)

    turns = np.repeat(turned[None], count, axis=0)
    if region in ("all", "pose"):
        if relative:
            turns = drive["R"].astype(np.float64) @ first["R"].T @ turned
        else:
            turns = drive["R"].astype(np.float64)
    expression = np.repeat(own[None], count, axis=0)
    if region != "pose":
        rest = recorded["lip_array"][0] if single else first["exp"]
        if relative:
            wanted = own + (drive["exp"] - rest)
        else:
            wanted = np.where(_absolute_components(), drive["exp"], own)
        mask = {"lip": _only(LIPS), "eyes": _only(EYES)}.get(region, np.ones((21, 1), bool))
        expression = np.where(mask, wanted, expression)
    scales = np.full((count, 1, 1), scale)
    if region == "all" and relative and not single:
        scales = scale * (drive["scale"] / first["scale"])[..., None]
    shifts = np.repeat(shift[None], count, axis=0)
    if region in ("all", "pose"):
        shifts = shift + (drive["t"] - first["t"]) if relative else drive["t"].astype(np.float64)
    shifts[:, 2] = 0.0
    points = scales * (recorded["src_kp"][0] @ turns + expression) + shifts[:, None]
    return _corrected(recorded, points, words, relative, networks)


def _corrected(
    recorded: Recorded, points: Float64, words: list[str], relative: bool, networks: Corrections
) -> Float32:
    """Retargeting, stitching, lip normalisation and multiplier, in LivePortrait's order."""
    source = recorded["x_s"]
    count = len(points)
    if "retarget" in words:
        base = np.repeat(source.astype(np.float64), count, axis=0) if relative else points
        if "eye" in words:
            eyes = np.repeat(recorded["source_eye_ratio"], count, axis=0)
            ratios = np.hstack([eyes, recorded["drv_eye_ratio"][:, :1]])
            base = base + retargeting(networks.eyes, source, ratios)
        if "lip" in words:
            lips = np.repeat(recorded["source_lip_ratio"], count, axis=0)
            ratios = np.hstack([lips, recorded["drv_lip_ratio"]])
            base = base + retargeting(networks.lips, source, ratios)
        points = base
    if "exprfriendly" in words:
        volumes = [ConvexHull(each).volume for each in (source[0], points[0])]
        factor = np.sqrt(volumes[0] / volumes[1])
        points = source + (points - points[0]) * factor if relative else points
    if "nostitch" not in words:
        points = stitched_points(networks.shoulders, source, points).astype(np.float64)
    if "liplnorm" in words and recorded["source_lip_ratio"][0, 0] >= LIP_NORMALISED_FROM:
        ratios = np.array([[recorded["source_lip_ratio"][0, 0], 0.0]])
        points = points + retargeting(networks.lips, source, ratios)
    multiplier = 1.5 if "mult15" in words else 1.0
    return (source + multiplier * (points - source)).astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class DittoSettings:
    """What a recording of Ditto's was made with."""

    gains: Mapping[str, float] = field(default_factory=dict)
    relative: bool = True
    blinks: str = ""
    """Name of the recording whose blink indices are used; empty: the driven eyes."""

    drive_eyes: bool = True
    delta_deg: Mapping[str, float] = field(default_factory=dict)
    alpha: Mapping[str, float] = field(default_factory=dict)
    delta_exp: float = 0.0
    activity: bool = False
    fade: str = ""
    """s: to the source's expression; d0: to the first driven frame, all keys."""

    character_scale: bool = False
    stitch: bool = False


ALL_GAINS = {"exp": 1.2, "pitch": 0.5, "yaw": 0.5, "roll": 0.25, "t": 0.5}

DITTO: Mapping[str, DittoSettings] = {
    "default": DittoSettings(),
    "stitched": DittoSettings(stitch=True),
    "delta_eye": DittoSettings(blinks="delta_eye"),
    "delta_eye_noblink": DittoSettings(blinks="delta_eye_noblink"),
    "public_defaults_like": DittoSettings(blinks="public_defaults_like", delta_deg={"pitch": 2.0}),
    "delta_pitch_2": DittoSettings(delta_deg={"pitch": 2.0}),
    "delta_all_alpha_all": DittoSettings(
        delta_deg={"pitch": 2.0, "yaw": -3.0, "roll": 1.0},
        alpha={"pitch": 0.5, "yaw": 1.5, "roll": 0.0},
    ),
    "alpha_yaw_on_logits": DittoSettings(alpha={"yaw": 0.5}),
    "gains": DittoSettings(gains=ALL_GAINS),
    "gains_exp_only": DittoSettings(gains={"exp": 1.0}),
    "absolute": DittoSettings(relative=False),
    "absolute_gains": DittoSettings(relative=False, gains=ALL_GAINS),
    "ch_info_scale": DittoSettings(character_scale=True),
    "ch_info_scale_gains": DittoSettings(character_scale=True, gains=ALL_GAINS),
    "vad": DittoSettings(activity=True),
    "fade_s": DittoSettings(fade="s"),
    "fade_d0_allkeys": DittoSettings(fade="d0"),
    "fade_ignored_type_empty": DittoSettings(),
    "no_drive_eye": DittoSettings(drive_eyes=False),
    "delta_exp": DittoSettings(delta_exp=0.01),
}


def ditto(recorded: Recorded, settings: DittoSettings, networks: Corrections) -> Float32:
    """(T, 21, 3) what Ditto's offline pipeline gives to the warping network."""
    motion = recorded["motion265"].astype(np.float64)
    count = len(motion)
    drive = {
        "pitch": motion[:, 1:67],
        "yaw": motion[:, 67:133],
        "roll": motion[:, 133:199],
        "t": motion[:, 199:202],
        "exp": motion[:, 202:265],
    }
    source = {key: recorded[f"src_{key}"].astype(np.float64) for key in drive}
    moved = {key: _relative(key, drive[key], source[key], recorded, settings) for key in drive}
    exp = np.repeat(source["exp"].reshape(1, 21, 3), count, axis=0)
    driven = moved["exp"].reshape(count, 21, 3)
    exp[:, LIPS] = driven[:, LIPS]
    if settings.blinks:
        curve = recorded["delta_eye_arr"][recorded[f"eyeidx_{settings.blinks}"].astype(int)]
        exp[:, EYES] += curve.reshape(count, 21, 3)[:, EYES]
    elif settings.drive_eyes:
        exp[:, EYES] = driven[:, EYES]
    own = source["exp"].reshape(1, 21, 3)
    if settings.activity:
        exp = own + recorded["vad_alpha"][:, None, None] * (exp - own)
    angles = _controlled_angles(moved, settings)
    exp = exp + settings.delta_exp
    shift = moved["t"]
    if settings.fade:
        alpha = recorded["fade_alpha_in5_out6"].astype(np.float64)
        goal = own if settings.fade == "s" else exp[:1]
        exp = goal + alpha[:, None, None] * (exp - goal)
        if settings.fade == "d0":
            shift = shift[:1] + alpha[:, None] * (shift - shift[:1])
            angles = _controlled_angles(
                {
                    name: moved[name][:1] + alpha[:, None] * (moved[name] - moved[name][:1])
                    for name in ANGLES
                },
                settings,
            )
    still = np.array([degrees_of(source[name])[0] for name in ANGLES])
    if settings.drive_eyes:
        turn = angles - still
        exp = exp + gaze_offsets(GAZE_PER_YAW * turn[:, 1], GAZE_PER_PITCH * turn[:, 0])
    head = HeadShape(
        neutral=recorded["src_kp"].reshape(21, 3),
        expression=recorded["src_exp"].reshape(21, 3),
        angles_deg=still.astype(np.float32),
        scale=float(recorded["src_scale"][0, 0]),
        translation=np.zeros(3, np.float32),
    )
    points = keypoints_of(head, angles, exp, shift[:, :2])
    if settings.stitch:
        return stitched_points(networks.shoulders, recorded["x_s"], points)
    return points


def _relative(
    key: str, drive: Float64, source: Float64, recorded: Recorded, settings: DittoSettings
) -> Float64:
    """Ditto's sum of source and driven motion of one key, the angles as logits."""
    gain = settings.gains.get(key, 0.0) if settings.gains else 1.0
    if settings.character_scale and key != "t":
        gain *= float(recorded["ch_scale"]) / float(recorded["src_scale"][0, 0])
    if settings.relative:
        return source + gain * (drive - drive[:1])
    return gain * drive


def _controlled_angles(moved: Mapping[str, Float64], settings: DittoSettings) -> Float64:
    """(T, 3) degrees; a factor without an offset multiplies the logits, as the public code does."""
    columns = []
    for name in ANGLES:
        alpha = settings.alpha.get(name, 1.0)
        if name in settings.delta_deg:
            columns.append((degrees_of(moved[name]) + settings.delta_deg[name]) * alpha)
        else:
            columns.append(degrees_of(moved[name] * alpha))
    return np.stack(columns, axis=1)
