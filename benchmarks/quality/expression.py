"""The upper face while speaking: brows and lids that live, beside people's.

Flow      Studio, measures -> expression -> Part
"""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
from scipy.ndimage import gaussian_filter1d

from benchmarks.probe import read_sound
from benchmarks.quality.chapter import Check, Part, Row
from benchmarks.quality.measures import UpperFace, likeness, upper_face
from benchmarks.quality.people import real_track, talking_clips
from benchmarks.quality.studio import Studio, Take
from benchmarks.tracking import Track
from portravox.articulation.curves import CURVE_RATE_HZ
from portravox.articulation.from_voice import articulate
from portravox.media.waveform import Waveform
from portravox.options import TEMPLATES

LEAST_PERCENTILE = {"calm": 25.0, "normal": 50.0, "active": 50.0}
"""Among people, the stillest brows that each template may have: `calm` is for reading, `normal` for
any use. Our choice."""

PITCH_SEMITONES = (-8.0, 8.0)
PITCH_SIGMA_S = 0.2
"""Octave errors of the pitch are cut off, and it is smoothed to what brows can follow."""


def expression(studio: Studio) -> Part:
    """How much brows and lids do, per template, and whether they go with the voice."""
    inputs = studio.inputs
    portrait = inputs.portrait(inputs.steady_portrait())
    rows: list[Row] = []
    ours: dict[str, list[UpperFace]] = {template: [] for template in TEMPLATES}
    voices = ("en_woman_reading_22k.wav", "en_man_speech_1961_stereo44k.wav")
    for name in voices[:1] if studio.quick else voices:
        voice = inputs.voice(name, studio.long_s / 2)
        for template in TEMPLATES:
            take = studio.take(
                f"expression_{template}_{voice.stem}", portrait, voice, template_id=template
            )
            ours[template].append(_upper_face(take))
            label = f"{template}, {name.partition('.')[0]}"
            rows.append(_row(label, take.track, ours[template][-1], take.sound))
    people = []
    for path in talking_clips(studio):
        track = real_track(path)
        people.append(upper_face(track.brow_height, track.lid_opening, track.fps))
        rows.append(_row(f"person: {path.stem}", track, people[-1], read_sound(path)))
    moved = {
        template: float(np.mean([face.brow_std for face in faces]))
        for template, faces in ours.items()
    }
    checks = [
        Check("brows: calm < normal < active", moved["calm"] < moved["normal"] < moved["active"])
    ]
    for template in TEMPLATES if people else ():
        theirs = [face.brow_std for face in people]
        low, high = float(np.percentile(theirs, LEAST_PERCENTILE[template])), max(theirs)
        text = f"{template}: brows move by {moved[template]:.1f}, people by {low:.1f} to {high:.1f}"
        checks.append(Check(text, low <= moved[template] <= high))
        fastest = max(face.brow_speed_p95 for face in people)
        quick = max(face.brow_speed_p95 for face in ours[template])
        text = (
            f"{template}: brows no faster than people's ({quick:.0f}, people up to {fastest:.0f})"
        )
        checks.append(Check(text, quick <= fastest))
        lids = float(np.mean([face.lid_std for face in ours[template]]))
        low, high = (f([face.lid_std for face in people]) for f in (min, max))
        text = f"{template}: open lids vary by {lids:.3f}, people's by {low:.3f} to {high:.3f}"
        checks.append(Check(text, low <= lids <= high))
    return Part(
        "expression",
        "Upper face",
        "Heights of the brows on the skull, in thousandths of the distance of the outer eye "
        "corners (about 0.09 mm); lids outside blinks as share of the open eye. The tracker sees "
        "about half of what a brow does, in people's as in ours. Last column: correlation of the "
        "brows with the voice's pitch where it is best within 0.3 s. Bounds are people's own, "
        "up to the liveliest: from their quietest quarter for calm, from their median otherwise.",
        (
            "video",
            "brow std",
            "p95−p5",
            "right−left std",
            "speed p95 per s",
            "lid std",
            "r with pitch",
        ),
        tuple(rows),
        tuple(checks),
    )


def _upper_face(take: Take) -> UpperFace:
    return upper_face(take.track.brow_height, take.track.lid_opening, take.track.fps)


def _row(label: str, track: Track, face: UpperFace, voice: Waveform) -> Row:
    curves = articulate(voice)
    pitch = np.clip(curves["pitch"].astype(np.float64), *PITCH_SEMITONES)
    slow = gaussian_filter1d(pitch, PITCH_SIGMA_S * CURVE_RATE_HZ)
    r = likeness(slow, curves.times_s, track.brow_height.mean(axis=1), track.times_s).best_r
    return (label, *astuple(face), r)
