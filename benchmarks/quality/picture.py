"""The picture: what must stay as photographed, and every portrait to be looked at.

Flow      Studio, measures, sheets -> picture -> Part
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from benchmarks.probe import read_frames
from benchmarks.quality.chapter import Check, Part, Row
from benchmarks.quality.inputs import ASTRONAUT
from benchmarks.quality.measures import find_blinks, jitter, spread
from benchmarks.quality.sheets import contact_sheet, difference_picture, lid_glare
from benchmarks.quality.studio import FPS, Studio, Take
from portravox.animation.direct import direct
from portravox.arrays import Bool, Float32, UInt8
from portravox.articulation.from_voice import articulate
from portravox.engines.embedded import EmbeddedEngine
from portravox.errors import PortravoxError
from portravox.face.face import Face
from portravox.face.find import find_face
from portravox.face.matte import person_matte
from portravox.media.picture import Picture
from portravox.media.picture_file import read_picture
from portravox.media.planes import Planes
from portravox.media.voice_file import read_voice
from portravox.options import Direction
from portravox.render.backdrop import strands
from portravox.segments import segments

OUTSIDE_FACES = 0.15
"""Beyond the matte grown by so many face widths nothing may change: that of the photograph, and
that of the frame, since a head that turns covers other places than it did."""

STRAND_FACES = 0.1
"""The same beyond strands of hair that stand out of the matte, and move with it (decision 67)."""

MATTE_IS_PERSON = 0.05

CODEC_STEPS = 40
"""Of 255: the largest change that encoding alone makes at a sharp edge at standard quality."""

GLARE = 25
"""Of 255: shut lids may shine so much more than the open eyes did."""

QUICK_PORTRAITS = ("man_stubble_frontal_closed_mouth.jpg", "woman_bangs_earrings_red_lips.jpg")

VARIED_PORTRAITS = (
    *QUICK_PORTRAITS,
    "man_dark_skin_smile_teeth.jpg",
    "woman_cap_smile_teeth.jpg",
    "painting_mona_lisa.jpg",
    "woman_smile_teeth.webp",
)

GALLERY_VOICES = (
    "en_woman_reading_22k.wav",
    "zh_man_mandarin_16k.wav",
    "ja_woman_32k_cbr.mp3",
    "en_man_speech_1961_stereo44k.wav",
)


def surroundings(studio: Studio) -> Part:
    """What must not change: the picture at rest, and everything that is not the person."""
    inputs = studio.inputs
    names: tuple[str, ...] = (ASTRONAUT,)
    if inputs.has_samples:
        names = (ASTRONAUT, *(QUICK_PORTRAITS if studio.quick else VARIED_PORTRAITS))
    voice_path = inputs.voice("en_woman_reading_22k.wav", 2.0)
    voice = read_voice(voice_path)
    rows: list[Row] = []
    checks, pictures = [], []
    for name in names:
        picture = read_picture(inputs.portrait(name), max_side_px=768)
        photo = picture.pixels[: picture.height_px // 2 * 2, : picture.width_px // 2 * 2]
        face, _ = find_face(Picture(photo))
        outside = _outside(photo, face)
        avatar = EmbeddedEngine().register(picture)
        direction = Direction(template_id="active", head_move_strength=1.0, video_fps=FPS)
        # as 4:2:0, which every frame is; what that does to colours is no change
        as_frame = Planes.of(photo).rgb().astype(np.int16)
        drawn = np.zeros(photo.shape[:2])
        always = outside.copy()
        for frame in avatar.speak(voice, direction):
            pixels = frame.rgb()
            changed = np.abs(pixels.astype(np.int16) - as_frame).max(axis=2) * outside
            if changed.any():  # by the person, who is elsewhere now, or by mistake
                now = _outside(pixels, face)
                always &= now
                np.maximum(drawn, changed * now, out=drawn)
        still = Direction(
            mouth_move_strength=0.0, head_move_strength=0.0, eye_move_freq=0.0, video_fps=FPS
        )
        first = next(avatar.speak(voice, still))
        at_rest = int(np.abs(first.rgb().astype(np.int16) - as_frame).max())
        take = studio.take(
            f"outside_{Path(name).stem}",
            inputs.portrait(name),
            voice_path,
            template_id="active",
            head_move_strength=1.0,
        )
        decoded, flicker, mean = _decoded_changes(take, photo, always)
        before = float(drawn.max())
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
        f"Largest difference from the photograph, of 255, beyond the person's matte, in the "
        f"photograph and in the frame, grown by {OUTSIDE_FACES} face widths, and strands of hair "
        f"by {STRAND_FACES}; template active at full strength. 'Decoded' is where that holds for "
        "all frames, and includes what "
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


def rest(studio: Studio) -> Part:
    """With every strength at 0 each portrait is its photograph: lips, teeth, lids and all."""
    inputs = studio.inputs
    voice = read_voice(inputs.voice("en_woman_reading_22k.wav", 2.0))
    still = Direction(
        mouth_move_strength=0.0, head_move_strength=0.0, eye_move_freq=0.0, video_fps=FPS
    )
    rows: list[Row] = []
    names = QUICK_PORTRAITS if studio.quick and inputs.has_samples else inputs.portraits()
    for name in names:
        picture = read_picture(inputs.portrait(name), max_side_px=768)
        try:
            first = next(EmbeddedEngine().register(picture).speak(voice, still)).rgb()
        except PortravoxError as error:
            rows.append((Path(name).stem, "–", str(error)))
            continue
        photo = Planes.of(picture.pixels[: first.shape[0], : first.shape[1]]).rgb()
        apart = np.abs(first.astype(np.int16) - photo)
        rows.append((Path(name).stem, int(apart.max()), int((apart.max(axis=2) > 0).sum())))
    same = sum(row[1] == 0 for row in rows)
    return Part(
        "rest",
        "At rest",
        "The first frame with all strengths at 0 against the photograph, of 255: what the mouth "
        "shows, teeth or none, is what it showed.",
        ("portrait", "largest difference", "pixels that differ"),
        tuple(rows),
        (Check(f"{same} of {len(rows)} portraits are their photograph", same == len(rows)),),
    )


def gallery(studio: Studio) -> Part:
    """Every portrait, to be looked at."""
    inputs = studio.inputs
    names = inputs.portraits()
    if studio.quick:
        names = tuple(name for name in names if name in (ASTRONAUT, *QUICK_PORTRAITS))
    rows: list[Row] = []
    checks, pictures = [], []
    for i, name in enumerate(names):
        voice = inputs.voice(GALLERY_VOICES[i % len(GALLERY_VOICES)], 4.0)
        try:
            take = studio.take(
                f"gallery_{Path(name).stem}", inputs.portrait(name), voice, max_side_px=1024
            )
            track = take.track
        except (PortravoxError, ValueError) as error:
            rows.append((Path(name).stem, "–", "–", "–", "–", str(error)))
            checks.append(Check(f"{Path(name).stem}: {error}", False))
            continue
        asked = _asked_blinks(voice)
        blink = min(asked[0], len(track) - 1) if asked else 0
        seen = len(find_blinks(track.lid_opening, track.fps).frames)
        glare = lid_glare(take.video, track, blink)
        label = Path(name).stem
        checks.append(Check(f"{label}: {seen} of {len(asked)} blinks seen", seen == len(asked)))
        checks.append(
            Check(f"{label}: shut lids shine no more than open eyes ({glare:+.0f})", glare <= GLARE)
        )
        path = studio.out / "sheets" / f"{Path(name).stem}.png"
        contact_sheet(take.video, track, blink, path)
        pictures.append((name, str(path.relative_to(studio.out))))
        rows.append(
            (
                Path(name).stem,
                track.face_width_px,
                spread(track.lip_opening),
                jitter(track.skull).place,
                glare,
                "; ".join(take.notices),
            )
        )
    return Part(
        "gallery",
        "Contact sheets",
        "Four seconds each. First strip: over time. Second: the mouth from shut to widest. Third: "
        "the eyes around the first blink, frame by frame. 'Lid glare' is how much brighter the "
        "brightest hundredth around the eyes is in shut eyes than in the first frame, of 255.",
        ("portrait", "face px", "lip range", "trembling", "lid glare", "notices"),
        tuple(rows),
        tuple(checks),
        tuple(pictures),
    )


def _asked_blinks(voice: Path) -> list[int]:
    """The frame at which each blink that the animation asks for is deepest."""
    controls = direct(articulate(read_voice(voice)), Direction(video_fps=FPS))
    down = (controls["blink_left"] + controls["blink_right"]) / 2
    return [
        int(np.arange(first, last)[np.argmax(down[first:last])])
        for first, last in ((shut.start, shut.stop) for shut in segments(down > 0.5))
    ]


def _outside(pixels: UInt8, face: Face) -> Bool:
    """(H, W) true beyond the person, grown by OUTSIDE_FACES, and strands, by STRAND_FACES."""
    matte = person_matte(pixels, face)
    hair = strands(pixels, matte, face.width_px) > 0.0
    outside = _away_px(matte > MATTE_IS_PERSON) > OUTSIDE_FACES * face.width_px
    if hair.any():
        outside &= _away_px(hair) > STRAND_FACES * face.width_px
    return outside


def _away_px(place: Bool) -> Float32:
    """(H, W) distance from a place, px."""
    away: Float32 = cv2.distanceTransform(
        1 - place.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
    )
    return away


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
