"""Contact sheets for the eye: every pose of mouth and eyes, and moments of finished videos.

Flow      portraits -> face, rig, render -> poses; portraits, a voice -> pipeline -> videos;
          both -> OUT/<portrait>/*.png

    python -m benchmarks.sheets [PORTRAIT ...] [-o out/sheets] [--poses-only]

Without a PORTRAIT those of samples/portraits are shown, or the demo's where there are none:

    mouth_1to1.png mouth_4to1.png    the poses of MOUTH_POSES, as large as they are and four times
    eyes_1to1.png  eyes_4to1.png     the same for EYE_POSES
    face.png                         head poses and whole expressions
    calm.png normal.png active.png   every n-th frame of a finished video with that template
    calm.mp4 ..                      the videos

The photograph itself is the first cell of every sheet. What it shows of people stays in OUT, which
is not part of the repository.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from benchmarks.probe import read_frames
from benchmarks.quality.inputs import ASTRONAUT, Inputs
from benchmarks.samples import SAMPLES
from benchmarks.tracking import MOUTH_CORNERS, OUTER_EYE_CORNERS
from portravox.animation.controls import CONTROLS
from portravox.arrays import Float32, UInt8
from portravox.errors import PortravoxError
from portravox.face.face import Face
from portravox.face.find import find_face
from portravox.face.matte import person_matte
from portravox.media.picture import Picture
from portravox.media.picture_file import read_picture
from portravox.media.planes import even_sides
from portravox.options import TEMPLATES
from portravox.pipeline import animate
from portravox.render.scene import Painter, prepare_scene
from portravox.rig.deform import Deformer, PosedMesh
from portravox.rig.fit import fit
from portravox.rig.shapes import FACE_WIDTH_MM

Pose = Mapping[str, float]

MOUTH_POSES: Mapping[str, Pose] = {
    "photograph": {},
    "neutral": {"speech": 1},
    "aa": {"speech": 1, "lip_gap": 0.32, "jaw": 0.6},
    "eh": {"speech": 1, "lip_gap": 0.18, "jaw": 0.3, "lip_wide": 0.3},
    "ee": {"speech": 1, "lip_gap": 0.12, "jaw": 0.1, "lip_wide": 0.8},
    "oh": {"speech": 1, "lip_gap": 0.22, "jaw": 0.4, "lip_round": 0.6},
    "oo": {"speech": 1, "lip_gap": 0.08, "jaw": 0.2, "lip_round": 1},
    "p b m": {"speech": 1, "jaw": 0.1, "lip_press": 0.8},
    "f v": {"speech": 1, "lip_gap": 0.04, "jaw": 0.1, "lip_teeth": 1},
    "th l": {"speech": 1, "lip_gap": 0.12, "jaw": 0.15, "tongue_up": 1},
    "setting out": {"speech": 0.4, "lip_gap": 0.1, "jaw": 0.2},
    "smile": {"speech": 1, "lip_gap": 0.1, "jaw": 0.2, "smile": 0.3},
}
"""The shapes of the mouth that vowels and lip closures ask for, at the strength of clear speech."""

EYE_POSES: Mapping[str, Pose] = {
    "photograph": {},
    "blink 1/4": {"blink_left": 0.25, "blink_right": 0.25},
    "blink 1/2": {"blink_left": 0.5, "blink_right": 0.5},
    "blink 3/4": {"blink_left": 0.75, "blink_right": 0.75},
    "shut": {"blink_left": 1, "blink_right": 1},
    "gaze left": {"gaze_yaw_deg": -7},
    "gaze right": {"gaze_yaw_deg": 7},
    "gaze up": {"gaze_pitch_deg": 4},
    "gaze down": {"gaze_pitch_deg": -5},
    "squint": {"squint": 0.6},
    "brows up": {"brow_raise": 0.6},
    "brows down": {"brow_lower": 0.6},
}
"""The most that the animation asks of eyes and brows, or a little more."""

FACE_POSES: Mapping[str, Pose] = {
    "photograph": {},
    "turned left": {"head_yaw_deg": -7, "gaze_yaw_deg": 6},
    "turned right": {"head_yaw_deg": 7, "gaze_yaw_deg": -6},
    "raised": {"head_pitch_deg": 4, "gaze_pitch_deg": -3.4},
    "lowered": {"head_pitch_deg": -4, "gaze_pitch_deg": 3.4},
    "leaning": {"head_roll_deg": 4, "head_shift_x": 0.015},
    "smiling aa": {"speech": 1, "lip_gap": 0.3, "jaw": 0.5, "smile": 0.3, "squint": 0.2},
    "stressed": {"speech": 1, "lip_gap": 0.2, "jaw": 0.4, "brow_raise": 0.4, "head_pitch_deg": -2},
}

MOUTH_REACH_MM = (42.0, 34.0)
EYES_REACH_MM = (62.0, 26.0)
HEAD_REACH_MM = (125.0, 145.0)
"""Half width and half height of a cell around the middle of mouth, eyes and face."""

BROW_AND_CHIN = (10, 152)
"""The uppermost and the lowest landmark of the face's outline."""

