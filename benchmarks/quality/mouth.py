"""The mouth: as far as asked, shut when it must be, at rest in pauses, on time.

Flow      Studio, measures -> mouth -> Part
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.probe import read_sound
from benchmarks.quality.chapter import Check, Part, Row
from benchmarks.quality.inputs import ASTRONAUT, CLOSURE_S, envelope_db, pa_pa_pa, with_pause
from benchmarks.quality.measures import likeness
from benchmarks.quality.people import real_track, talking_clips
from benchmarks.quality.studio import FPS, Studio
from portravox.animation.direct import direct
from portravox.arrays import Float64
from portravox.articulation.from_voice import articulate
from portravox.media.voice_file import read_voice
from portravox.options import Direction

SEEN_CLOSED = 0.2
"""Share of the opening of the vowels around it up to which the tracker's mouth is shut."""

CLEAR_R = 0.5
"""From this correlation on the place of its peak says something about lag."""

LEAST_VOWEL = 0.04
"""Distances of the outer eye corners, about 90 mm: a vowel opens the lips by at least 4 mm."""


def mouth_strength(studio: Studio) -> Part:
    """The mouth opens wider the stronger it is asked to."""
    inputs = studio.inputs
    portrait = inputs.portrait(inputs.steady_portrait())
    voice = inputs.voice("en_man_speech_1961_stereo44k.wav", 4.0 if studio.quick else 8.0)
    rows: list[Row] = []
    typical = []
    still = slope = 0.0
    for strength in (0.0, 1.0) if studio.quick else (0.0, 0.5, 1.0, 1.5):
        take = studio.take(
            f"mouth_{strength:g}",
            portrait,
            voice,
            mouth_move_strength=strength,
            head_move_strength=0.0,
            eye_move_freq=0.0,
        )
        opening = take.track.lip_opening
        if strength == 0.0:
            still = float(opening.std())
        elif strength == 1.0:
            asked = _commanded(voice, "lip_gap")
            seen = opening * take.track.eye_distance_px / take.track.mouth_width_px
            slope = float(np.polyfit(asked, seen[: len(asked)], 1)[0])
        typical.append(float(np.mean(opening)))
        rows.append(
            (
                f"mouth_move_strength {strength:g}",
                float(opening.mean()),
                float(np.percentile(opening, 95.0)),
                float(opening.std()),
            )
        )
    return Part(
        "strength",
        "Mouth opening by strength",
        "Gap between the inner lips in distances of the outer eye corners; head and lids at rest.",
        ("video", "mean", "95th percentile", "std"),
        tuple(rows),
        (
            Check("opens wider with each strength", bool(np.all(np.diff(typical) > 0))),
            Check(f"still at strength 0 (std {still:.4f}; wanted ≤ 0.003)", still <= 0.003),
        ),
        figures={"gap seen per gap asked": slope},
    )


def closures(studio: Studio) -> Part:
    """The lips are shut before each burst of pa-pa-pa."""
    inputs = studio.inputs
    syllables = pa_pa_pa()
    voice = inputs.made("pa_pa_pa", syllables.voice)
    track_rows: list[Row] = []
    checks = []
    names = [inputs.steady_portrait()]
    if not studio.quick and ASTRONAUT not in names:
        names.append(ASTRONAUT)
    for name in names:
        take = studio.take(
            f"papapa_{Path(name).stem}", inputs.portrait(name), voice, head_move_strength=0.0
        )
        commanded = _commanded(voice, "lip_gap")
        opening, times_s = take.track.lip_opening, take.track.times_s
        # the clip's own shut mouth: silence at both ends on a closed mouth, or its smallest gap
        shut = float(np.percentile(opening, 2.0))
        vowel = float(
            np.median([_within(opening, times_s, t, 0.08).max() for t in syllables.vowels_s])
        )
        reached = []
        for burst_s in syllables.bursts_s:
            closure = _within(opening, times_s, burst_s - CLOSURE_S / 2, CLOSURE_S / 2 + 0.02)
            asked = _within(commanded, times_s, burst_s - CLOSURE_S / 2, CLOSURE_S / 2 + 0.02)
            share = float((closure.min() - shut) / max(vowel - shut, 1e-6))
            reached.append(share)
            track_rows.append(
                (f"{Path(name).stem}, burst at {burst_s:.2f} s", share, float(asked.min()))
            )
        closed = sum(share <= SEEN_CLOSED for share in reached)
        checks.append(
            Check(
                f"{closed} of {len(reached)} closures seen on {Path(name).stem}",
                closed == len(reached),
            )
        )
        checks.append(
            Check(
                f"vowels open the lips by {vowel - shut:.3f} (wanted ≥ {LEAST_VOWEL})",
                vowel - shut >= LEAST_VOWEL,
            )
        )
    return Part(
        "closures",
        "Closures in pa-pa-pa",
        "A made voice with known bursts. The smallest lip gap from 100 ms before to 20 ms after "
        "each burst: 0 is the shut mouth of this video, 1 the vowel between; 0.2 is as shut as the "
        "tracker can tell. Last column: the smallest `lip_gap` that the animation asked for.",
        ("burst", "share of the vowel's opening", "lip_gap asked"),
        tuple(track_rows),
        tuple(checks),
    )


