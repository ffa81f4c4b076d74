"""Whether a picture will do, and if not, why not and what to do about it.

Flow      media.picture -> face.verdict -> cli, pipeline, engines
Reads     Picture
Gives     Verdict, or the Face itself, or the FaceError

Limits without a source are our choice, set between the samples that must pass and those that
must not, with room on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from portravox.arrays import Float32, UInt8
from portravox.errors import (
    FaceCovered,
    FaceCutOff,
    FaceError,
    FaceTooSmall,
    FaceTurnedAway,
    FaceUnclear,
    NoFaceFound,
)
from portravox.face import outlines
from portravox.face.choice import chosen_first
from portravox.face.covering import Covering, covering
from portravox.face.face import Face
from portravox.face.find import count_notices, find_fits, in_words, measured
from portravox.face.landmarks import MeshFit
from portravox.media.picture import Picture

LEAST_WIDTH_PX = 24
"""Of the face. A mouth is then about 8 px wide; below, nothing of its movement can be shown."""

_COARSE_WIDTH_PX = 64

GREATEST_YAW_DEG = 45.0
"""Beyond, the far eye and mouth corner are hidden."""

_TURNED_DEG = 25.0

_GREATEST_PITCH_DEG = 45.0
"""Wide, because the measured pitch differs by up to 25 degrees between level heads."""

GREATEST_ROLL_DEG = 40.0

_CUT_SIDE, _CUT_CHIN, _CUT_BROW = 0.05, 0.05, 0.20
"""How far the face may reach over the picture's border, in face widths, by side. A forehead cut
at the hairline is common in close-ups and does no harm: nothing moves there."""

_CROWD = 4
_CROWD_SIZE = 0.7
"""From four faces of at least 0.7 times the largest one's width nobody can say who is meant."""

_LOOKED_BEHIND = 6
"""Faces whose coverings are looked for when all are told; the one that is animated always is one of
them. Our choice, for time."""

_SURE_TURNED = 0.8
"""Least detector score for saying that a face lies on its side. Faces are 0.82 and more; turned
clouds and noise reach 0.76."""

_DARK, _BLACK = 40.0, 12.0
"""0..255, brightness that a tenth of the face exceeds: dim, and too dark to read the mouth."""

_OVAL = np.array(outlines.OVAL)

_UPPER_LIDS, _LOWER_LIDS = np.array([159, 158, 386, 385]), np.array([145, 153, 374, 380])
_EYE_CORNERS = np.array([(33, 133), (263, 362)])

_SHUT_EYE = 0.13
"""Opening over width of an eye. Measured: open eyes 0.18 to 0.46, shut 0.09 to 0.12."""

_WIDE_MOUTH = 0.35
"""Opening over mouth width from which on closing the mouth stretches the face visibly."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a picture."""

    passed: bool

    code: str
    """"ok", or the code of the error that animating would raise."""

    message: str
    """One sentence; what was found and, if refused, what was wanted."""

    hint: str
    """What to do about it; empty when passed."""

    faces: tuple[Face, ...]
    """All faces found, the one to animate first; also when refused."""

    notices: tuple[str, ...]
    """What a caller should know though the picture passes."""

    codes: tuple[str, ...] = ()
    """Of each face, in their order: "ok", or the code of what speaks against choosing it."""


def judge(picture: Picture, face: str | None = None) -> Verdict:
    """Say whether this picture can be animated; never raises FaceError.

    face  which one is meant, as `face.choice` reads it; None: the largest. Raises
          SettingOutOfRange where there is no such face.
    """
    pixels = picture.pixels
    fits, faces = _found(pixels, face)
    problem, notices, _ = _judged(pixels, fits, faces, is_chosen=face is not None)
    own = "ok" if problem is None else problem.code
    codes = (own,) if len(fits) == 1 else _codes(pixels, fits, faces)
    if problem is not None:
        return Verdict(False, problem.code, str(problem), problem.hint, faces, (), codes)
    width = faces[0].width_px
    return Verdict(True, "ok", f"a face of {width:.0f} px was found", "", faces, notices, codes)


def _found(pixels: UInt8, face: str | None) -> tuple[tuple[MeshFit, ...], tuple[Face, ...]]:
    """All faces, the one to animate first. Raises SettingOutOfRange."""
    fits = find_fits(pixels)
    if face is not None and fits:
        fits = chosen_first(pixels, fits, face)
    return fits, tuple(measured(pixels, fit.landmarks) for fit in fits)