LARGE = 4
"""Enlargement of the sheets for the harsh viewer."""

COLUMNS = {"mouth": 4, "eyes": 3, "face": 4, "video": 6}

HEAD_CELL_PX = 360
"""Largest side of a whole head: a larger one is shrunk to it."""

FRAME_STEP = 10
"""Of a video every tenth frame is shown: 25 of 10 s at 25 frames a second."""

FPS = 25
VIDEO_S = 10.0
MAX_SIDE_PX = 1024
VOICE = "en_woman_reading_22k.wav"

LABEL_PX = 14


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a picture, px; inside it."""

    x0: int
    y0: int
    x1: int
    y1: int

    def cut(self, frame: UInt8) -> UInt8:
        """(y1 - y0, x1 - x0, 3)"""
        return frame[self.y0 : self.y1, self.x0 : self.x1]


def window_around(
    picture: Picture, face: Face, landmarks: tuple[int, int], reach_mm: tuple[float, float]
) -> Window:
    """The window around the middle of two landmarks, as far as it lies inside the picture.

    Lengths are as if the face were FACE_WIDTH_MM wide.
    """
    middle = face.landmarks[list(landmarks), :2].mean(axis=0)
    half = np.array(reach_mm) * face.width_px / FACE_WIDTH_MM
    size = (picture.width_px, picture.height_px)
    x0, y0 = np.clip(np.round(middle - half), 0, size).astype(int)
    x1, y1 = np.clip(np.round(middle + half), 0, size).astype(int)
    return Window(int(x0), int(y0), int(x1), int(y1))


def control_row(pose: Pose) -> Float32:
    """(C,) the controls of a pose, 0 where it names none."""
    row = np.zeros(len(CONTROLS), np.float32)
    for name, value in pose.items():
        row[CONTROLS.index(name)] = value
    return row


class Sitter:
    """One person, posed at will."""

    def __init__(self, picture: Picture) -> None:
        self.face, _ = find_face(picture)
        matte = person_matte(picture.pixels, self.face)
        rig = fit(self.face, matte, picture.pixels)
        self._deformer = Deformer(rig)
        scene = prepare_scene(rig, picture.pixels, matte)
        self.mouth = scene.mouth
        self._painter = Painter(scene)

    def posed(self, pose: Pose) -> tuple[PosedMesh, UInt8]:
        """The mesh of a pose, and its frame."""
        mesh = self._deformer.deform(control_row(pose))
        return mesh, self._painter.paint(mesh)

    def cells(self, poses: Mapping[str, Pose], window: Window) -> dict[str, UInt8]:
        """A cell of each pose, by its name."""
        return {name: window.cut(self.posed(pose)[1]).copy() for name, pose in poses.items()}


def sheet(cells: Mapping[str, UInt8], columns: int, scale: int = 1) -> UInt8:
    """(H, W, 3) the cells in rows with their names above, each pixel `scale` times as large.

    cells  of one size, (h, w, 3)
    """
    labelled = []
    for name, cell in cells.items():
        large = cv2.resize(cell, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
        label = np.full((LABEL_PX, large.shape[1], 3), 255, np.uint8)
        cv2.putText(label, name, (2, LABEL_PX - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (0, 0, 0))
        labelled.append(np.pad(np.concatenate([label, large]), ((0, 2), (0, 2), (0, 0))))
    blank = np.full_like(labelled[0], 255)
    labelled += [blank] * (-len(labelled) % columns)
    rows = [np.concatenate(labelled[i : i + columns], 1) for i in range(0, len(labelled), columns)]
    whole: UInt8 = np.concatenate(rows)
    return whole


def shrunk(cells: Mapping[str, UInt8], largest_px: int) -> dict[str, UInt8]:
    """The cells, made smaller where a side is longer than that."""
    smaller = {}
    for name, cell in cells.items():
        scale = min(1.0, largest_px / max(cell.shape[:2]))
        size = (max(1, round(cell.shape[1] * scale)), max(1, round(cell.shape[0] * scale)))
        smaller[name] = cv2.resize(cell, size, interpolation=cv2.INTER_AREA)
    return smaller


def pose_sheets(picture: Picture, folder: Path) -> Window:
    """Write the sheets of poses and give the window of the head."""
    picture = replace(picture, pixels=even_sides(picture.pixels))
    sitter = Sitter(picture)
    for name, poses, landmarks, reach_mm in (
        ("mouth", MOUTH_POSES, MOUTH_CORNERS, MOUTH_REACH_MM),
        ("eyes", EYE_POSES, OUTER_EYE_CORNERS, EYES_REACH_MM),
    ):
        cells = sitter.cells(poses, window_around(picture, sitter.face, landmarks, reach_mm))
        for scale in (1, LARGE):
            _save(sheet(cells, COLUMNS[name], scale), folder / f"{name}_{scale}to1.png")
    head = window_around(picture, sitter.face, BROW_AND_CHIN, HEAD_REACH_MM)
    cells = shrunk(sitter.cells(FACE_POSES, head), HEAD_CELL_PX)
    _save(sheet(cells, COLUMNS["face"]), folder / "face.png")
    return head


def video_sheet(video: Path, head: Window, path: Path) -> None:
    """Every FRAME_STEP-th frame of a finished video."""
    frames: Iterator[tuple[int, UInt8]] = enumerate(read_frames(video))
    cells = {f"{n / FPS:.1f} s": head.cut(frame) for n, frame in frames if n % FRAME_STEP == 0}
    _save(sheet(shrunk(cells, HEAD_CELL_PX), COLUMNS["video"]), path)


def show(portrait: Path, voice: Path, folder: Path, templates: Sequence[str]) -> None:
    """All sheets of one portrait, with a video for each of the templates."""
    folder.mkdir(parents=True, exist_ok=True)
    head = pose_sheets(read_picture(portrait, max_side_px=MAX_SIDE_PX), folder)
    for template in templates:
        video = folder / f"{template}.mp4"
        animate(portrait, voice, video, template_id=template, video_fps=FPS, max_side=MAX_SIDE_PX)
        video_sheet(video, head, folder / f"{template}.png")


def _save(pixels: UInt8, path: Path) -> None:
    Image.fromarray(pixels).save(path)


def _names(inputs: Inputs) -> tuple[str, ...]:
    """The portraits of samples, or the demo's where they are not there."""
    return tuple(name for name in inputs.portraits() if name != ASTRONAUT) or (ASTRONAUT,)


def main() -> None:
    """Write the sheets of every portrait asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("portraits", nargs="*", type=Path, metavar="PORTRAIT")
    parser.add_argument("-o", "--out", type=Path, default=Path("out/sheets"))
    parser.add_argument("--samples", type=Path, default=SAMPLES)
    parser.add_argument("--voice", default=VOICE, help="a file of samples/voices")
    parser.add_argument("--poses-only", action="store_true", help="no videos")
    parser.add_argument("--templates", nargs="+", choices=TEMPLATES, default=TEMPLATES)
    wanted = parser.parse_args()
    folder: Path = wanted.out / "inputs"
    folder.mkdir(parents=True, exist_ok=True)
    inputs = Inputs(wanted.samples, folder)
    portraits = wanted.portraits or [inputs.portrait(name) for name in _names(inputs)]
    voice = inputs.voice(wanted.voice, VIDEO_S)
    for portrait in portraits:
        try:
            show(
                portrait,
                voice,
                wanted.out / portrait.stem,
                () if wanted.poses_only else wanted.templates,
            )
        except PortravoxError as error:  # one portrait without a face must not end the others
            print(f"{portrait}: {error}")
            continue
        print(wanted.out / portrait.stem, flush=True)


if __name__ == "__main__":
    main()