def silence(studio: Studio) -> Part:
    """The mouth rests in a pause."""
    inputs = studio.inputs
    speech = read_voice(inputs.voice("en_woman_reading_22k.wav", 6.0))
    rows: list[Row] = []
    checks = []
    for label, noise_dbfs in (("digital quiet", -90.0), ("room noise", -50.0)):
        voice = inputs.made(f"pause_{-noise_dbfs:.0f}", with_pause(speech, 3.0, 2.0, noise_dbfs))
        take = studio.take(
            f"pause_{-noise_dbfs:.0f}",
            inputs.portrait(inputs.steady_portrait()),
            voice,
            eye_move_freq=0.0,
            head_move_strength=0.0,
        )
        opening, times_s = take.track.lip_opening, take.track.times_s
        pause = opening[(times_s > 3.5) & (times_s < 4.8)]
        talk = opening[(times_s > 0.3) & (times_s < 2.8)]
        rest = float(opening[0])
        range_ = float(np.percentile(talk, 95.0) - rest)
        rows.append((label, rest, float(pause.mean()), float(pause.std()), range_))
        text = f"{label}: at rest within 5 % of the speaking range"
        checks.append(Check(text, bool(np.abs(pause - rest).max() <= 0.05 * range_ + 0.003)))
    return Part(
        "silence",
        "Stillness in a pause",
        "Two seconds of pause in speech, measured from half a second after the voice stops until "
        "0.2 s before it starts again. Openings in distances of the outer eye corners.",
        ("pause", "first frame", "mean in the pause", "std in the pause", "range when talking"),
        tuple(rows),
        tuple(checks),
    )


def lag(studio: Studio) -> Part:
    """The mouth against the sound."""
    take = studio.standard_take()
    opening, times_s = take.track.lip_opening, take.track.times_s
    level, level_s = envelope_db(take.sound)
    curves = articulate(take.sound)
    by_sound = likeness(level, level_s, opening, times_s)
    by_ears = likeness(curves["aperture"].astype(np.float64), curves.times_s, opening, times_s)
    rows: list[Row] = [
        ("loudness → lips", by_sound.r, by_sound.best_r, 1000 * by_sound.lag_s),
        ("aperture curve → lips", by_ears.r, by_ears.best_r, 1000 * by_ears.lag_s),
    ]
    people = []
    for path in talking_clips(studio):
        track, (loud, loud_s) = real_track(path), envelope_db(read_sound(path))
        person = likeness(loud, loud_s, track.lip_opening, track.times_s)
        if person.best_r >= CLEAR_R:
            people.append(person.lag_s)
        rows.append((f"person: {path.stem}", person.r, person.best_r, 1000 * person.lag_s))
    median_ms = 1000 * float(np.median(people or [0.0]))
    return Part(
        "lag",
        "Lag of the mouth",
        "Where the lips' opening correlates best with the sound; positive: the mouth is late. A "
        "frame counts from the moment it appears; it stays for 40 ms, so the eye sees it 20 ms "
        "later.",
        ("pair", "r at 0", "best r", "lag ms"),
        tuple(rows),
        (
            Check(
                f"mouth {1000 * by_ears.lag_s:+.0f} ms against its curve (wanted −40 to +20)",
                -0.04 <= by_ears.lag_s <= 0.02,
            ),
        ),
        figures={"median lag of people where r ≥ 0.5, ms": median_ms} if people else {},
    )


def _commanded(voice: Path, control: str) -> Float64:
    """(T,) what the animation asked for, at the studio's frame rate."""
    return direct(articulate(read_voice(voice)), Direction(video_fps=FPS))[control].astype(
        np.float64
    )


def _within(values: Float64, times_s: Float64, middle_s: float, reach_s: float) -> Float64:
    """The values of the frames within reach_s of a moment, at least the nearest one's."""
    near = np.abs(times_s[: len(values)] - middle_s)
    seen: Float64 = values[: len(times_s)][near <= max(reach_s, float(near.min()))]
    return seen
