"""Pictures and clips of the documentation, all of the demo's portrait and voice.

Flow      the demo's portrait and voice -> engine -> docs/images/{parameters,inputs},
          the first page's video, the studio's clips of its presets, its sample and the small
          picture of the photograph

    make doc-pictures        # python -m handbook.pictures

A clip shows the values of one parameter side by side, with the same voice and seed; its poster is
the frame in which the mouth is widest. The pictures of `inputs` are the portrait, spoilt in one way
each.
"""

from __future__ import annotations

import argparse
import tempfile
import wave
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

import portravox
from benchmarks.probe import read_frames
from handbook.people import SMALL, SMALL_QUALITY, small
from portravox.animation.direct import direct
from portravox.arrays import UInt8
from portravox.articulation.from_voice import articulate
from portravox.clock import frame_count
from portravox.demo import VOICE, demo_portrait
from portravox.engines.base import Avatar
from portravox.face.face import Box
from portravox.face.find import find_face
from portravox.media.encode import QUALITIES, VideoWriter
from portravox.media.picture import Picture
from portravox.media.planes import Planes
from portravox.media.waveform import Waveform
from portravox.service.option_controls import PRESETS, preset_values

FOLDER = Path("docs/images")
PRESET_CLIPS = Path("portravox/studio/page/clips")

PANEL_PX = 240
PANEL_FACE_WIDTHS = 2.6
"""Side of the square around the head that a panel shows."""

_PRESET_S = 2.6
_PRESET_FPS = 15
_PRESET_CRF = 31
"""About 15 kB each, since the studio loads three; our choice."""

_SAMPLE_S = 3.4
"""Both sentences up to "photograph": what the studio plays before anything was made."""

_SAMPLE_PX = 320
_SAMPLE_FPS = 15
_SAMPLE_CRF = 31
"""About 80 kB, since the empty page loads it; our choice."""

_WEBP_QUALITY = 82
_CRF = 25
"""Small files whose lips are still sharp; our choice."""


@dataclass(frozen=True, slots=True)
class Clip:
    """The values of one parameter, side by side."""

    name: str
    directions: tuple[portravox.Direction, ...]
    seconds: float


def _varied(name: str, seconds: float, *values: object) -> Clip:
    chosen: list[dict[str, Any]] = [{name: value} for value in values]
    return Clip(name, tuple(replace(portravox.Direction(), **one) for one in chosen), seconds)


CLIPS = (
    _varied("template_id", 6.0, "calm", "normal", "active"),
    _varied("eye_move_freq", 6.0, 0.0, 0.5, 1.0),
    _varied("video_fps", 3.0, 15, 24, 30),
    _varied("mouth_move_strength", 3.0, 0.0, 0.5, 1.0, 1.5),
    _varied("head_move_strength", 6.0, 0.0, 0.7, 1.0),
    _varied("seed", 6.0, 0, 1, 2),
    _varied("expression", 4.0, "neutral", "happy", "serious", "sad", "surprised"),
    Clip(
        "expression_strength",
        tuple(
            portravox.Direction(expression="happy", expression_strength=strength)
            for strength in (0.0, 0.35, 0.7, 1.0)
        ),
        4.0,
    ),
)

_SPOKEN = "Hello! I am a photograph."
STILLS: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "frame": tuple({"frame": each} for each in ("original", "1:1", "9:16", "16:9", "4:5")),
    "background": tuple({"background": each} for each in ("keep", "blur", "green", "#f4f1ea")),
    "visible_label": tuple({"visible_label": each} for each in (None, "en", "zh")),
    "label_place": tuple(
        {"visible_label": "en", "label_place": each}
        for each in ("bottom-right", "bottom-left", "top-right", "top-left")
    ),
    "captions": ({}, {"captions": "burned", "transcript": _SPOKEN}),
}
"""What is seen of an option in any frame: its values, side by side."""

_CLIP_FPS = 30
"""Of the file; a panel of fewer frames per second shows each of them longer."""


