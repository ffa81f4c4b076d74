"""Direction: the choices a caller has about how the person moves.

The names, ranges and defaults are those of the DashScope `liveportrait` service.
"""

from __future__ import annotations

from dataclasses import dataclass

from portravox.errors import SettingOutOfRange

TEMPLATES = ("calm", "normal", "active")


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """Checked once, never changed."""

    template_id: str = "normal"
    """calm (presenting), normal (any use) or active (singing): how much the head moves."""

    eye_move_freq: float = 0.5
    """Blinks per second, 0..1. 0: none."""

    video_fps: int = 24
    """Frames per second, 15..30."""

    mouth_move_strength: float = 1.0
    """0..1.5. 0: the mouth does not move."""

    head_move_strength: float = 0.7
    """0..1. 0: the head does not move."""

    paste_back: bool = True
    """True: the whole picture. False: a square around the face, body dropped."""

    seed: int = 0
    """Same seed, same inputs: same video."""

    def __post_init__(self) -> None:
        if self.template_id not in TEMPLATES:
            raise SettingOutOfRange("template_id", self.template_id, "calm, normal or active")
        _check_number("eye_move_freq", self.eye_move_freq, 0.0, 1.0)
        _check_number("mouth_move_strength", self.mouth_move_strength, 0.0, 1.5)
        _check_number("head_move_strength", self.head_move_strength, 0.0, 1.0)
        whole = isinstance(self.video_fps, int) and not isinstance(self.video_fps, bool)
        if not whole or not 15 <= self.video_fps <= 30:
            raise SettingOutOfRange("video_fps", self.video_fps, "a whole number from 15 to 30")
        if not isinstance(self.paste_back, bool):
            raise SettingOutOfRange("paste_back", self.paste_back, "true or false")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise SettingOutOfRange("seed", self.seed, "a whole number from 0")


def _check_number(name: str, value: float, low: float, high: float) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not low <= value <= high:  # a NaN fails the comparison too
        raise SettingOutOfRange(name, value, f"a number from {low:g} to {high:g}")
