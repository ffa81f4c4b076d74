"""Skin: whether it keeps the photograph's sharpness and grain while it moves.

Flow      EmbeddedEngine, recordings of people -> tracking -> texture -> Part
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from benchmarks.probe import read_frames
from benchmarks.quality.chapter import Check, Part, Row
from benchmarks.quality.inputs import ASTRONAUT
from benchmarks.quality.people import redone, talking_clips
from benchmarks.quality.picture import QUICK_PORTRAITS, VARIED_PORTRAITS
from benchmarks.quality.studio import FPS, Studio
from benchmarks.tracking import track_frames
from portravox.arrays import Float32, Float64, UInt8
from portravox.engines.embedded import EmbeddedEngine
from portravox.media.picture_file import read_picture
from portravox.media.voice_file import read_voice
from portravox.options import Direction

PATCHES = {"forehead": (69, 299, 151), "cheeks": (50, 280), "chin": (199,)}
"""Landmarks in the middle of skin that the photograph shows sharply: no hair, no edge."""

PATCH_FACES = 0.08
"""Side of a patch, in face widths."""

GRAIN_SIGMA_PX = 1.2
"""What is finer than this is grain, pores and stubble: the picture less itself smoothed."""

ENERGY_RANGE = (0.9, 1.1)
"""What frames may have of the photograph's fine energy: the project's own aim."""

FRAME_STEP = 8
"""Every so many frames are looked at."""

MOVED_PX = 2.5
"""From this displacement on, grain that stayed where it was would be seen standing still."""

SEARCH_PX = 2
"""The tracker's place of a patch is wrong by up to this."""

LEFT_BEHIND = 0.2
"""Correlation up to which nothing stayed behind: smooth shading alone gives as much."""


@dataclass(frozen=True, slots=True)
class Fineness:
    """The fine detail of skin over a video, against its first frame."""

    energy: float
    """Median over frames and patches of the fine energy, first frame 1."""

    lowest: float
    highest: float
    """5th and 95th percentile of it."""

    carried: float
    """Correlation of the fine detail with the first frame's, moved along with the skin."""

    left_behind: float
    """The same at the place in the picture where it was, where skin moved by MOVED_PX or more; NaN
    where it never did."""


def fineness(frames: Iterable[UInt8]) -> Fineness:
    """Follow patches of skin through (H, W, 3) frames; the first is the photograph."""
    pictures = [frame.copy() for frame in frames]
    track = track_frames(pictures, FPS)
    details = [_detail(picture) for picture in pictures]
    half = max(4, round(PATCH_FACES * track.face_width_px / 2))
    energies, carried, left = [], [], []
    for landmark in (mark for marks in PATCHES.values() for mark in marks):
        places = track.landmarks[:, landmark, :2].astype(np.float64)
        own = _patch(details[0], places[0], half)
        if own is None or not own.any():
            continue
        for detail, place in zip(details[1:], places[1:], strict=True):
            moved = _patch(detail, place, half + SEARCH_PX)
            if moved is None:
                continue
            inner = moved[SEARCH_PX:-SEARCH_PX, SEARCH_PX:-SEARCH_PX]
            energies.append(float((inner**2).sum() / (own**2).sum()))
            carried.append(float(cv2.matchTemplate(moved, own, cv2.TM_CCOEFF_NORMED).max()))
            if np.linalg.norm(place - places[0]) >= MOVED_PX:
                stayed = _patch(detail, places[0], half)
                assert stayed is not None  # the first frame's place lies inside
                left.append(float(np.corrcoef(stayed.ravel(), own.ravel())[0, 1]))
    low, high = np.percentile(energies, (5.0, 95.0))
    return Fineness(
        float(np.median(energies)),
        float(low),
        float(high),
        float(np.median(carried)),
        float(np.median(left)) if left else float("nan"),
    )


def _detail(pixels: UInt8) -> Float32:
    """(H, W) luminance less itself smoothed."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    detail: Float32 = grey - cv2.GaussianBlur(grey, (0, 0), GRAIN_SIGMA_PX)
    return detail


def _patch(detail: Float32, middle: Float64, half: int) -> Float32 | None:
    """(2 half, 2 half) around a place, None where it sticks out of the picture."""
    x0, y0 = (round(float(value)) - half for value in middle)
    height, width = detail.shape
    if x0 < 0 or y0 < 0 or x0 + 2 * half > width or y0 + 2 * half > height:
        return None
    return np.ascontiguousarray(detail[y0 : y0 + 2 * half, x0 : x0 + 2 * half])


def texture(studio: Studio) -> Part:
    """Fine detail of skin before encoding, and beside people's in finished videos."""
    inputs = studio.inputs
    names: tuple[str, ...] = (ASTRONAUT,)
    if inputs.has_samples:
        names = (ASTRONAUT, *(QUICK_PORTRAITS if studio.quick else VARIED_PORTRAITS))
    voice = read_voice(inputs.voice("en_woman_reading_22k.wav", 6.0))
    direction = Direction(template_id="active", video_fps=FPS)
    rows: list[Row] = []
    checks = []
    low, high = ENERGY_RANGE
    for name in names:
        avatar = EmbeddedEngine().register(read_picture(inputs.portrait(name), max_side_px=768))
        drawn = avatar.speak(voice, direction)
        fine = fineness(frame.rgb() for n, frame in enumerate(drawn) if n % FRAME_STEP == 0)
        rows.append(_row(f"{name.partition('.')[0]}, as drawn", fine))
        text = f"{name.partition('.')[0]}: fine energy {fine.energy:.2f} (wanted {low} to {high})"
        checks.append(Check(text, low <= fine.energy <= high))
        text = f"{name.partition('.')[0]}: no grain stands still ({fine.left_behind:.2f})"
        checks.append(Check(text, not fine.left_behind > LEFT_BEHIND))
    clips = talking_clips(studio)
    for clip in clips[:3] if studio.quick else clips:
        for who, video in (("person", clip), ("ours", redone(studio, clip).video)):
            frames = (frame for n, frame in enumerate(read_frames(video)) if n % FRAME_STEP == 0)
            rows.append(_row(f"{clip.stem}, {who}, decoded", fineness(frames)))
    return Part(
        "texture",
        "Skin",
        f"Fine detail (finer than {GRAIN_SIGMA_PX} px) in patches of forehead, cheeks and chin, "
        "followed by the tracker; the first frame, which is the photograph, is 1. As drawn: "
        "before encoding, template active. Carried: correlation with the first frame's detail, "
        "moved along with the skin. Left behind: the same at the place where it was; detail that "
        "does not move with the skin would show there.",
        ("video", "energy", "5th percentile", "95th percentile", "carried", "left behind"),
        tuple(rows),
        tuple(checks),
    )


def _row(label: str, fine: Fineness) -> Row:
    return (label, fine.energy, fine.lowest, fine.highest, fine.carried, fine.left_behind)