def main() -> None:
    """Write all pictures, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", metavar="NAME")
    wanted = parser.parse_args().only
    makers: dict[str, Callable[[], list[Path]]] = {
        clip.name: partial(make_clip, clip) for clip in CLIPS
    }
    makers |= {
        "presets": make_presets,
        "sample": make_sample,
        "paste_back": make_paste_back,
        "face": make_faces,
        "hero": make_hero,
        "inputs": make_inputs,
    }
    makers |= {name: partial(make_stills, name) for name in STILLS}
    for name, make in makers.items():
        if wanted is None or name in wanted:
            for path in make():
                print(f"{path}  {path.stat().st_size / 1000:.0f} kB")


def make_clip(clip: Clip) -> list[Path]:
    """An MP4 with sound and its poster."""
    picture = portravox.read_picture(demo_portrait())
    voice = cut(portravox.read_voice(VOICE), clip.seconds)
    avatar = portravox.EmbeddedEngine().register(picture)
    window = head_window(picture)
    rows = [panels(avatar, voice, direction, window) for direction in clip.directions]
    count = frame_count(voice.duration_s, _CLIP_FPS)
    path = FOLDER / "parameters" / f"{clip.name}.mp4"
    frames = [
        np.hstack(
            [
                row[min(len(row) - 1, n * direction.video_fps // _CLIP_FPS)]
                for row, direction in zip(rows, clip.directions, strict=True)
            ]
        )
        for n in range(count)
    ]
    write_clip(path, frames, voice, fps=_CLIP_FPS, crf=_CRF)
    track = direct(articulate(voice), replace(clip.directions[-1], video_fps=_CLIP_FPS))
    widest = int(np.argmax(track["lip_gap"] * (track["blink_left"] < 0.1)))
    return [path, save(frames[min(widest, count - 1)], path.with_suffix(".webp"))]


def write_clip(path: Path, frames: Sequence[UInt8], voice: Waveform, *, fps: int, crf: int) -> None:
    """An MP4 of RGB frames and a voice, at the quality that fits its size on a page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height_px, width_px = frames[0].shape[:2]
    with VideoWriter(
        path,
        width_px=width_px,
        height_px=height_px,
        fps=fps,
        frames=len(frames),
        voice=voice,
        settings=replace(QUALITIES["high"], crf=crf),
    ) as writer:
        for frame in frames:
            writer.write(Planes.of(frame))


def make_presets() -> list[Path]:
    """A clip of each preset of the studio: small, since the page loads all of them."""
    picture = portravox.read_picture(demo_portrait())
    voice = cut(portravox.read_voice(VOICE), _PRESET_S)
    avatar = portravox.EmbeddedEngine().register(picture)
    silence = Waveform(np.zeros_like(voice.samples), voice.rate_hz)  # they play muted: no weight
    window = head_window(picture)
    paths = []
    for name in PRESETS:
        values: dict[str, Any] = preset_values(name)
        direction = replace(portravox.Direction(), **values, video_fps=_PRESET_FPS, seed=3)
        frames = panels(avatar, voice, direction, window)
        path = PRESET_CLIPS / f"{name}.mp4"
        write_clip(path, frames, silence, fps=_PRESET_FPS, crf=_PRESET_CRF)
        paths.append(path)
    return paths


def make_sample() -> list[Path]:
    """What the empty studio plays, and the photograph on the card of its example."""
    picture = portravox.read_picture(demo_portrait())
    voice = cut(portravox.read_voice(VOICE), _SAMPLE_S)
    window = head_window(picture)
    direction = replace(portravox.Direction(), video_fps=_SAMPLE_FPS, seed=3)
    avatar = portravox.EmbeddedEngine().register(picture)
    frames = [panel(frame.rgb(), window, _SAMPLE_PX) for frame in avatar.speak(voice, direction)]
    path = PRESET_CLIPS / "sample.mp4"
    write_clip(path, frames, voice, fps=_SAMPLE_FPS, crf=_SAMPLE_CRF)
    card = SMALL / "photograph.webp"
    card.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(demo_portrait()) as opened:
        small(opened.convert("RGB")).save(card, quality=SMALL_QUALITY, method=6)
    return [path, card]


