"""Recordings of people, and our own video of the same person saying the same.

Flow      ../shared/samples/talking, Studio -> people -> Part
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.quality.chapter import Check, Part, Row
from benchmarks.quality.inputs import envelope_db, write_wav
from benchmarks.quality.measures import jitter, likeness, spread
from benchmarks.quality.studio import Studio, Take
from benchmarks.tracking import Track, track_video
from portravox.articulation.from_voice import articulate
from portravox.media.probe import read_frames, read_sound

NO_TALKING = "the recordings of people (samples/talking) are not there"


def talking_clips(studio: Studio) -> list[Path]:
    """Recordings of people speaking."""
    return sorted((studio.inputs.samples / "talking").glob("*.mp4"))


@cache
def real_track(path: Path) -> Track:
    """The person in a recording, followed once per run."""
    return track_video(path)


def redone(studio: Studio, clip: Path) -> Take:
    """A recording's first frame, animated with its sound."""
    folder = studio.inputs.folder
    portrait, voice = folder / f"{clip.stem}.png", folder / f"{clip.stem}.wav"
    if not portrait.exists():
        Image.fromarray(next(iter(read_frames(clip)))).save(portrait)
        write_wav(voice, read_sound(clip))
    return studio.take(f"redone_{clip.stem}", portrait, voice)


def likeness_to_people(studio: Studio) -> Part:
    """Our lips beside the real speaker's: same sound, first frame as the portrait."""
    clips = talking_clips(studio)
    columns = (
        "clip",
        "r of our lips",
        "best r",
        "at ms",
        "r of loudness",
        "best r of loudness",
        "r of the aperture curve",
        "opening p95−p5, person",
        "ours",
    )
    about = (
        "Correlation of the lip opening in our video with that of the person in the recording. "
        "Beside it what loudness alone reaches, and our aperture curve before it is drawn. "
        "Positive ms: our lips move later than the person's. The mouth in the first frame, "
        "breaths and smiles are not in the sound: nobody can reach 1."
    )
    if not clips:
        return Part("likeness", "Beside people", about, skipped=NO_TALKING)
    rows: list[Row] = []
    for path in clips[:3] if studio.quick else clips:
        take, person = redone(studio, path), real_track(path)
        real, real_s = person.lip_opening, person.times_s
        ours, ours_s = take.track.lip_opening, take.track.times_s
        sound = read_sound(path)
        level, level_s = envelope_db(sound)
        curves = articulate(sound)
        lips = likeness(real, real_s, ours, ours_s)
        loud = likeness(real, real_s, level, level_s)
        ears = likeness(real, real_s, curves["aperture"].astype(np.float64), curves.times_s)
        rows.append(
            (
                path.stem,
                lips.r,
                lips.best_r,
                1000 * lips.lag_s,
                loud.r,
                loud.best_r,
                ears.r,
                spread(real),
                spread(ours),
            )
        )
    numbers = np.array([row[1:] for row in rows], np.float64)
    rows.append(("mean", *numbers.mean(axis=0).tolist()))
    lips_r, loud_r = numbers[:, 0].mean(), numbers[:, 3].mean()
    return Part(
        "likeness",
        "Beside people",
        about,
        columns,
        tuple(rows),
        (
            Check(
                f"lips {lips_r:.2f} beat loudness {loud_r:.2f} on the mean", bool(lips_r > loud_r)
            ),
        ),
    )


def steadiness(studio: Studio) -> Part:
    """Trembling of the head in still moments, beside people's."""
    clips = talking_clips(studio)
    about = (
        "How far points on the skull stand off the straight line between the frames before and "
        "after, in the stillest third of the frames, in thousandths of the face's width. 'Shape' "
        "is what remains without the head's own shift, turn and scale. The tracker's noise is in "
        "all."
    )
    if not clips:
        return Part("steadiness", "Steadiness", about, skipped=NO_TALKING)
    rows: list[Row] = []
    for path in clips[:3] if studio.quick else clips:
        person = jitter(real_track(path).skull)
        ours = jitter(redone(studio, path).track.skull)
        rows.append((path.stem, person.place, ours.place, person.shape, ours.shape))
    numbers = np.array([row[1:] for row in rows], np.float64)
    rows.append(("mean", *numbers.mean(axis=0).tolist()))
    person_place, our_place = numbers[:, 0].mean(), numbers[:, 1].mean()
    text = f"no more trembling than people: {our_place:.2f} against {person_place:.2f}"
    return Part(
        "steadiness",
        "Steadiness",
        about,
        ("clip", "place, person", "place, ours", "shape, person", "shape, ours"),
        tuple(rows),
        (Check(text, bool(our_place <= person_place)),),
    )
