"""Lids and head: how often, how far, how fast.

Flow      Studio, measures -> head -> Part
"""

from __future__ import annotations

import numpy as np

from benchmarks.quality.chapter import Check, Part, Row
from benchmarks.quality.measures import band_deg, find_blinks, head_motion
from benchmarks.quality.people import real_track, talking_clips
from benchmarks.quality.studio import FPS, Studio

SHUT_LIDS = 0.5
"""Opening at the bottom of a blink, as a share of the open eye, up to which the tracker's eye is
shut. In blinks of people it sees 0.1 to 0.25 at 25 frames per second."""


BEAT_HZ = (0.6, 1.8)
"""Where heads move along with what is said (Pedersen 2022: 1 to 2 Hz), above slow wandering."""


def blinks(studio: Studio) -> Part:
    """How often, and whether the lids meet."""
    inputs = studio.inputs
    portrait = inputs.portrait(inputs.steady_portrait())
    voice = inputs.voice("en_woman_reading_22k.wav", studio.long_s)
    half = inputs.voice("en_woman_reading_22k.wav", studio.long_s / 2)
    wanted = [(0.0, FPS), (0.5, FPS)]
    if not studio.quick:
        wanted += [(0.25, FPS), (1.0, FPS), (0.5, 15), (0.5, 24), (0.5, 30)]
    rows: list[Row] = []
    checks = []
    for rate_hz, fps in wanted:
        if (rate_hz, fps) == (0.5, FPS):
            take = studio.standard_take()
        else:
            name = f"blinks_{rate_hz:g}_{fps}fps"
            sound = voice if fps == FPS else half
            take = studio.take(name, portrait, sound, eye_move_freq=rate_hz, video_fps=fps)
        found = find_blinks(take.track.lid_opening, take.track.fps)
        depths = found.depths if found.frames else np.array([np.nan])
        rows.append(
            (
                f"eye_move_freq {rate_hz:g}, {fps} fps",
                60.0 * rate_hz,
                found.per_minute,
                float(np.mean(depths)),
                float(np.max(depths)),
            )
        )
        asked = rate_hz * found.duration_s
        text = f"{len(found.frames)} blinks at {rate_hz:g} per s, {fps} fps; asked {asked:.0f}"
        checks.append(Check(text, abs(len(found.frames) - asked) <= max(1.0, 0.1 * asked)))
        if found.frames:
            shut = int(np.sum(depths <= SHUT_LIDS))
            checks.append(
                Check(f"{shut} of {len(depths)} blinks shut at {fps} fps", shut == len(depths))
            )
    for path in talking_clips(studio):
        people = find_blinks(real_track(path).lid_opening, FPS)
        if people.frames:
            rows.append(
                (
                    f"person: {path.stem}",
                    "–",
                    people.per_minute,
                    float(np.mean(people.depths)),
                    float(np.max(people.depths)),
                )
            )
    return Part(
        "blinks",
        "Blinks",
        "Counted on the finished videos by the opening of the lids. The last columns tell how far "
        "the eyes are open at the bottom of a blink, of the open eye; the tracker sees no zero.",
        ("video", "asked per min", "seen per min", "opening at bottom, mean", "shallowest"),
        tuple(rows),
        tuple(checks),
    )


def heads(studio: Studio) -> Part:
    """How much the head moves per template."""
    inputs = studio.inputs
    portrait = inputs.portrait(inputs.steady_portrait())
    voice = inputs.voice("en_woman_reading_22k.wav", studio.long_s)
    takes = {
        "calm": studio.take("head_calm", portrait, voice, template_id="calm"),
        "normal": studio.standard_take(),
        "active": studio.take("head_active", portrait, voice, template_id="active"),
        "normal, strength 0": studio.take("head_0", portrait, voice, head_move_strength=0.0),
    }
    rows: list[Row] = []
    speeds, spreads, beats = {}, {}, {}
    people = []
    for name, take in takes.items():
        motion = head_motion(take.track.head_deg, take.track.fps)
        beat = band_deg(take.track.head_deg, take.track.fps, BEAT_HZ)
        beats[name] = beat
        speeds[name] = motion.speed_p95_deg_s
        spreads[name] = float(np.linalg.norm(motion.std_deg))
        rows.append((name, *motion.std_deg, motion.largest_deg, motion.speed_p95_deg_s, beat))
    for path in talking_clips(studio):
        motion = head_motion(real_track(path).head_deg, FPS)
        people.append(band_deg(real_track(path).head_deg, FPS, BEAT_HZ))
        rows.append(
            (
                f"person: {path.stem}",
                *motion.std_deg,
                motion.largest_deg,
                motion.speed_p95_deg_s,
                people[-1],
            )
        )
    limits = {"calm": 4.0, "normal": 12.0, "active": 22.0}
    checks = [
        Check(
            "spread of the angles: calm < normal < active",
            spreads["calm"] < spreads["normal"] < spreads["active"],
        ),
        Check(
            "speed: calm < normal < active", speeds["calm"] < speeds["normal"] < speeds["active"]
        ),
    ]
    rest = speeds["normal, strength 0"]
    for name, limit in limits.items():
        # what the tracker sees in a head that does not turn is not counted against one that does
        own = float(np.sqrt(max(0.0, speeds[name] ** 2 - rest**2)))
        text = f"{name}: 95 % of the time below {limit:g}°/s; {own:.1f} less the tracker's own"
        checks.append(Check(text, own <= limit))
    if people:
        text = f"normal moves with the voice like people: {beats['normal']:.2f}°"
        text += f" of {min(people):.2f} to {max(people):.2f}° between 0.6 and 1.8 Hz"
        checks.append(Check(text, min(people) <= beats["normal"] <= max(people)))
    return Part(
        "head",
        "Head",
        "Angles by the tracker, averaged over a sixth of a second. The row with strength 0 shows "
        "what the tracker itself sees in a head that does not turn.",
        (
            "video",
            "yaw std °",
            "pitch std °",
            "roll std °",
            "largest °",
            "speed p95 °/s",
            "0.6–1.8 Hz °",
        ),
        tuple(rows),
        tuple(checks),
    )