def panels(
    avatar: Avatar, voice: Waveform, direction: portravox.Direction, window: Box
) -> list[UInt8]:
    """(PANEL_PX, PANEL_PX, 3) the head, frame by frame."""
    return [panel(frame.rgb(), window) for frame in avatar.speak(voice, direction)]


def panel(pixels: UInt8, window: Box, side_px: int = PANEL_PX) -> UInt8:
    """A square out of a picture, scaled to a panel."""
    square = Image.fromarray(pixels).crop(
        (int(window.x0), int(window.y0), int(window.x1), int(window.y1))
    )
    return np.asarray(square.resize((side_px, side_px), Image.Resampling.LANCZOS))


def head_window(picture: Picture) -> Box:
    """The square around the head that lies in the picture."""
    face, _ = find_face(picture)
    height, width = picture.pixels.shape[:2]
    side = min(PANEL_FACE_WIDTHS * face.width_px, height, width)
    x0 = float(np.clip((face.box.x0 + face.box.x1 - side) / 2, 0, width - side))
    y0 = float(np.clip((face.box.y0 + face.box.y1 - side) / 2, 0, height - side))
    return Box(x0, y0, x0 + side, y0 + side)


def make_paste_back() -> list[Path]:
    """The whole picture beside the face alone, at the same moment."""
    picture = portravox.read_picture(demo_portrait())
    voice = cut(portravox.read_voice(VOICE), 1.5)
    avatar = portravox.EmbeddedEngine().register(picture)
    shown = []
    for paste_back in (True, False):
        frames = avatar.speak(voice, portravox.Direction(paste_back=paste_back))
        moment = [frame.rgb() for frame in frames][_EYES_OPEN]
        whole = Image.fromarray(moment).resize((360, 360), Image.Resampling.LANCZOS)
        shown.append(np.asarray(whole))
    return [save(np.hstack(shown), FOLDER / "parameters" / "paste_back.webp")]


_EYES_OPEN = 12
"""Number of a frame of both videos in which nobody blinks and something is said."""


def make_stills(name: str) -> list[Path]:
    """The same moment with each value of an option."""
    shown = [still(demo_portrait(), **values) for values in STILLS[name]]
    return [save(side_by_side(shown), FOLDER / "parameters" / f"{name}.webp")]


def make_faces() -> list[Path]:
    """Two people in one photograph: first the one speaks, then the other."""
    photo = Image.fromarray(portravox.read_picture(demo_portrait()).pixels)
    with tempfile.TemporaryDirectory() as folder:
        both = Path(folder) / "both.png"
        _two_faces(photo).save(both)
        shown = [still(both, face=face) for face in ("1", "2")]
    return [save(side_by_side(shown), FOLDER / "parameters" / "face.webp")]


def still(portrait: Path, **values: Any) -> Image.Image:
    """A moment of the video of a portrait, PANEL_PX high."""
    with tempfile.TemporaryDirectory() as folder:
        short, path = Path(folder) / "voice.wav", Path(folder) / "video.mp4"
        write_wav(short, VOICE, seconds=_STILL_S)
        portravox.animate(portrait, short, path, **values)
        moment = Image.fromarray(list(read_frames(path))[_EYES_OPEN])
    width_px = round(moment.width * PANEL_PX / moment.height)
    return moment.resize((width_px, PANEL_PX), Image.Resampling.LANCZOS)


_STILL_S = 1.5


def side_by_side(shown: Sequence[Image.Image]) -> UInt8:
    """(PANEL_PX, W, 4) pictures of one height, with nothing between them."""
    width_px = sum(each.width for each in shown) + _GAP_PX * (len(shown) - 1)
    row = Image.new("RGBA", (width_px, PANEL_PX))
    left = 0
    for each in shown:
        row.paste(each, (left, 0))
        left += each.width + _GAP_PX
    return np.asarray(row)


_GAP_PX = 6


