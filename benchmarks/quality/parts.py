"""The questions that are asked of finished videos, one function each.

Flow      Studio, measures -> parts -> Part -> report

A check says what was wanted and whether it was reached; a figure without a check is there to be
compared with that of another version or of a recording of a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from benchmarks.quality.inputs import (
    ASTRONAUT,
    CLOSURE_S,
    envelope_db,
    pa_pa_pa,
    with_pause,
    write_wav,
)
from benchmarks.quality.measures import find_blinks, head_motion, jitter, likeness
from benchmarks.quality.sheets import contact_sheet, difference_picture
from benchmarks.quality.studio import FPS, Studio, Take
from benchmarks.tracking import Track, track_video
from portravox.animation.controls import CONTROLS
from portravox.animation.direct import direct
from portravox.animation.direction import Direction
from portravox.arrays import Bool, Float64, UInt8
from portravox.articulation.from_voice import articulate
from portravox.clock import frame_times
from portravox.engines.embedded import EmbeddedEngine
from portravox.errors import PortravoxError
from portravox.face.find import find_face
from portravox.face.matte import person_matte
from portravox.media.picture import Picture
from portravox.media.picture_file import read_picture
from portravox.media.probe import read_frames, read_sound
from portravox.media.voice_file import read_voice

SHUT_LIDS = 0.55
"""Opening at the bottom of a blink, as a share of the open eye, up to which the tracker's eye is
shut. It sees 0.25 to 0.5 in blinks of people, whose lids the camera often misses at the bottom."""

OUTSIDE_FACES = 0.15
"""Beyond the matte grown by so many face widths nothing may change."""

MATTE_IS_PERSON = 0.05

CODEC_STEPS = 40
"""Of 255: the largest change that encoding alone makes at a sharp edge at standard quality."""


@dataclass(frozen=True, slots=True)
class Check:
    """Something that was wanted."""

    text: str
    met: bool


@dataclass(frozen=True, slots=True)
class Part:
    """One chapter of the report."""

    key: str
    title: str
    about: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str | float | int, ...], ...] = ()
    checks: tuple[Check, ...] = ()
    pictures: tuple[tuple[str, str], ...] = ()
    """(caption, path below OUT)"""

    skipped: str = ""
    """Why there is nothing, where there is nothing."""

    figures: Mapping[str, float] = field(default_factory=dict)
    """Single numbers that belong to no row."""


def blinks(studio: Studio) -> Part:
    """How often, and whether the lids meet."""
    inputs = studio.inputs
    portrait = inputs.portrait(inputs.steady_portrait())
    voice = inputs.voice("en_woman_reading_22k.wav", studio.long_s)
    wanted = [(0.0, FPS), (0.5, FPS)]
    if not studio.quick:
        wanted += [(0.25, FPS), (1.0, FPS), (0.5, 15), (0.5, 24), (0.5, 30)]
    rows: list[tuple[str | float | int, ...]] = []
    checks = []
    for rate_hz, fps in wanted:
        if (rate_hz, fps) == (0.5, FPS):
            take = studio.standard_take()
        else:
            name = f"blinks_{rate_hz:g}_{fps}fps"
            take = studio.take(name, portrait, voice, eye_move_freq=rate_hz, video_fps=fps)
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
    rows: list[tuple[str | float | int, ...]] = []
    speeds, spreads = {}, {}
    for name, take in takes.items():
        motion = head_motion(take.track.head_deg, take.track.fps)
        speeds[name] = motion.speed_p95_deg_s
        spreads[name] = float(np.linalg.norm(motion.std_deg))
        rows.append(
            (name, *motion.std_deg, motion.largest_deg, motion.speed_p95_deg_s, motion.steps_per_s2)
        )
    for path in talking_clips(studio):
        motion = head_motion(real_track(path).head_deg, FPS)
        rows.append(
            (
                f"person: {path.stem}",
                *motion.std_deg,
                motion.largest_deg,
                motion.speed_p95_deg_s,
                motion.steps_per_s2,
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
    return Part(
        "head",
        "Head",
        "Angles by the tracker, smoothed over three frames. The row with strength 0 shows what the "
        "tracker itself sees in a head that does not turn.",
        (
            "video",
            "yaw std °",
            "pitch std °",
            "roll std °",
            "largest °",
            "speed p95 °/s",
            "jolts p99 °/s per frame",
        ),
        tuple(rows),
        tuple(checks),
    )


def mouth_strength(studio: Studio) -> Part:
    """The mouth opens wider the stronger it is asked to."""
    inputs = studio.inputs
    portrait = inputs.portrait(inputs.steady_portrait())
    voice = inputs.voice("en_man_speech_1961_stereo44k.wav", 4.0 if studio.quick else 8.0)
    rows: list[tuple[str | float | int, ...]] = []
    typical = []
    still = 0.0
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
    )


def closures(studio: Studio) -> Part:
    """The lips are shut before each burst of pa-pa-pa."""
    inputs = studio.inputs
    syllables = pa_pa_pa()
    voice = inputs.made("pa_pa_pa", syllables.voice)
    track_rows: list[tuple[str | float | int, ...]] = []
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
        closed = sum(share <= 0.2 for share in reached)
        checks.append(
            Check(
                f"{closed} of {len(reached)} closures seen on {Path(name).stem}",
                closed == len(reached),
            )
        )
        checks.append(
            Check(
                f"vowels between open the lips by {vowel - shut:.3f} (wanted ≥ 0.08)",
                vowel - shut >= 0.08,
            )
        )
    return Part(
        "closures",
        "Closures in pa-pa-pa",
        "A made voice with known bursts. The smallest lip gap from 100 ms before to 20 ms after each "
        "burst: 0 is the shut mouth of this video, 1 the vowel between; 0.2 is as shut as the tracker "
        "can tell. Last column: the smallest `lip_gap` that the animation asked for.",
        ("burst", "share of the vowel's opening", "lip_gap asked"),
        tuple(track_rows),
        tuple(checks),
    )


def silence(studio: Studio) -> Part:
    """The mouth rests in a pause."""
    inputs = studio.inputs
    speech = read_voice(inputs.voice("en_woman_reading_22k.wav", 6.0))
    rows: list[tuple[str | float | int, ...]] = []
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
    rows: list[tuple[str | float | int, ...]] = [
        ("loudness → lips", by_sound.r, by_sound.best_r, 1000 * by_sound.lag_s),
        ("aperture curve → lips", by_ears.r, by_ears.best_r, 1000 * by_ears.lag_s),
    ]
    people = []
    for path in talking_clips(studio):
        track, (loud, loud_s) = real_track(path), envelope_db(read_sound(path))
        person = likeness(loud, loud_s, track.lip_opening, track.times_s)
        people.append(person.lag_s)
        rows.append((f"person: {path.stem}", person.r, person.best_r, 1000 * person.lag_s))
    return Part(
        "lag",
        "Lag of the mouth",
        "Where the lips' opening correlates best with the sound; positive: the mouth is late. A frame "
        "counts from the moment it appears; it stays for 40 ms, so the eye sees it 20 ms later.",
        ("pair", "r at 0", "best r", "lag ms"),
        tuple(rows),
        (
            Check(
                f"mouth {1000 * by_ears.lag_s:+.0f} ms against its curve (wanted −40 to +20)",
                -0.04 <= by_ears.lag_s <= 0.02,
            ),
        ),
        figures={"people_median_lag_ms": 1000 * float(np.median(people))} if people else {},
    )


def surroundings(studio: Studio) -> Part:
    """What must not change: the picture at rest, and everything that is not the person."""
    inputs = studio.inputs
    names: tuple[str, ...] = (ASTRONAUT,)
    if inputs.has_samples:
        names = (ASTRONAUT, *(_QUICK_GALLERY if studio.quick else _GALLERY_OF_SURROUNDINGS))
    voice_path = inputs.voice("en_woman_reading_22k.wav", 2.0)
    voice = read_voice(voice_path)
    rows: list[tuple[str | float | int, ...]] = []
    checks, pictures = [], []
    for name in names:
        picture = read_picture(inputs.portrait(name), max_side_px=768)
        photo = picture.pixels[: picture.height_px // 2 * 2, : picture.width_px // 2 * 2]
        outside = _outside(photo)
        avatar = EmbeddedEngine().register(picture)
        direction = Direction(template_id="active", head_move_strength=1.0, video_fps=FPS)
        drawn = np.zeros(photo.shape[:2])
        for frame in avatar.speak(voice, direction):
            np.maximum(drawn, np.abs(frame.astype(np.int16) - photo).max(axis=2), out=drawn)
        still = Direction(
            mouth_move_strength=0.0, head_move_strength=0.0, eye_move_freq=0.0, video_fps=FPS
        )
        first = next(avatar.speak(voice, still))
        at_rest = int(np.abs(first.astype(np.int16) - photo).max())
        take = studio.take(
            f"outside_{Path(name).stem}",
            inputs.portrait(name),
            voice_path,
            template_id="active",
            head_move_strength=1.0,
        )
        decoded, flicker, mean = _decoded_changes(take, photo, outside)
        before = float(drawn[outside].max()) if outside.any() else 0.0
        rows.append(
            (Path(name).stem, float(outside.mean()), before, decoded, flicker, mean, at_rest)
        )
        checks.append(Check(f"{Path(name).stem}: exact outside before encoding", before == 0.0))
        checks.append(Check(f"{Path(name).stem}: first frame is the photograph", at_rest == 0))
        checks.append(
            Check(
                f"{Path(name).stem}: encoding moves nothing outside by more than {CODEC_STEPS}",
                flicker <= CODEC_STEPS,
            )
        )
        if before:
            path = studio.out / "sheets" / f"outside_{Path(name).stem}.png"
            difference_picture(drawn, ~outside, path)
            pictures.append((f"{name}: red changed", str(path.relative_to(studio.out))))
    return Part(
        "surroundings",
        "What must not change",
        f"Largest difference from the photograph, of 255, beyond the person's matte grown by "
        f"{OUTSIDE_FACES} face widths, template active at full strength. 'Decoded' includes what "
        "H.264 with halved chroma does to the photograph itself; 'against its first frame' is what "
        "moves. The last column is the first frame with all strengths at 0.",
        (
            "portrait",
            "share of picture outside",
            "before encoding",
            "decoded",
            "against its first frame",
            "mean decoded",
            "first frame at rest",
        ),
        tuple(rows),
        tuple(checks),
        tuple(pictures),
    )


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
        "Positive ms: our lips move later than the person's. Shape of the mouth in the first frame, "
        "breaths and smiles are not in the sound: nobody can reach 1."
    )
    if not clips:
        return Part("likeness", "Beside people", about, skipped=_NO_TALKING)
    rows: list[tuple[str | float | int, ...]] = []
    for path in clips[:3] if studio.quick else clips:
        take, person = _redone(studio, path), real_track(path)
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
                _range(real),
                _range(ours),
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
        (Check(f"lips {lips_r:.2f} beat loudness {loud_r:.2f} on the mean", lips_r > loud_r),),
    )


def steadiness(studio: Studio) -> Part:
    """Trembling of the head in still moments, beside people's."""
    clips = talking_clips(studio)
    about = (
        "How far points on the skull stand off the straight line between the frames before and "
        "after, in the stillest third of the frames, in thousandths of the face's width. 'Shape' is "
        "what remains without the head's own shift, turn and scale. The tracker's noise is in all."
    )
    if not clips:
        return Part("steadiness", "Steadiness", about, skipped=_NO_TALKING)
    rows: list[tuple[str | float | int, ...]] = []
    for path in clips[:3] if studio.quick else clips:
        person = jitter(real_track(path).skull)
        ours = jitter(_redone(studio, path).track.skull)
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


