"""How well the curves follow real speech: English with phone times, and talking faces.

Flow      ../shared/samples/{aligned_english,talking} -> articulation.from_voice -> tables
Gives     per set: aperture correlation, closure recall and precision, f/v recall, rounding AUC;
          per face: correlation with the measured opening of the lips and of the jaw

    python -m benchmarks.articulation [SAMPLES] [--faces]

The phone times come from forced alignment and are wrong by 20-50 ms themselves, and lips do much
that cannot be heard: the figures compare versions of our ears with each other; none can reach 1.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.io import wavfile

from benchmarks.tracking import track_video
from portravox.arrays import Float64
from portravox.articulation.curves import CURVE_RATE_HZ, ArticulationCurves
from portravox.articulation.from_voice import articulate
from portravox.clock import frame_times
from portravox.media.probe import probe_video, read_sound
from portravox.media.waveform import Waveform
from portravox.speech.stretches import stretches

Phone = tuple[str, float, float]
"""ARPAbet name without stress, start and end in seconds."""

SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "samples"

TOLERANCE_S = 0.04
"""How far a closure may lie from its phone: the alignment is not better than that."""

OPENNESS = {
    # vowels by height, as in the chart of the International Phonetic Association
    **dict.fromkeys(("AA", "AE", "AY", "AW"), 0.9),
    **dict.fromkeys(("AH", "EH", "AO", "OY"), 0.65),
    **dict.fromkeys(("EY", "OW", "ER", "IH"), 0.45),
    **dict.fromkeys(("IY", "UH"), 0.32),
    "UW": 0.18,
    # consonants by how far they keep the lips apart; our choice
    **dict.fromkeys(("HH", "K", "G", "NG", "L"), 0.35),
    **dict.fromkeys(("T", "D", "N", "TH", "DH", "Y", "R"), 0.25),
    **dict.fromkeys(("S", "Z", "SH", "ZH", "CH", "JH"), 0.2),
    "W": 0.1,
    **dict.fromkeys(("F", "V"), 0.1),
    **dict.fromkeys(("P", "B", "M"), 0.0),
}
"""Expected aperture of a phone; SIL and unknown: 0."""

BILABIAL = ("P", "B", "M")
LABIODENTAL = ("F", "V")
ROUNDED = ("UW", "UH", "OW", "AO", "W")
SPREAD = ("IY", "IH", "EY", "EH", "AE")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One aligned recording."""

    name: str
    band: str
    phones: tuple[Phone, ...]
    voice: Waveform


def read_sentences(samples: Path) -> Iterator[Sentence]:
    """All aligned recordings, in the order of their file names."""
    folder = samples / "aligned_english"
    alignments = json.loads((folder / "alignments.json").read_text())
    for name, entry in sorted(alignments.items()):
        rate_hz, samples_int16 = wavfile.read(folder / name)
        voice = Waveform((samples_int16.astype(np.float32) / 32768.0)[:, np.newaxis], rate_hz)
        phones = tuple((p.rstrip("012"), float(a), float(b)) for p, a, b in entry["phones"])
        yield Sentence(name, entry["set"], phones, voice)


def expected_aperture(phones: tuple[Phone, ...], count: int) -> Float64:
    """(T,) openness of the phone at each row, blended over 80 ms."""
    target = np.zeros(count)
    for phone, start_s, end_s in phones:
        rows = slice(round(start_s * CURVE_RATE_HZ), round(end_s * CURVE_RATE_HZ))
        target[rows] = OPENNESS.get(phone, 0.0)
    bell = np.hanning(10)[1:-1]
    return np.convolve(target, bell / bell.sum(), "same")