def make_hero() -> list[Path]:
    """What the first page plays: all that the demo says, and the frame before it begins."""
    picture = portravox.read_picture(demo_portrait())
    voice = portravox.read_voice(VOICE)
    window = head_window(picture)
    direction = portravox.Direction(seed=3)
    avatar = portravox.EmbeddedEngine().register(picture)
    frames = [panel(frame.rgb(), window, _HERO_PX) for frame in avatar.speak(voice, direction)]
    path = FOLDER / "hero.mp4"
    write_clip(path, frames, voice, fps=direction.video_fps, crf=_CRF)
    return [path, save(frames[_EYES_OPEN], path.with_suffix(".webp"))]


_HERO_PX = 480


def make_inputs() -> list[Path]:
    """The portrait, spoilt in one way each; which of them pass is for `portravox check` to say."""
    photo = Image.fromarray(portravox.read_picture(demo_portrait()).pixels)
    return [
        save(np.asarray(spoil(photo)), FOLDER / "inputs" / f"{name}.webp")
        for name, spoil in SPOILT.items()
    ]


def _small(photo: Image.Image) -> Image.Image:
    return photo.resize((photo.width // 6, photo.height // 6), Image.Resampling.LANCZOS)


def _leaning(photo: Image.Image) -> Image.Image:
    return photo.rotate(60, Image.Resampling.BICUBIC)


def _covered(photo: Image.Image) -> Image.Image:
    """A surgical mask, drawn: what it hides counts, not what it looks like."""
    face, _ = find_face(Picture(np.asarray(photo)))
    box, masked = face.box, np.asarray(photo).copy()
    top = int(box.y0 + 0.52 * (box.y1 - box.y0))
    y, x = np.mgrid[: photo.height, : photo.width]
    across = np.abs(x - (box.x0 + box.x1) / 2) / (0.52 * (box.x1 - box.x0))
    down = (y - top) / (1.08 * box.y1 - top)
    mask = (y >= top) & (across**2 + np.clip(down, 0, None) ** 4 < 1)
    folds = 8 * np.sin(down[mask] * 18)
    masked[mask] = np.clip(np.array([150, 190, 205]) + folds[:, None], 0, 255)
    return Image.fromarray(masked)


def _two_faces(photo: Image.Image) -> Image.Image:
    smaller = photo.resize((photo.width * 3 // 4, photo.height * 3 // 4), Image.Resampling.LANCZOS)
    both = Image.new("RGB", (photo.width + smaller.width, photo.height), (92, 92, 92))
    both.paste(photo, (0, 0))
    both.paste(smaller, (photo.width, photo.height - smaller.height))
    return both


def _cut_off(photo: Image.Image) -> Image.Image:
    face, _ = find_face(Picture(np.asarray(photo)))
    return photo.crop((int((face.box.x0 + face.box.x1) / 2), 0, photo.width, photo.height))


def _dark(photo: Image.Image) -> Image.Image:
    return Image.fromarray((np.asarray(photo) * 0.03).astype(np.uint8))


def _grey(photo: Image.Image) -> Image.Image:
    return photo.convert("L").convert("RGB")


def _blurred(photo: Image.Image) -> Image.Image:
    return photo.filter(ImageFilter.GaussianBlur(14))


SPOILT: Mapping[str, Callable[[Image.Image], Image.Image]] = {
    "as-it-is": lambda photo: photo,
    "grey": _grey,
    "two-faces": _two_faces,
    "small": _small,
    "leaning": _leaning,
    "covered": _covered,
    "cut-off": _cut_off,
    "dark": _dark,
    "blurred": _blurred,
}
"""Names of the files in docs/images/inputs."""


def cut(voice: Waveform, seconds: float) -> Waveform:
    """Its beginning."""
    return Waveform(voice.samples[: round(seconds * voice.rate_hz)], voice.rate_hz)


def write_wav(path: Path, source: Path, *, seconds: float) -> None:
    """The beginning of a WAV file."""
    with wave.open(str(source), "rb") as whole, wave.open(str(path), "wb") as short:
        short.setparams(whole.getparams())
        short.writeframes(whole.readframes(round(seconds * whole.getframerate())))


def save(pixels: UInt8, path: Path) -> Path:
    """Write a WebP."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, quality=_WEBP_QUALITY, method=6)
    return path


if __name__ == "__main__":
    main()