def gallery(studio: Studio) -> Part:
    """Every portrait, to be looked at."""
    inputs = studio.inputs
    names = inputs.portraits()
    if studio.quick:
        names = tuple(name for name in names if name in (ASTRONAUT, *_QUICK_GALLERY))
    rows: list[tuple[str | float | int, ...]] = []
    checks, pictures = [], []
    for i, name in enumerate(names):
        voice = inputs.voice(_GALLERY_VOICES[i % len(_GALLERY_VOICES)], 4.0)
        try:
            take = studio.take(
                f"gallery_{Path(name).stem}", inputs.portrait(name), voice, max_side_px=1024
            )
            track = take.track
        except (PortravoxError, ValueError) as error:
            rows.append((Path(name).stem, "–", "–", "–", str(error)))
            checks.append(Check(f"{Path(name).stem}: {error}", False))
            continue
        path = studio.out / "sheets" / f"{Path(name).stem}.png"
        contact_sheet(take.video, track, path)
        pictures.append((name, str(path.relative_to(studio.out))))
        rows.append(
            (
                Path(name).stem,
                track.face_width_px,
                _range(track.lip_opening),
                jitter(track.skull).place,
                "; ".join(take.notices),
            )
        )
    return Part(
        "gallery",
        "Contact sheets",
        "Four seconds each. First strip: over time. Second: the mouth from shut to widest. Third: "
        "the eyes through the deepest blink, frame by frame.",
        ("portrait", "face px", "lip range", "trembling", "notices"),
        tuple(rows),
        tuple(checks),
        tuple(pictures),
    )


