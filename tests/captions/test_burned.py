"""Captions in the picture: readable, within the safe area, and only while they are due."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import ImageFont

from portravox.captions.burned import SAFE_SHARE, BurnedCaptions, caption_overlay
from portravox.captions.cues import Cue
from portravox.captions.fonts import font_for
from portravox.errors import SettingOutOfRange
from portravox.media.planes import Planes

LINES = ("My name is Pam, and I make maps", "for a living: 25 of them a year!")


@pytest.mark.parametrize("size", [(512, 512), (1920, 1080), (720, 1280), (96, 64)])
@pytest.mark.parametrize("lines", [LINES, LINES[:1], ("W" * 42, "W" * 42)])
def test_both_lines_lie_whole_within_the_safe_area(
    size: tuple[int, int], lines: tuple[str, ...]
) -> None:
    width_px, height_px = size
    overlay = caption_overlay(lines, font_for("".join(lines)), width_px, height_px)
    height, width = overlay.opacity.shape
    assert not (overlay.left_px % 2 or overlay.top_px % 2 or height % 2 or width % 2)
    margin = SAFE_SHARE * min(size)
    assert abs((overlay.left_px + width / 2) - width_px / 2) <= 2
    if width_px > 100:
        assert overlay.left_px >= SAFE_SHARE * width_px - 2
        assert overlay.top_px + height <= height_px - margin + 2
        assert height <= 0.25 * height_px
        ink = overlay.grey * overlay.opacity
        assert ink.max() > 0.9  # white letters
        assert ink[:, 0].max() < 0.1 and ink[:, -1].max() < 0.1  # none is cut off
    assert overlay.opacity[height // 2, 1] == pytest.approx(0.6, abs=0.01)  # a dark plate


def test_something_at_the_foot_stays_clear() -> None:
    overlay = caption_overlay(LINES, font_for("".join(LINES)), 512, 512, clear_px=80)
    assert overlay.top_px + overlay.opacity.shape[0] <= 512 - 80


def test_a_letter_that_the_font_lacks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")  # no fontconfig
    with pytest.raises(SettingOutOfRange, match="早") as told:
        font_for("Good morning, 早")
    assert "fonts-noto-cjk" in told.value.hint
    latin = tmp_path / "latin.ttf"
    latin.write_bytes(bytes(ImageFont.load_default(20).font_bytes))
    assert font_for("Good morning", latin)(20).getlength("Good") > 20
    with pytest.raises(SettingOutOfRange, match="早"):
        font_for("早", latin)


@pytest.mark.parametrize("content", [b"", b"no font"])
def test_what_is_no_font_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "font.ttf").write_bytes(content)
    for file in (tmp_path / "font.ttf", tmp_path / "missing.ttf"):
        with pytest.raises(SettingOutOfRange, match="captions_font"):
            font_for("Hello", file)


def test_a_caption_is_seen_from_its_first_to_its_last_frame_and_nowhere_else() -> None:
    cues = [Cue(0.2, 0.6, ("One",)), Cue(0.8, 1.0, ("two",))]
    burned = BurnedCaptions(cues, font_for("Onetwo"), width_px=128, height_px=128, fps=10)
    shown = []
    for number in range(12):
        frame = Planes.of(np.full((128, 128, 3), 128, np.uint8))
        before = frame.copy()
        stamp = burned.at(number)
        if stamp is not None:
            stamp.blend(frame.luma, frame.cb, frame.cr)
        changed = frame.luma != before.luma
        shown.append(bool(changed.any()))
        assert not changed[:64].any()  # the face is left alone
    assert [number for number, seen in enumerate(shown) if seen] == [2, 3, 4, 5, 8, 9]
