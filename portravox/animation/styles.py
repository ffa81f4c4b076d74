"""Styles: the three templates in numbers.

Flow      Direction.template_id -> Style -> animation.head, gaze, brows, smile
"""

from __future__ import annotations

from dataclasses import dataclass

TABLE_STRENGTH = 0.7
"""The head_move_strength at which the head's numbers below hold; they grow in proportion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How much one template moves. All numbers are our choice."""

    yaw_sway_deg: float
    pitch_sway_deg: float
    roll_sway_deg: float
    """Standard deviations of the slow movement."""

    nod_deg: float
    """Depth of a nod on the heaviest stress."""

    beat_deg: float
    """Standard deviation of the small poses that are taken up with the stresses."""

    limit_deg: float
    """No axis leaves ± this, at any strength: the picture has nothing behind the ears."""

    speed_limit_deg_s: float
    """The head turns slower than this 95 % of the time. In a published evaluation 10 to 14
    looked natural and 40 hurried."""

    shift_face_widths: float
    """Standard deviation of the translation, each way."""

    brow_raise: tuple[float, float]
    """Lift of the brows on the lightest and on the heaviest stress, 0..1."""

    brow_set: float
    """Standard deviation of how the brows are set for a phrase, as brow_raise or brow_lower."""

    brow_follow: float
    """How far the brows follow the voice's pitch, as brow_raise or brow_lower."""

    smile: float
    """Largest smile while speaking, 0..1."""

    looks_away: bool
    """Whether the eyes leave the camera now and then."""


STYLES = {
    "calm": Style(
        yaw_sway_deg=0.6,
        pitch_sway_deg=0.5,
        roll_sway_deg=0.3,
        nod_deg=0.6,
        beat_deg=0.5,
        limit_deg=3.0,
        speed_limit_deg_s=4.0,
        shift_face_widths=0.002,
        brow_raise=(0.15, 0.4),
        brow_set=0.08,
        brow_follow=0.06,
        smile=0.1,
        looks_away=False,
    ),
    "normal": Style(
        yaw_sway_deg=1.6,
        pitch_sway_deg=1.2,
        roll_sway_deg=0.8,
        nod_deg=1.8,
        beat_deg=1.6,
        limit_deg=7.0,
        speed_limit_deg_s=12.0,
        shift_face_widths=0.005,
        brow_raise=(0.3, 0.8),
        brow_set=0.2,
        brow_follow=0.15,
        smile=0.15,
        looks_away=False,
    ),
    "active": Style(
        yaw_sway_deg=3.0,
        pitch_sway_deg=2.0,
        roll_sway_deg=1.6,
        nod_deg=3.0,
        beat_deg=2.6,
        limit_deg=12.0,
        speed_limit_deg_s=22.0,
        shift_face_widths=0.01,
        brow_raise=(0.4, 1.0),
        brow_set=0.26,
        brow_follow=0.2,
        smile=0.2,
        looks_away=True,
    ),
}
