"""Local files in a form that every server takes: what the contract does not list is converted here.

Flow      cli.client -> cli.uploadable -> client.api -> a server
"""

from __future__ import annotations

import contextlib
import tempfile
import wave
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from portravox.cli.terminal import tell
from portravox.errors import PictureError, PictureTooLarge, PictureUnsupported, VoiceError

if TYPE_CHECKING:
    from portravox.media.waveform import Waveform

JPEG_QUALITY = 95
"""Of pictures whose PNG would be too large. Our choice."""

MP3_BITS_PER_S = 192_000
"""Of recordings whose WAV would be too large. Our choice: no difference is heard."""


@contextlib.contextmanager
def uploadable(portrait: str, voice: str | None = None) -> Iterator[tuple[str, str]]:
    """Both inputs, with temporary copies in place of files that a server would refuse for their
    kind or size. Addresses stay as they are, and so do files that cannot be read: the server says
    why."""
    with tempfile.TemporaryDirectory(prefix="portravox-") as folder:
        yield (
            _picture(portrait, Path(folder)),
            "" if voice is None else _voice(voice, Path(folder)),
        )


def _picture(given: str, folder: Path) -> str:
    from PIL import Image

    from portravox.media.picture_file import PictureLimits, read_picture

    path = Path(given)
    if "://" in given or not path.is_file():
        return given
    limits = PictureLimits.service()
    try:
        read_picture(path, limits)
        return given
    except (PictureUnsupported, PictureTooLarge):
        pass
    except PictureError:
        return given
    try:
        picture = read_picture(path)
    except PictureError:
        return given
    converted = folder / f"{path.stem}.png"
    image = Image.fromarray(picture.pixels)
    image.save(converted)
    if converted.stat().st_size > limits.max_bytes:
        converted = folder / f"{path.stem}.jpg"
        image.save(converted, quality=JPEG_QUALITY)
    _tell_converted(path, converted, picture.notices)
    return str(converted)


def _voice(given: str, folder: Path) -> str:
    from portravox.media.voice_file import VoiceLimits, read_voice

    path = Path(given)
    if "://" in given or not path.is_file():
        return given
    limits = VoiceLimits.service()
    try:
        voice = read_voice(path)
    except VoiceError:
        return given
    with contextlib.suppress(VoiceError):
        read_voice(path, limits)
        return given
    converted = folder / f"{path.stem}.wav"
    _write_wav(converted, voice)
    if converted.stat().st_size > limits.max_bytes:
        converted = folder / f"{path.stem}.mp3"
        _write_mp3(converted, voice)
    _tell_converted(path, converted, voice.notices)
    return str(converted)


def _tell_converted(path: Path, converted: Path, notices: tuple[str, ...]) -> None:
    tell(f"note: {path.name} is sent as {converted.name}, which every server takes")
    for notice in notices:
        tell(f"note: {notice}")


def _write_wav(path: Path, voice: Waveform) -> None:
    steps = np.clip(np.round(voice.samples * 32_767.0), -32_768, 32_767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((voice.samples.shape[1], 2, voice.rate_hz, 0, "NONE", ""))
        file.writeframes(steps.tobytes())


def _write_mp3(path: Path, voice: Waveform) -> None:
    import av

    layout = "mono" if voice.samples.shape[1] == 1 else "stereo"
    rate_hz = voice.rate_hz if voice.rate_hz in (32_000, 44_100, 48_000) else 48_000
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(voice.samples.T), "fltp", layout)
    frame.sample_rate, frame.pts = voice.rate_hz, 0
    frame.time_base = Fraction(1, voice.rate_hz)
    resampler = av.AudioResampler("fltp", layout, rate_hz)
    with av.open(str(path), "w", format="mp3") as out:
        stream = out.add_stream("libmp3lame", rate=rate_hz, options={"b": str(MP3_BITS_PER_S)})
        stream.layout = layout
        stream.format = "fltp"
        for piece in (*resampler.resample(frame), *resampler.resample(None)):
            out.mux(stream.encode(piece))
        out.mux(stream.encode(None))
