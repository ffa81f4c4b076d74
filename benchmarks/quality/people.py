"""Recordings of people, and our own video of the same person saying the same.

Flow      ../shared/samples/talking, Studio -> people -> Part
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.probe import read_frames, read_sound
from benchmarks.quality.chapter import Check, Part, Row
from benchmarks.quality.inputs import envelope_db, write_wav
from benchmarks.quality.measures import jitter, jitter_everywhere, likeness, spread
from benchmarks.quality.studio import Studio, Take
from benchmarks.tracking import Track, track_video
from portravox.articulation.from_voice import articulate

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
        inferred = likeness(real, real_s, curves["aperture"].astype(np.float64), curves.times_s)
        rows.append(
            (
                path.stem,
                lips.r,
                lips.best_r,
                1000 * lips.lag_s,
                loud.r,
                loud.best_r,
                inferred.r,
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
    """Trembling in still moments, beside people's."""
    clips = talking_clips(studio)
    about = (
        "How far points stand off the straight line between the frames before and after, in "
        "thousandths of the face's width. 'Place': points on the skull, in the stillest third of "
        "the frames. 'Shape': what remains of it without the head's own shift, turn and scale. "
        "'Face': all points, each in its own stillest third, their median. The tracker's noise is "
        "in all."
    )
    if not clips:
        return Part("steadiness", "Steadiness", about, skipped=NO_TALKING)
    rows: list[Row] = []
    for path in clips[:3] if studio.quick else clips:
        person, ours = real_track(path), redone(studio, path).track
        theirs, own = jitter(person.skull), jitter(ours.skull)
        faces = jitter_everywhere(person.flat), jitter_everywhere(ours.flat)
        rows.append((path.stem, theirs.place, own.place, theirs.shape, own.shape, *faces))
    means = np.array([row[1:] for row in rows], np.float64).mean(axis=0)
    rows.append(("mean", *means.tolist()))
    checks = [
        Check(
            f"{name}: no more trembling than people: {own:.2f} against {theirs:.2f}", own <= theirs
        )
        for name, theirs, own in zip(
            ("place", "shape", "face"), means[::2], means[1::2], strict=True
        )
    ]
    return Part(
        "steadiness",
        "Steadiness",
        about,
        (
            "clip",
            "place, person",
            "place, ours",
            "shape, person",
            "shape, ours",
            "face, person",
            "face, ours",
        ),
        tuple(rows),
        tuple(checks),
    )


def identity(studio: Studio) -> Part:
    """Whether the person stays that person: how far the bones of the face seem to shift."""
    clips = talking_clips(studio)
    about = (
        "How far eye sockets, temples, hairline and nose have left the places on the skull that "
        "they have in the first frame, root mean square, in percent of the distance of the outer "
        "eye corners: over the video, and in the tenth of its frames that drift most. Shape and "
        "not an embedding: no network for recognition is part of the project, and a warp of the "
        "photograph can only lose its likeness by its shape. People's own drift is the tracker's "
        "error when heads turn."
    )
    if not clips:
        return Part("identity", "Identity", about, skipped=NO_TALKING)
    rows: list[Row] = []
    for path in clips[:3] if studio.quick else clips:
        drifts = [100.0 * t.shape_drift for t in (real_track(path), redone(studio, path).track)]
        medians = [float(np.median(drift)) for drift in drifts]
        worst = [float(np.percentile(drift, 90.0)) for drift in drifts]
        rows.append((path.stem, *medians, *worst))
    means = np.array([row[1:] for row in rows], np.float64).mean(axis=0)
    rows.append(("mean", *means.tolist()))
    return Part(
        "identity",
        "Identity",
        about,
        ("clip", "median, person", "median, ours", "90th percentile, person", "ours"),
        tuple(rows),
        (
            Check(
                f"faces shift no more than people's: {means[1]:.2f} against {means[0]:.2f} %",
                bool(means[1] <= means[0]),
            ),
        ),
    )