@dataclass(slots=True)
class Score:
    """Counts over all sentences of one set."""

    correlations: list[float] = field(default_factory=list)
    weights: list[int] = field(default_factory=list)
    bilabials: int = 0
    bilabials_found: int = 0
    closures: int = 0
    closures_true: int = 0
    labiodentals: int = 0
    labiodentals_found: int = 0
    rounded: list[float] = field(default_factory=list)
    """Rounding less spread in the middle of each rounded vowel."""
    spread: list[float] = field(default_factory=list)
    """The same in each spread vowel."""
    pause_aperture: list[float] = field(default_factory=list)
    speech_aperture: list[float] = field(default_factory=list)
    activity_in_speech: list[float] = field(default_factory=list)
    activity_in_pause: list[float] = field(default_factory=list)
    speech_s: float = 0.0
    work_s: float = 0.0

    def add(self, sentence: Sentence, curves: ArticulationCurves, work_s: float) -> None:
        """Take one sentence into the counts."""
        phones = sentence.phones
        aperture = curves["aperture"]
        count = len(aperture)
        spoken = [p for p in phones if p[0] != "SIL"]
        first = max(0, round((spoken[0][1] - 0.1) * CURVE_RATE_HZ))
        last = min(count, round((spoken[-1][2] + 0.1) * CURVE_RATE_HZ))
        target = expected_aperture(phones, count)
        if aperture[first:last].std() > 0.0:
            r = float(np.corrcoef(aperture[first:last], target[first:last])[0, 1])
        else:
            r = 0.0
        self.correlations.append(r)
        self.weights.append(last - first)
        self.speech_s += sentence.voice.duration_s
        self.work_s += work_s
        self._count_closures(phones, curves)
        for phone, start_s, end_s in phones:
            rows = slice(round(start_s * CURVE_RATE_HZ), round(end_s * CURVE_RATE_HZ))
            middle = min(count - 1, round((start_s + end_s) / 2 * CURVE_RATE_HZ))
            if phone in ROUNDED:
                self.rounded.append(float(curves["rounding"][middle] - curves["spread"][middle]))
            elif phone in SPREAD:
                self.spread.append(float(curves["rounding"][middle] - curves["spread"][middle]))
            elif phone in LABIODENTAL:
                self.labiodentals += 1
                self.labiodentals_found += bool((curves["labiodental"][rows] >= 0.5).any())
            if phone != "SIL":
                self.speech_aperture.extend(aperture[rows].tolist())
                self.activity_in_speech.extend(curves["activity"][rows].tolist())
            elif end_s - start_s > 0.5:
                inner = slice(rows.start + 20, rows.stop - 20)
                self.pause_aperture.extend(aperture[inner].tolist())
                self.activity_in_pause.extend(curves["activity"][inner].tolist())

    def _count_closures(self, phones: tuple[Phone, ...], curves: ArticulationCurves) -> None:
        shut = curves["closure"] >= 0.5
        allowed = np.zeros_like(shut)
        pause = np.zeros_like(shut)
        reach = round(TOLERANCE_S * CURVE_RATE_HZ)
        for phone, start_s, end_s in phones:
            start, end = round(start_s * CURVE_RATE_HZ), round(end_s * CURVE_RATE_HZ)
            around = slice(max(0, start - reach), end + reach)
            if phone in BILABIAL:
                allowed[around] = True
                self.bilabials += 1
                self.bilabials_found += bool(shut[around].any())
            elif phone == "SIL" and end_s - start_s > 0.05:
                pause[around] = True
        for contact in stretches(shut):
            if not pause[contact].any():
                self.closures += 1
                self.closures_true += bool(allowed[contact].any())

    def figures(self) -> dict[str, float]:
        """Name -> value, in the order of the table."""
        recall = self.bilabials_found / max(1, self.bilabials)
        precision = self.closures_true / max(1, self.closures)
        rounded, spread = np.array(self.rounded), np.array(self.spread)
        return {
            "aperture r": float(np.average(self.correlations, weights=self.weights)),
            "closure recall": recall,
            "precision": precision,
            "F1": 2.0 * recall * precision / max(1e-9, recall + precision),
            "f/v recall": self.labiodentals_found / max(1, self.labiodentals),
            "rounding AUC": float((rounded[:, np.newaxis] > spread).mean()),
            "aperture median": float(np.median(self.speech_aperture)),
            "aperture p90": float(np.percentile(self.speech_aperture, 90.0)),
            "aperture in pauses": float(np.mean(self.pause_aperture or [math.nan])),
            "activity in speech": float(np.mean(self.activity_in_speech)),
            "activity in pauses": float(np.mean(self.activity_in_pause or [math.nan])),
            "real-time factor": self.work_s / self.speech_s,
        }


