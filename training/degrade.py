"""Degradation: what rooms, telephones, codecs and bad microphones do to a voice.

Flow      training.utterance -> degrade -> training.features

Once for each utterance, on the waveform; what can be done on the spectrum is in training.augment.
Timing stays as it is: whatever delays the sound here is taken back.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence

import numpy as np
import soxr
from scipy import signal

from portravox.arrays import Float32
from training.utterance import RATE_HZ

KINDS = ("room", "telephone", "room telephone", "codec", "saturated")
SHARES = (0.45, 0.17, 0.08, 0.18, 0.12)
"""How often each is drawn. Our choice."""

CODECS = {
    "opus": ("-c:a", "libopus", "-b:a", "10k", "-f", "ogg"),
    "mp3": ("-c:a", "libmp3lame", "-b:a", "24k", "-f", "mp3"),
    "gsm": ("-ar", "8000", "-c:a", "libgsm", "-f", "gsm"),
    "g722": ("-c:a", "g722", "-f", "g722"),
}


def draw_kinds(count: int, rng: np.random.Generator) -> list[str]:
    """What happens to each of this many utterances."""
    return [str(kind) for kind in rng.choice(KINDS, count, p=SHARES)]


def degraded(samples: Float32, kind: str, rng: np.random.Generator) -> Float32:
    """One utterance (N,) through one of KINDS but "codec", which takes many at once."""
    for step in kind.split():
        samples = _STEPS[step](samples, rng)
    return samples


def room(samples: Float32, rng: np.random.Generator) -> Float32:
    """Exponentially decaying noise as echo: 0.12 to 0.9 s to fall by 60 dB."""
    decay_s = rng.uniform(0.12, 0.9)
    count = int(decay_s * RATE_HZ)
    echo = rng.standard_normal(count) * np.exp(-6.91 * np.arange(count) / count)
    echo[: RATE_HZ // 500] = 0.0  # no wall is nearer than a third of a metre
    direct_over_echo_db = rng.uniform(-2.0, 12.0)
    echo *= 10.0 ** (-direct_over_echo_db / 20.0) / np.sqrt((echo**2).sum())
    echo[0] = 1.0
    wet: Float32 = signal.fftconvolve(samples, echo)[: len(samples)].astype(np.float32)
    return wet


def telephone(samples: Float32, rng: np.random.Generator) -> Float32:
    """300 to 3400 Hz, give or take, and the 8 bits of G.711's mu-law."""
    low_hz, high_hz = rng.uniform(120.0, 350.0), rng.uniform(3200.0, 3700.0)
    narrow = soxr.resample(samples, RATE_HZ, 8000)
    band = signal.butter(2, (low_hz, high_hz), "bandpass", fs=8000, output="sos")
    narrow = signal.sosfiltfilt(band, narrow) if len(narrow) > 30 else narrow
    narrow = narrow / (np.abs(narrow).max() + 1e-6) * rng.uniform(0.2, 0.9)
    companded = np.sign(narrow) * np.log1p(255.0 * np.abs(narrow)) / np.log(256.0)
    stepped = np.round(companded * 127.0) / 127.0
    decoded = np.sign(stepped) * (256.0 ** np.abs(stepped) - 1.0) / 255.0
    return _fitted(soxr.resample(decoded.astype(np.float32), 8000, RATE_HZ), len(samples))


def saturated(samples: Float32, rng: np.random.Generator) -> Float32:
    """Too loud for the microphone, softly or hard."""
    drive = float(rng.uniform(1.5, 8.0))
    loud = samples * drive
    bent: Float32 = (np.tanh(loud) if rng.random() < 0.5 else np.clip(loud, -0.7, 0.7)).astype(
        np.float32
    )
    return bent


_STEPS: dict[str, Callable[[Float32, np.random.Generator], Float32]] = {
    "room": room,
    "telephone": telephone,
    "saturated": saturated,
}


def coded(voices: Sequence[Float32], codec: str) -> list[Float32]:
    """Many utterances through a real encoder and decoder at once, by the program ffmpeg."""
    if not voices:
        return []
    gap = np.zeros(RATE_HZ // 5, dtype=np.float32)
    joined = np.concatenate([part for voice in voices for part in (voice, gap)])
    raw = ("-f", "f32le", "-ar", str(RATE_HZ), "-ac", "1")
    quiet = ("ffmpeg", "-v", "error")
    options = CODECS[codec]
    made = subprocess.run(
        [*quiet, *raw, "-i", "-", *options, "-"],
        input=joined.tobytes(),
        capture_output=True,
        check=True,
    ).stdout
    back = subprocess.run(
        [*quiet, "-f", options[-1], "-i", "-", *raw, "-"],
        input=made,
        capture_output=True,
        check=True,
    ).stdout
    decoded = _fitted(np.frombuffer(back, dtype=np.float32), len(joined) + RATE_HZ)
    decoded = np.roll(decoded, -_delay(joined, decoded))
    starts = np.cumsum([0, *(len(voice) + len(gap) for voice in voices)])
    return [
        decoded[start : start + len(voice)] for start, voice in zip(starts, voices, strict=False)
    ]


def _delay(before: Float32, after: Float32) -> int:
    """Samples by which a codec is late (or early), from the first 20 s."""
    window = 20 * RATE_HZ
    likeness = signal.correlate(after[:window], before[:window], method="fft")
    return int(np.argmax(likeness)) - (min(window, len(before)) - 1)


def _fitted(samples: Float32, count: int) -> Float32:
    """Cut or filled with silence to this many."""
    fitted = np.zeros(count, dtype=np.float32)
    fitted[: min(count, len(samples))] = samples[:count]
    return fitted
