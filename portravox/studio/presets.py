"""The presets of the studio: starting points for a direction, each with a clip of how it looks.

Flow      presets -> service.routes.studio -> the page ; handbook.pictures -> page/clips
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from portravox.options import ORIGINAL

PRESETS: Mapping[str, Mapping[str, object]] = MappingProxyType(
    {
        "news": {"template_id": "calm", "head_move_strength": 0.4, "eye_move_freq": 0.4},
        "natural": {},
        "song": {"template_id": "active", "head_move_strength": 1.0, "mouth_move_strength": 1.2},
    }
)
"""By name: what differs from the defaults. `natural` is the defaults. Our choice."""

ABOUT = tuple(name for name in ORIGINAL if name not in ("paste_back", "video_fps"))
"""The options that a preset sets: how the person moves, and not what the file is like."""


def preset_values(name: str) -> dict[str, object]:
    """All that a preset sets, with defaults for what it does not name."""
    return {**{about: ORIGINAL[about].default for about in ABOUT}, **PRESETS[name]}
