"""What is rendered: portraits, voices, and sounds made for one question.

Flow      ../shared/samples, the demo, synthesis -> inputs -> Studio, mouth
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import wavfile
from scipy.signal import lfilter

from benchmarks.speed import demo_portrait, demo_voice, looped
from portravox.arrays import Float32, Float64
from portravox.clock import sample_count
from portravox.media.voice_file import read_voice
from portravox.media.waveform import Waveform

ASTRONAUT = "astronaut"
STEADY_PORTRAIT = "man_stubble_frontal_closed_mouth.jpg"
"""From the front, lips closed, eyes open: where the tracker is at its best."""

RATE_HZ = 16_000


@dataclass(frozen=True, slots=True)
class Inputs:
    """Where the samples are and where files made for a run go."""

    samples: Path
    folder: Path

    @property
    def has_samples(self) -> bool:
        return (self.samples / "portraits").is_dir()

    def portrait(self, name: str) -> Path:
        """A sample by its file name, or the astronaut."""
        if name != ASTRONAUT:
            return self.samples / "portraits" / name
        path = self.folder / f"{ASTRONAUT}.png"
        if not path.exists():
            Image.fromarray(demo_portrait()).save(path)
        return path

    def portraits(self) -> tuple[str, ...]:
        """Names of all there are."""
        found = sorted(path.name for path in (self.samples / "portraits").glob("*"))
        return (ASTRONAUT, *found)

    def steady_portrait(self) -> str:
        """The one most measures are made on."""
        there = (self.samples / "portraits" / STEADY_PORTRAIT).exists()
        return STEADY_PORTRAIT if there else ASTRONAUT

    def voice(self, name: str, duration_s: float, begin_s: float = 0.0) -> Path:
        """A sample voice, or the demo's where it is absent, cut or repeated to that length."""
        source = self.samples / "voices" / name
        path = self.folder / f"{source.stem}_{begin_s:g}_{duration_s:g}.wav"
        if not path.exists():
            whole = read_voice(source) if source.exists() else demo_voice()
            first = sample_count(begin_s, whole.rate_hz)
            rest = Waveform(whole.samples[first:], whole.rate_hz)
            write_wav(path, looped(rest, duration_s))
        return path

    def made(self, name: str, voice: Waveform) -> Path:
        """A sound of our own, as a file."""
        path = self.folder / f"{name}.wav"
        write_wav(path, voice)
        return path


def write_wav(path: Path, voice: Waveform) -> None:
    """16 bits."""
    samples = np.rint(np.clip(voice.samples, -1.0, 1.0) * 32767.0).astype(np.int16)
    wavfile.write(path, voice.rate_hz, samples)


def with_pause(voice: Waveform, at_s: float, pause_s: float, noise_dbfs: float) -> Waveform:
    """The voice, broken off for a pause with nothing but faint noise in it."""
    at = sample_count(at_s, voice.rate_hz)
    count = sample_count(pause_s, voice.rate_hz)
    noise = np.random.default_rng(0).normal(0.0, 10 ** (noise_dbfs / 20), (count, 1))
    quiet = np.repeat(noise.astype(np.float32), voice.samples.shape[1], axis=1)
    ramp = np.linspace(1.0, 0.0, sample_count(0.02, voice.rate_hz), dtype=np.float32)[:, None]
    before, after = voice.samples[:at].copy(), voice.samples[at:].copy()
    before[-len(ramp) :] *= ramp
    after[: len(ramp)] *= ramp[::-1]
    return Waveform(np.concatenate([before, quiet, after]), voice.rate_hz)


@dataclass(frozen=True, slots=True, eq=False)
class Syllables:
    """A made voice that says pa-pa-pa."""

    voice: Waveform

    bursts_s: Float64
    """(B,) when the lips part; they are shut for CLOSURE_S before."""

    vowels_s: Float64
    """(B,) the middle of each vowel."""


CLOSURE_S, BURST_S, VOWEL_S = 0.10, 0.012, 0.20
"""Of one syllable: Loefqvist gives 100 to 150 ms for a long closure; the rest is our choice."""