def _codes(pixels: UInt8, fits: tuple[MeshFit, ...], faces: tuple[Face, ...]) -> tuple[str, ...]:
    """Of each face "ok", or what speaks against choosing it; what stands before it is looked at in
    the first _LOOKED_BEHIND alone."""
    codes = []
    for place, (fit, face) in enumerate(zip(fits, faces, strict=True)):
        problem = _unfit(pixels, face)
        if problem is not None:
            codes.append(problem.code)
        elif place < _LOOKED_BEHIND and covering(pixels, fit).hidden_by:
            codes.append(FaceCovered.code)
        else:
            codes.append("ok")
    return tuple(codes)


def require_face(picture: Picture, face: str | None = None) -> tuple[Face, tuple[str, ...]]:
    """The face to animate and notices for the caller.

    face  which one is meant, as `face.choice` reads it; None: the largest

    Raises NoFaceFound, FaceTooSmall, FaceTurnedAway, FaceCovered, FaceCutOff or FaceUnclear, and
    SettingOutOfRange where there is no such face.
    """
    pixels = picture.pixels
    fits, faces = _found(pixels, face)
    problem, notices, cover = _judged(pixels, fits, faces, is_chosen=face is not None)
    if problem is not None:
        raise problem
    return replace(faces[0], hands=cover.hands, objects=cover.objects), notices


def _judged(
    pixels: UInt8, fits: tuple[MeshFit, ...], faces: tuple[Face, ...], *, is_chosen: bool
) -> tuple[FaceError | None, tuple[str, ...], Covering]:
    """The first thing that speaks against the picture, or what should be said about it, and what
    stands before the face."""
    nothing = Covering("", ())
    if not fits:
        return _none_found(pixels), (), nothing
    fit, face = fits[0], faces[0]
    problem = (None if is_chosen else _crowd(faces)) or _unfit(pixels, face)
    if problem is not None:
        return problem, (), nothing
    cover = covering(pixels, fit)
    if cover.hidden_by:
        return (
            FaceCovered(
                f"the mouth is covered by {cover.hidden_by}; wanted a mouth in plain sight"
            ),
            (),
            cover,
        )
    counted = () if is_chosen else count_notices(len(faces))
    notices = [*counted, *_remarks(pixels, face)]
    if cover.hands:
        notices.append("a hand touches the face; the head moves less")
    if cover.objects:
        notices.append("something is held before the chin; the head moves less")
    return None, tuple(notices), cover


def _unfit(pixels: UInt8, face: Face) -> FaceError | None:
    """The first thing about a face that speaks against animating it, whatever stands before it."""
    return (
        _too_small(face)
        or _leaning(face)
        or _turned_away(face)
        or _cut_off(pixels, face)
        or _too_dark(pixels, face)
    )


def _none_found(pixels: UInt8) -> FaceError:
    """No face, or none until the picture is turned.

    The search finds most faces that lie on their side, and `_leaning` refuses them; this is for
    the others.
    """
    for quarters in (1, 3, 2):
        turned = np.ascontiguousarray(np.rot90(pixels, quarters))
        fits = find_fits(turned, patient=False)
        if fits and fits[0].detector_score >= _SURE_TURNED:
            return _on_its_side()
    height, width = pixels.shape[:2]
    return NoFaceFound(
        f"no face found in the picture of {width} x {height} px; wanted one human face"
    )


def _on_its_side() -> FaceUnclear:
    problem = FaceUnclear("the face lies on its side or is upside down; wanted an upright face")
    problem.hint = "Turn the picture upright."
    return problem


def _crowd(faces: tuple[Face, ...]) -> FaceError | None:
    alike = sum(face.width_px >= _CROWD_SIZE * faces[0].width_px for face in faces)
    if alike < _CROWD:
        return None
    problem = FaceUnclear(
        f"{in_words(len(faces))} faces found, {in_words(alike)} of similar size; wanted one person"
    )
    problem.hint = "Crop the picture around one person."
    return problem


def _too_small(face: Face) -> FaceError | None:
    if face.width_px >= LEAST_WIDTH_PX:
        return None
    return FaceTooSmall(
        f"the face is {face.width_px:.0f} px wide; wanted at least {LEAST_WIDTH_PX} px"
    )