def score(samples: Path) -> dict[str, Score]:
    """Band -> counts, over all aligned recordings."""
    scores: dict[str, Score] = {}
    for sentence in read_sentences(samples):
        begin_s = time.perf_counter()
        curves = articulate(sentence.voice)
        work_s = time.perf_counter() - begin_s
        scores.setdefault(sentence.band, Score()).add(sentence, curves, work_s)
    return scores


@dataclass(frozen=True, slots=True)
class FaceScore:
    """Correlation over the frames of one clip, sound and picture as the file has them."""

    name: str
    aperture: float
    """Of aperture with the gap between the inner lips."""

    jaw: float
    """Of jaw with the distance from nose to chin."""

    loudness: float
    """Of loudness with the lip gap: what the plainest ears would reach."""


def score_faces(samples: Path) -> Iterator[FaceScore]:
    """Every talking head among the samples."""
    for path in sorted((samples / "talking").glob("*.mp4")):
        lips, jaw = measured_mouth(path)
        curves = articulate(read_sound(path))
        # a frame shows what happens from its time to the next frame's
        times_s = frame_times(len(lips), round(probe_video(path).fps))
        times_s = times_s + 0.5 * (times_s[1] - times_s[0])
        yield FaceScore(
            path.stem,
            aperture=_correlation(curves, "aperture", times_s, lips),
            jaw=_correlation(curves, "jaw", times_s, jaw),
            loudness=_correlation(curves, "loudness", times_s, lips),
        )


def _correlation(
    curves: ArticulationCurves, channel: str, times_s: Float64, measure: Float64
) -> float:
    blurred = np.convolve(curves[channel], FRAME_BELL, "same")
    return float(np.corrcoef(np.interp(times_s, curves.times_s, blurred), measure)[0, 1])


FRAME_BELL = np.hanning(8)[1:-1] / np.hanning(8)[1:-1].sum()
"""What a camera at 25 frames a second blurs together, about."""

NOSE, CHIN = 1, 152
"""Landmarks of the face mesh."""


def measured_mouth(path: Path) -> tuple[Float64, Float64]:
    """(T,) lip gap and (T,) nose to chin, both over the distance of the outer eye corners."""
    track = track_video(path)
    drop = np.linalg.norm(track.landmarks[:, NOSE] - track.landmarks[:, CHIN], axis=1)
    return track.lip_opening, drop.astype(np.float64) / track.eye_distance_px


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("samples", type=Path, nargs="?", default=SAMPLES)
    parser.add_argument("--faces", action="store_true", help="also the talking heads (two minutes)")
    wanted = parser.parse_args()
    columns = {band: s.figures() for band, s in score(wanted.samples).items()}
    print(f"{'':20s}" + "".join(f"{band:>16s}" for band in columns))
    for name in next(iter(columns.values())):
        print(f"{name:20s}" + "".join(f"{column[name]:16.3f}" for column in columns.values()))
    if wanted.faces:
        scores = list(score_faces(wanted.samples))
        print(f"\n{'':40s}{'aperture r':>12s}{'jaw r':>12s}{'loudness r':>12s}")
        for face in scores:
            print(f"{face.name:40s}{face.aperture:12.3f}{face.jaw:12.3f}{face.loudness:12.3f}")
        means = np.mean([(face.aperture, face.jaw, face.loudness) for face in scores], axis=0)
        print(f"{'mean':40s}" + "".join(f"{mean:12.3f}" for mean in means))


if __name__ == "__main__":
    main()