_FORMANTS_HZ = np.array([750.0, 1200.0, 2500.0, 3400.0])
_LOCUS_HZ = np.array([350.0, 850.0, 2200.0, 3300.0])
"""An /a/, and where its formants come from and go to when the lips are shut."""

_BANDWIDTHS_HZ = np.array([80.0, 90.0, 140.0, 200.0])


def pa_pa_pa(count: int = 10, pitch_hz: float = 120.0) -> Syllables:
    """So many syllables /pa/, half a second of silence before and after.

    A row of pulses through four resonances that glide from their lip locus to the vowel and back
    within 40 ms; a burst of noise where the lips part. Nothing sounds in the closure.
    """
    rng = np.random.default_rng(0)
    period_s = CLOSURE_S + BURST_S + VOWEL_S
    total = sample_count(1.0 + count * period_s, RATE_HZ)
    samples = rng.normal(0.0, 1e-4, total)
    starts_s: Float64 = (0.5 + period_s * np.arange(count)).astype(np.float64)
    for start_s in starts_s:
        burst = sample_count(start_s + CLOSURE_S, RATE_HZ)
        length = sample_count(BURST_S, RATE_HZ)
        samples[burst : burst + length] += rng.normal(0.0, 0.08, length) * np.hanning(length)
        vowel = _vowel(pitch_hz)
        samples[burst + length : burst + length + len(vowel)] += vowel
    bursts_s = starts_s + CLOSURE_S
    signal = (0.5 * samples / np.abs(samples).max()).astype(np.float32)
    return Syllables(Waveform(signal[:, None], RATE_HZ), bursts_s, bursts_s + BURST_S + VOWEL_S / 2)


def _vowel(pitch_hz: float) -> Float64:
    """(N,) one vowel with its glides."""
    count = sample_count(VOWEL_S, RATE_HZ)
    times_s = np.arange(count) / RATE_HZ
    pulses = np.diff(np.floor(times_s * pitch_hz), prepend=0.0)
    open_share = np.clip(np.minimum(times_s, VOWEL_S - times_s) / 0.04, 0.0, 1.0)
    sound = np.zeros(count)
    block = sample_count(0.005, RATE_HZ)
    states = [np.zeros(2) for _ in _FORMANTS_HZ]
    for first in range(0, count, block):
        part = pulses[first : first + block]
        share = open_share[min(first + block // 2, count - 1)]
        centres_hz = _LOCUS_HZ + share * (_FORMANTS_HZ - _LOCUS_HZ)
        for i, (centre_hz, width_hz) in enumerate(zip(centres_hz, _BANDWIDTHS_HZ, strict=True)):
            radius = np.exp(-np.pi * width_hz / RATE_HZ)
            turn = 2 * np.pi * centre_hz / RATE_HZ
            poles = [1.0, -2 * radius * np.cos(turn), radius**2]
            part, states[i] = lfilter([sum(poles)], poles, part, zi=states[i])
        sound[first : first + block] = part
    envelope: Float64 = np.clip(np.minimum(times_s / 0.015, (VOWEL_S - times_s) / 0.02), 0.0, 1.0)
    return sound * envelope


def envelope_db(voice: Waveform, rate_hz: int = 100) -> tuple[Float64, Float64]:
    """Loudness over time: (T,) dB against the 95th percentile, not below -35; (T,) seconds.

    Mean power in windows of 40 ms: the plainest method there is.
    """
    power: Float32 = voice.mono() ** 2
    window = sample_count(0.04, voice.rate_hz)
    smooth = np.convolve(power, np.hanning(window + 2)[1:-1] / ((window + 1) / 2), "same")
    times_s = np.arange(0.0, voice.duration_s, 1.0 / rate_hz)
    at = np.minimum((times_s * voice.rate_hz).astype(np.int64), len(smooth) - 1)
    level = 10.0 * np.log10(np.maximum(smooth[at], 1e-12))
    return np.maximum(level - np.percentile(level, 95.0), -35.0), times_s
