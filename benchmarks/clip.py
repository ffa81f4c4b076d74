"""The clip on the README's first screen: the head of the demo's video.

Flow      the demo's portrait and voice -> pipeline -> MP4 -> docs/images/demo.webp

    python -m benchmarks.clip [-o docs/images/demo.webp]

It plays where a page shows pictures: without sound, for ever.
"""

from __future__ import annotations

import argparse
import tempfile
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

import portravox
from benchmarks.probe import read_frames
from portravox.arrays import UInt8
from portravox.demo import VOICE, demo_portrait
from portravox.face.find import find_face

FPS = 25
LASTS_S = 3.04
"""The voice pauses there: where the clip begins anew, nothing is cut off."""

PANEL_PX = 320
PANEL_FACE_WIDTHS = 2.4
"""Side of the square cut out around the head."""

QUALITY = 60
"""Of WebP, 0..100: the lowest at which nothing is seen of it in hair and skin. Our choice."""


def main() -> None:
    """Write the clip."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/images/demo.webp"))
    output: Path = parser.parse_args().output
    portrait = portravox.read_picture(demo_portrait())
    face, _ = find_face(portrait)
    centre = ((face.box.x0 + face.box.x1) / 2, (face.box.y0 + face.box.y1) / 2)
    side_px = PANEL_FACE_WIDTHS * face.width_px
    with tempfile.TemporaryDirectory() as folder:
        made = portravox.animate(
            demo_portrait(), VOICE, Path(folder) / "demo.mp4", quality="high", video_fps=FPS
        )
        frames = islice(read_frames(made.path), round(LASTS_S * FPS))
        shown = [Image.fromarray(panel(frame, centre, side_px)) for frame in frames]
    output.parent.mkdir(parents=True, exist_ok=True)
    shown[0].save(
        output,
        save_all=True,
        append_images=shown[1:],
        duration=1000 // FPS,
        loop=0,
        quality=QUALITY,
        method=6,
        kmin=0,
        kmax=1,  # each frame whole: those that change a part of another one show its borders
    )
    print(f"{output}: {len(shown)} frames, {output.stat().st_size / 1000:.0f} kB")


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
