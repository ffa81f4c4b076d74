"""Arrays into the files that every program reads: PNG, JPEG, WAV and MP3.

Flow      Picture, Waveform -> media.plain_files -> a path
"""

from __future__ import annotations

import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from portravox.arrays import UInt8
from portravox.media.decoded_sound import resampled
from portravox.media.waveform import Waveform

JPEG_QUALITY = 95
"""0 to 100. Hard to tell from the original; our choice."""

MP3_BITS_PER_S = 192_000
"""Hard to tell from the original; our choice."""

MP3_RATES_HZ = (32_000, 44_100, 48_000)
"""Of MPEG-1 layer III (ISO 11172-3); other rates are resampled to the last one."""


def write_png(path: Path, pixels: UInt8) -> None:
    """pixels  (H, W, 3) sRGB"""
    Image.fromarray(pixels).save(path, format="PNG")


def write_jpeg(path: Path, pixels: UInt8) -> None:
    """pixels  (H, W, 3) sRGB"""
    Image.fromarray(pixels).save(path, format="JPEG", quality=JPEG_QUALITY)


def write_wav(path: Path, voice: Waveform) -> None:
    """16 bits a sample."""
    steps = np.clip(np.round(voice.samples * 32_767.0), -32_768, 32_767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((voice.samples.shape[1], 2, voice.rate_hz, 0, "NONE", ""))
        file.writeframes(steps.tobytes())


def at_most_48_khz(voice: Waveform) -> Waveform:
    """The same at a rate that every browser plays."""
    if voice.rate_hz <= MP3_RATES_HZ[-1]:
        return voice
    samples = resampled(voice.samples, voice.rate_hz, MP3_RATES_HZ[-1])
    return Waveform(samples, MP3_RATES_HZ[-1], voice.notices)


def write_mp3(path: Path, voice: Waveform) -> None:
    """One or two channels, at the voice's rate where MP3 has it."""
    layout = "mono" if voice.samples.shape[1] == 1 else "stereo"
    rate_hz = voice.rate_hz if voice.rate_hz in MP3_RATES_HZ else MP3_RATES_HZ[-1]
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
