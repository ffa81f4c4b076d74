"""portravox check: will this picture do, and if not, why not.

Flow      cli.app -> cli.check -> media.picture_file, face.verdict
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from portravox.cli.options import Json
from portravox.cli.paths import require_file
from portravox.cli.terminal import give, give_json, tell
from portravox.errors import PortravoxError

if TYPE_CHECKING:
    from portravox.face.face import Face

NOT_FIT = 1
"""Exit status for a picture that was read but will not do; a file that can't be read gives 2."""


def check_command(
    portrait: Annotated[
        Path, typer.Argument(metavar="PORTRAIT", help="JPEG, PNG, BMP or WebP picture.")
    ],
    as_json: Json = False,
) -> None:
    """Say whether PORTRAIT can be animated: exit status 0 if so, 1 if not."""
    from portravox.face.verdict import judge
    from portravox.media.picture_file import read_picture

    try:
        require_file(portrait, "portrait")
        picture = read_picture(portrait)
    except PortravoxError as error:
        if as_json:
            give_json(_answer(False, error.code, str(error), error.hint, (), ()))
        raise
    verdict = judge(picture)
    notices = (*picture.notices, *verdict.notices)
    if as_json:
        give_json(
            _answer(
                verdict.passed, verdict.code, verdict.message, verdict.hint, verdict.faces, notices
            )
        )
    else:
        give(f"{'yes' if verdict.passed else 'no'}: {verdict.message}")
        told = zip(verdict.faces, verdict.codes, strict=True)
        for number, (face, code) in enumerate(told, start=1):
            give(f"  face {number}: {code}; {_in_words(face)}")
        for notice in notices:
            tell(f"note: {notice}")
        if verdict.hint:
            tell(f"hint: {verdict.hint}")
    if not verdict.passed:
        raise typer.Exit(NOT_FIT)


def _answer(
    passed: bool,
    code: str,
    message: str,
    hint: str,
    faces: tuple[Face, ...],
    notices: tuple[str, ...],
) -> dict[str, object]:
    return {
        "pass": passed,
        "code": code,
        "message": message,
        "hint": hint,
        "notices": list(notices),
        "faces": [_measured(face) for face in faces],
    }


def _measured(face: Face) -> dict[str, object]:
    box, pose = face.box, face.pose
    return {
        "box": [round(float(edge), 1) for edge in (box.x0, box.y0, box.x1, box.y1)],
        "width_px": round(float(face.width_px), 1),
        "yaw_deg": round(float(pose.yaw_deg), 1),
        "pitch_deg": round(float(pose.pitch_deg), 1),
        "roll_deg": round(float(pose.roll_deg), 1),
        "lips": face.lips.state.value,
    }


def _in_words(face: Face) -> str:
    box, pose = face.box, face.pose
    return (
        f"{face.width_px:.0f} px wide"
        f" at x {box.x0:.0f}..{box.x1:.0f}, y {box.y0:.0f}..{box.y1:.0f};"
        f" turned {pose.yaw_deg:+.0f}, raised {pose.pitch_deg:+.0f},"
        f" leaning {pose.roll_deg:+.0f} degrees; lips {face.lips.state.value}"
    )