def _leaning(face: Face) -> FaceError | None:
    roll = face.pose.roll_deg
    if abs(roll) <= GREATEST_ROLL_DEG:
        return None
    if abs(roll) > 60.0:
        return _on_its_side()
    return FaceUnclear(
        f"the head leans by {abs(roll):.0f} degrees; wanted at most {GREATEST_ROLL_DEG:.0f}"
    )


def _turned_away(face: Face) -> FaceError | None:
    yaw, pitch = abs(face.pose.yaw_deg), abs(face.pose.pitch_deg)
    if yaw > GREATEST_YAW_DEG:
        return FaceTurnedAway(
            f"the head is turned by {yaw:.0f} degrees; wanted at most {GREATEST_YAW_DEG:.0f}"
        )
    if pitch > _GREATEST_PITCH_DEG:
        way = "up" if face.pose.pitch_deg > 0 else "down"
        return FaceTurnedAway(
            f"the face looks {way} by {pitch:.0f} degrees; wanted at most {_GREATEST_PITCH_DEG:.0f}"
        )
    return None


def _cut_off(pixels: UInt8, face: Face) -> FaceError | None:
    height, width = pixels.shape[:2]
    x, y = face.landmarks[_OVAL, 0], face.landmarks[_OVAL, 1]
    over = {  # how far the outline reaches out, px, and how far it may, face widths
        "left": (-x.min(), _CUT_SIDE),
        "right": (x.max() - (width - 1), _CUT_SIDE),
        "lower": (y.max() - (height - 1), _CUT_CHIN),
        "upper": (-y.min(), _CUT_BROW),
    }
    for border, (reach_px, allowed) in over.items():
        if reach_px > allowed * face.width_px:
            share = float(reach_px) / face.width_px
            return FaceCutOff(
                f"the face reaches over the {border} border of the picture by about"
                f" {share:.0%} of its width; wanted a whole face"
            )
    return None


def _brightness(pixels: UInt8, face: Face) -> float:
    """0..255: what a tenth of the face exceeds."""
    box = face.box
    height, width = pixels.shape[:2]
    x0, x1 = np.clip([int(box.x0), int(box.x1) + 1], 0, width)
    y0, y1 = np.clip([int(box.y0), int(box.y1) + 1], 0, height)
    step = max(1, int(face.width_px) // 128)  # a sample of the pixels is enough
    return float(np.quantile(pixels[y0:y1:step, x0:x1:step].max(axis=2), 0.9))


def _too_dark(pixels: UInt8, face: Face) -> FaceError | None:
    bright = _brightness(pixels, face)
    if bright >= _BLACK:
        return None
    return FaceUnclear(
        f"the face is nearly black (brightness {bright:.0f} of 255; wanted at least {_BLACK:.0f})"
    )


def _remarks(pixels: UInt8, face: Face) -> list[str]:
    """What makes the video worse than it could be."""
    remarks = []
    if face.width_px < _COARSE_WIDTH_PX:
        remarks.append(f"the face is only {face.width_px:.0f} px wide; the video will be coarse")
    if abs(face.pose.yaw_deg) > _TURNED_DEG:
        remarks.append(
            f"the head is turned by {abs(face.pose.yaw_deg):.0f} degrees;"
            " a view from the front looks better"
        )
    if _brightness(pixels, face) < _DARK:
        remarks.append("the face is very dark; a brighter picture looks better")
    if _eye_opening(face.landmarks) < _SHUT_EYE:
        remarks.append("the eyes are closed")
    if _mouth_opening(face) > _WIDE_MOUTH:
        remarks.append("the mouth is wide open; a closed one looks better")
    return remarks


def _eye_opening(landmarks: Float32) -> float:
    """Opening over width, mean of both eyes."""
    lids = np.linalg.norm(landmarks[_UPPER_LIDS, :2] - landmarks[_LOWER_LIDS, :2], axis=1)
    corners = landmarks[_EYE_CORNERS, :2]
    widths = np.linalg.norm(corners[:, 0] - corners[:, 1], axis=1)
    return float(lids.mean() / widths.mean())


def _mouth_opening(face: Face) -> float:
    """Opening at the middle over the mouth's width."""
    gap = np.linalg.norm(face.lips.upper_inner[5] - face.lips.lower_inner[5])
    width = np.linalg.norm(face.landmarks[61, :2] - face.landmarks[291, :2])
    return float(gap / width)
