"""By sound: how far people part their lips in each sound, and how far ours part.

Flow      faces.TalkingClip, acoustic output, ArticulationCurves -> by_sound -> Part
Reads     the lip gap of each frame, and what our network takes the sound for
Gives     mean openings of each class of phones, people's and ours; percentiles of both

Only the studio's clips have a text, so the sounds are those that the network finds, each frame
divided among the classes by their probabilities. Openings are in shares of the clip's own 95th
percentile. 'Left' is what remains after ours are brought to people's by one scale and one shift
for each clip: what a sound gets wrong, not how far somebody opens the mouth in general.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.articulation.bench import Bench
from benchmarks.articulation.faces import TalkingClip, at_frames, read_clips
from benchmarks.quality.chapter import Part, Row
from portravox.arrays import Float64
from portravox.articulation.acoustic_model import infer
from portravox.articulation.from_voice import curves_from_features
from portravox.articulation.phones import PHONE_CLASSES, SILENCE
from portravox.segments import segments
from portravox.speech.features import speech_features

ENOUGH_FRAMES = 3.0
"""Of a class, over all clips; with fewer it says nothing."""

PAUSE_S = (0.12, 0.9)

PERCENTILES = (10.0, 25.0, 50.0, 75.0, 90.0)
SPOKEN = 0.5

ABOUT = (
    "Talking heads, all of them: mean opening of the lips in each sound, people's and ours, as "
    "shares of the clip's 95th percentile; 'left' after one scale and one shift for each clip. "
    "Then percentiles of the opening in speech over its 90th, means of the clips, and the median "
    "opening in each pause between two phrases of a clip, of 0.12 to 0.9 s."
)


@dataclass(frozen=True, slots=True, eq=False)
class SoundsOfClip:
    """The frames of one clip."""

    people: Float64
    """(F,) opening, in 95th percentiles."""
    ours: Float64
    """(F,) our aperture."""
    left: Float64
    """(F,) people's less ours, scaled and shifted to fit."""
    classes: Float64
    """(F, 34) probability of each class, 0 where nobody speaks."""
    spoken: Float64
    """(F,) activity."""


def openings_by_sound(bench: Bench) -> list[Part]:
    """One part: a row for each sound that is there often enough."""
    clips = read_clips(bench.samples, bench.cache / "faces")
    title = "Talking heads, by sound"
    if not clips:
        missing = "the recordings of people (samples/talking) are not there"
        return [Part("sounds", title, ABOUT, skipped=missing)]
    sounds = [sounds_of(clip) for clip in clips]
    columns = ("sound", "frames", "people", "ours", "left")
    pauses = [
        row for clip, found in zip(clips, sounds, strict=True) for row in _pauses(clip, found)
    ]
    return [Part("sounds", title, ABOUT, columns, (*_by_class(sounds), *_spread(sounds), *pauses))]


def sounds_of(clip: TalkingClip) -> SoundsOfClip:
    """People's lips and ours, frame by frame."""
    features = speech_features(clip.voice)
    acoustic = infer(features.log_mel)
    curves = curves_from_features(features, acoustic=acoustic)
    spoken = at_frames(curves["activity"], clip.times_s)
    classes = np.stack([at_frames(column, clip.times_s) for column in acoustic.classes.T], axis=1)
    people = clip.lips / np.percentile(clip.lips, 95.0)
    ours = at_frames(curves["aperture"], clip.times_s)
    scale, shift = np.polyfit(ours, people, 1)
    left = people - (scale * ours + shift)
    return SoundsOfClip(people, ours, left, classes * spoken[:, np.newaxis], spoken)


def _by_class(sounds: Sequence[SoundsOfClip]) -> list[Row]:
    rows: list[Row] = []
    classes = np.concatenate([clip.classes for clip in sounds])
    columns = [
        np.concatenate([getattr(clip, name) for clip in sounds])
        for name in ("people", "ours", "left")
    ]
    for index, name in enumerate(PHONE_CLASSES):
        weights = classes[:, index]
        frames = float(weights.sum())
        if name != SILENCE and frames >= ENOUGH_FRAMES:
            means = [float(np.average(column, weights=weights)) for column in columns]
            rows.append((name, frames, *means))
    return rows


def _spread(sounds: Sequence[SoundsOfClip]) -> list[Row]:
    def shares(openings: Float64, clip: SoundsOfClip) -> Float64:
        values = np.percentile(openings[clip.spoken > SPOKEN], PERCENTILES)
        found: Float64 = values / values[-1]
        return found

    people = np.mean([shares(clip.people, clip) for clip in sounds], axis=0)
    ours = np.mean([shares(clip.ours, clip) for clip in sounds], axis=0)
    return [
        (f"percentile {percent:.0f}", float("nan"), float(a), float(b), float(a - b))
        for percent, a, b in zip(PERCENTILES, people, ours, strict=True)
    ]


def _pauses(clip: TalkingClip, sounds: SoundsOfClip) -> list[Row]:
    rows: list[Row] = []
    silent = segments(sounds.spoken < SPOKEN)
    for pause in silent:
        length_s = (pause.stop - pause.start) / clip.fps
        inside = pause.start > 0 and pause.stop < len(sounds.spoken)
        if inside and PAUSE_S[0] <= length_s <= PAUSE_S[1]:
            people, ours = (float(np.median(x[pause])) for x in (sounds.people, sounds.ours))
            name = f"pause {clip.name} at {pause.start / clip.fps:.1f} s"
            rows.append((name, float(pause.stop - pause.start), people, ours, people - ours))
    return rows
