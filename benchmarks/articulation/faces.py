"""Talking heads: the curves beside the lips of those who spoke.

Flow      ../shared/samples/talking -> benchmarks.tracking, baselines -> faces -> Part
Gives     per clip and method: correlation of aperture and jaw with the measured ones

The curves are blurred as a camera blurs, and read at the middle of the time each frame stays.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.articulation import sphinx
from benchmarks.articulation.baselines import Answer, of_phones
from benchmarks.articulation.bench import Bench
from benchmarks.probe import read_sound
from benchmarks.quality.chapter import Check, Part, Row
from benchmarks.tracking import track_video
from portravox.arrays import Float32, Float64
from portravox.articulation.curves import CURVE_RATE_HZ
from portravox.media.waveform import Waveform
from portravox.speech.resample import speech_samples

NOSE, CHIN = 1, 152
"""Landmarks of the face mesh."""

FRAME_BELL = np.hanning(8)[1:-1] / np.hanning(8)[1:-1].sum()
"""What a camera at 25 frames a second blurs together, about."""

LARGEST_LAG_S, LAG_STEP_S = 0.16, 0.01

STUDIO = "talk_grid_"
"""File names of the recordings made in a studio: frontal, one sentence, sound and picture exactly
together. What was said, word by word:"""

STUDIO_TEXTS = {
    "talk_grid_man_dark_hair_3s": "bin blue at f two now",
    "talk_grid_man_dark_skin_moustache_3s": "set white in z three now",
    "talk_grid_man_grey_hair_3s": "place white in j three please",
    "talk_grid_woman_grey_curls_3s": "lay white by s zero again",
    "talk_grid_woman_long_hair_3s": "bin red by k seven now",
}

MEAN_GOAL, STUDIO_GOAL = 0.50, 0.70

DRAWS = 10_000
"""Of clips with replacement, for the interval of a difference."""


@dataclass(frozen=True, slots=True, eq=False)
class TalkingClip:
    """A person who speaks, measured."""

    name: str
    voice: Waveform
    fps: float
    lips: Float64
    """(T,) gap between the inner lips, over the distance of the outer eye corners."""
    jaw: Float64
    """(T,) nose to chin, over the same."""

    @property
    def times_s(self) -> Float64:
        """(T,) the middle of the time each frame is shown."""
        middles: Float64 = ((np.arange(len(self.lips)) + 0.5) / self.fps).astype(np.float64)
        return middles


@dataclass(frozen=True, slots=True)
class FaceScore:
    """Correlations over the frames of one clip."""

    aperture: float
    """Of the aperture with the lip gap, sound and picture as the file has them."""
    best: float
    """The largest within LARGEST_LAG_S."""
    best_lag_s: float
    """Where that is; positive: the face comes after the curve."""
    jaw: float
    """Of the jaw with the distance from nose to chin."""


def read_clips(samples: Path, cache: Path) -> list[TalkingClip]:
    """All talking heads; the tracked faces are kept in the folder `cache`."""
    return [read_clip(path, cache) for path in sorted((samples / "talking").glob("*.mp4"))]


def read_clip(path: Path, cache: Path) -> TalkingClip:
    """One talking head."""
    kept = cache / f"{path.stem}.npz"
    if not kept.exists():
        track = track_video(path)
        drop = np.linalg.norm(track.landmarks[:, NOSE] - track.landmarks[:, CHIN], axis=1)
        jaw = drop.astype(np.float64) / track.eye_distance_px
        cache.mkdir(parents=True, exist_ok=True)
        np.savez(kept, lips=track.lip_opening, jaw=jaw, fps=track.fps)
    with np.load(kept) as measured:
        return TalkingClip(
            path.stem, read_sound(path), float(measured["fps"]), measured["lips"], measured["jaw"]
        )


def score_face(clip: TalkingClip, answer: Answer) -> FaceScore:
    """One method on one clip."""
    count = round(LARGEST_LAG_S / LAG_STEP_S)
    lags_s = np.arange(-count, count + 1) * LAG_STEP_S
    rs = [_correlation(answer, "aperture", clip.times_s - lag, clip.lips) for lag in lags_s]
    best = int(np.argmax(rs))
    jaw = _correlation(answer, "jaw", clip.times_s, clip.jaw)
    return FaceScore(rs[count], rs[best], float(lags_s[best]), jaw)


def at_frames(curve: Float32, times_s: Float64) -> Float64:
    """(F,) a curve as a camera would see it at these moments.

    curve  (T,) in rows of 10 ms
    """
    blurred = np.convolve(curve, FRAME_BELL, "same")
    curve_s = (np.arange(len(blurred)) + 0.5) / CURVE_RATE_HZ
    seen: Float64 = np.interp(times_s, curve_s, blurred)
    return seen


def studio_oracle(clip: TalkingClip) -> Answer | None:
    """Targets of the words laid on a studio recording; None where they are not known."""
    text = STUDIO_TEXTS.get(clip.name)
    if text is None or not sphinx.there_is_sphinx():
        return None
    words = [sphinx.dictionary()[word] for word in text.split()]
    found = sphinx.aligned(speech_samples(clip.voice), words)
    return of_phones(found.phones, clip.voice) if found else None


def difference(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float, float]:
    """Mean of ours less theirs over the clips, and its interval of 95 % by bootstrap."""
    apart = np.array(ours) - np.array(theirs)
    draws = np.random.default_rng(0).choice(apart, (DRAWS, len(apart))).mean(axis=1)
    low, high = np.percentile(draws, (2.5, 97.5))
    return float(apart.mean()), float(low), float(high)


def talking_faces(bench: Bench) -> list[Part]:
    """Every talking head among the samples."""
    about = (
        "Correlation of the aperture with the gap between the speaker's lips, frame by frame, "
        "sound and picture as the file has them; 'best' at the best shift within 160 ms. The "
        "oracle draws the known words of the studio clips, aligned by PocketSphinx, with our "
        "targets. Lips do much that makes no sound, and some of the other clips may not be in "
        "sync: nobody can reach 1."
    )
    clips = read_clips(bench.samples, bench.cache / "faces")
    if bench.quick:
        clips = [clip for clip in clips if clip.name.startswith(STUDIO)]
    if not clips:
        missing = "the recordings of people (samples/talking) are not there"
        return [Part("faces", "Talking heads", about, skipped=missing)]
    scores = {
        name: [score_face(clip, method(clip.voice)) for clip in clips]
        for name, method in bench.methods.items()
    }
    oracles = [studio_oracle(clip) for clip in clips]
    nothing = FaceScore(math.nan, math.nan, math.nan, math.nan)
    scores["oracle"] = [
        score_face(clip, answer) if answer else nothing
        for clip, answer in zip(clips, oracles, strict=True)
    ]
    return [_correlations(clips, scores, about), _differences(clips, scores)]


def _correlations(
    clips: Sequence[TalkingClip], scores: dict[str, list[FaceScore]], about: str
) -> Part:
    studio = [i for i, clip in enumerate(clips) if clip.name.startswith(STUDIO)]
    rows: list[Row] = []
    for label, figure in (
        ("r", "aperture"),
        ("best r", "best"),
        ("at ms", "best_lag_s"),
        ("jaw r", "jaw"),
    ):
        scale = 1000.0 if figure == "best_lag_s" else 1.0
        table = np.array(
            [[getattr(s, figure) * scale for s in column] for column in scores.values()]
        )
        rows += [(f"{clip.name}, {label}", *table[:, i].tolist()) for i, clip in enumerate(clips)]
        rows.append((f"studio mean, {label}", *table[:, studio].mean(axis=1).tolist()))
        rows.append((f"mean, {label}", *table.mean(axis=1).tolist()))
    ours = [score.aperture for score in next(iter(scores.values()))]
    wanted = [("studio mean r", float(np.mean([ours[i] for i in studio])), STUDIO_GOAL)]
    if len(studio) < len(clips):  # a quick look sees the studio alone
        wanted.append(("mean r", float(np.mean(ours)), MEAN_GOAL))
    return Part(
        "faces",
        "Talking heads",
        about,
        ("clip", *scores),
        tuple(rows),
        tuple(
            Check(f"{name} {r:.2f} (wanted ≥ {goal:.2f})", r >= goal) for name, r, goal in wanted
        ),
    )


def _differences(clips: Sequence[TalkingClip], scores: dict[str, list[FaceScore]]) -> Part:
    about = (
        f"Mean over {len(clips)} clips of our r less that of each baseline, with the interval "
        f"that holds 95 % of {DRAWS} draws of the clips with replacement."
    )
    ours, *others = (name for name in scores if name != "oracle")
    own = [score.aperture for score in scores[ours]]
    rows: list[Row] = []
    for name in others:
        theirs = [score.aperture for score in scores[name]]
        better = sum(a > b for a, b in zip(own, theirs, strict=True))
        rows.append((name, *difference(own, theirs), better))
    columns = ("beside", "ours better by", "from", "to", "clips won")
    return Part("faces_differences", "Talking heads, differences", about, columns, tuple(rows))


def _correlation(answer: Answer, channel: str, times_s: Float64, measured: Float64) -> float:
    seen = at_frames(answer.curves[channel], times_s)
    if seen.std() < 1e-6:
        return 0.0
    return float(np.corrcoef(seen, measured)[0, 1])