PARTS: Mapping[str, Callable[[Studio], Part]] = {
    "blinks": blinks,
    "head": heads,
    "strength": mouth_strength,
    "closures": closures,
    "silence": silence,
    "lag": lag,
    "surroundings": surroundings,
    "likeness": likeness_to_people,
    "steadiness": steadiness,
    "gallery": gallery,
}

_NO_TALKING = "the recordings of people (samples/talking) are not there"

_QUICK_GALLERY = ("man_stubble_frontal_closed_mouth.jpg", "woman_bangs_earrings_red_lips.jpg")

_GALLERY_OF_SURROUNDINGS = (
    *_QUICK_GALLERY,
    "man_dark_skin_smile_teeth.jpg",
    "woman_cap_smile_teeth.jpg",
    "painting_mona_lisa.jpg",
    "woman_smile_teeth.webp",
)

_GALLERY_VOICES = (
    "en_woman_reading_22k.wav",
    "zh_man_mandarin_16k.wav",
    "ja_woman_32k_cbr.mp3",
    "en_man_speech_1961_stereo44k.wav",
)


def talking_clips(studio: Studio) -> list[Path]:
    """Recordings of people speaking."""
    return sorted((studio.inputs.samples / "talking").glob("*.mp4"))


@lru_cache(maxsize=None)
def real_track(path: Path) -> Track:
    """The person in a recording, followed once per run."""
    return track_video(path)


