"""The picture on the README's first screen: the demo's portrait, and moments of the demo's video.

Flow      the demo's portrait and voice -> pipeline -> MP4 -> docs/images/demo.png

    python -m benchmarks.still [-o docs/images/demo.png]

The frames are taken from the finished MP4, where the voice asks for the widest mouth, for the
roundest one, for lips pressed together and for a blink.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import portravox
from benchmarks.probe import read_frames
from portravox.animation.controls import ControlTrack
from portravox.animation.direct import direct
from portravox.arrays import UInt8
from portravox.articulation.from_voice import articulate
from portravox.demo import VOICE, demo_portrait
from portravox.face.find import find_face
from portravox.options import Direction

PANEL_PX = 300
PANEL_FACE_WIDTHS = 2.4
"""Side of the square cut out around the head."""


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/images/demo.png"))
    output: Path = parser.parse_args().output
    portrait = portravox.read_picture(demo_portrait())
    direction = Direction()
    track = direct(articulate(portravox.read_voice(VOICE)), direction)
    with tempfile.TemporaryDirectory() as folder:
        made = portravox.animate(demo_portrait(), VOICE, Path(folder) / "demo.mp4", quality="high")
        wanted = moments(track)
        frames = {n: frame for n, frame in enumerate(read_frames(made.path)) if n in wanted}
    face, _ = find_face(portrait)
    centre = ((face.box.x0 + face.box.x1) / 2, (face.box.y0 + face.box.y1) / 2)
    side_px = PANEL_FACE_WIDTHS * face.width_px
    panels = [panel(pixels, centre, side_px) for pixels in (portrait.pixels, *frames.values())]
    output.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.hstack(panels)).save(output, optimize=True)
    print(f"{output}: the photograph, then frames {', '.join(map(str, frames))}")


def moments(track: ControlTrack) -> set[int]:
    """Numbers of the frames that show most, eyes open but for one."""
    open_eyes = track["blink_left"] < 0.1
    speaking = track["speech"] > 0.9
    return {
        int(np.argmax(track["lip_gap"] * open_eyes)),
        int(np.argmax(track["lip_round"] * track["lip_gap"] * open_eyes)),
        int(np.argmax(track["lip_press"] * speaking * open_eyes)),
        int(np.argmax(track["blink_left"] * speaking)),
    }


def panel(pixels: UInt8, centre: tuple[float, float], side_px: float) -> UInt8:
    """(PANEL_PX, PANEL_PX, 3) a square out of a picture, moved inside where it would stick out."""
    height, width = pixels.shape[:2]
    side = int(min(side_px, height, width))
    x0 = int(np.clip(centre[0] - side / 2, 0, width - side))
    y0 = int(np.clip(centre[1] - side / 2, 0, height - side))
    square = Image.fromarray(pixels[y0 : y0 + side, x0 : x0 + side])
    return np.asarray(square.resize((PANEL_PX, PANEL_PX), Image.Resampling.LANCZOS))


if __name__ == "__main__":
    main()