def _redone(studio: Studio, clip: Path) -> Take:
    """A recording's first frame, animated with its sound."""
    folder = studio.inputs.folder
    portrait, voice = folder / f"{clip.stem}.png", folder / f"{clip.stem}.wav"
    if not portrait.exists():
        Image.fromarray(next(_frames(clip))).save(portrait)
        write_wav(voice, read_sound(clip))
    return studio.take(f"redone_{clip.stem}", portrait, voice)


def _frames(path: Path) -> Iterator[UInt8]:
    return iter(read_frames(path))


def _commanded(voice: Path, control: str) -> Float64:
    """(T,) what the animation asked for, at the studio's frame rate."""
    track = direct(articulate(read_voice(voice)), Direction(video_fps=FPS))
    return track.values[:, CONTROLS.index(control)].astype(np.float64)


def _within(values: Float64, times_s: Float64, middle_s: float, reach_s: float) -> Float64:
    """The values of the frames within reach_s of a moment, at least the nearest one's."""
    near = np.abs(times_s[: len(values)] - middle_s)
    return values[: len(times_s)][near <= max(reach_s, float(near.min()))]


def _range(values: Float64) -> float:
    low, high = np.percentile(values, (5.0, 95.0))
    return float(high - low)


def _outside(photo: UInt8) -> Bool:
    """(H, W) true beyond the person, grown by OUTSIDE_FACES."""
    face, _ = find_face(Picture(photo))
    person = (person_matte(photo, face) > MATTE_IS_PERSON).astype(np.uint8)
    reach = round(OUTSIDE_FACES * face.width_px)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    outside: Bool = cv2.dilate(person, disc) == 0
    return outside


def _decoded_changes(take: Take, photo: UInt8, outside: Bool) -> tuple[float, float, float]:
    """Largest difference outside from the photograph, from the first frame; the mean one."""
    largest = flicker = 0.0
    means = []
    first: UInt8 | None = None
    if not outside.any():
        return 0.0, 0.0, 0.0
    for frame in read_frames(take.video):
        pixels = frame[outside].astype(np.int16)
        if first is None:
            first = frame
        apart = np.abs(pixels - photo[outside])
        largest = max(largest, float(apart.max()))
        means.append(float(apart.mean()))
        flicker = max(flicker, float(np.abs(pixels - first[outside]).max()))
    return largest, flicker, float(np.mean(means))
