"""The options as the studio's page needs them to build its controls, and its presets.

Flow      portravox.options -> option_controls -> routes.studio -> page/direction.js
          presets -> handbook.pictures -> the clips of the page's cards
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from portravox.options import OPTIONS, ORIGINAL, Choice, Option, Real, Text, Truth, Whole, Words
from portravox.pipeline import ENGINES
from portravox.service.tasks.queue import Json


def option_controls(engines: tuple[str, ...] = ENGINES[:1]) -> list[Json]:
    """Every option of which there is something to choose, in order: JSON.

    engines   those that the server offers, the default first
    """
    described = (_described(option, engines) for option in OPTIONS.values())
    return [control for control in described if control.get("values") is None or _several(control)]


def _several(control: dict[str, Json]) -> bool:
    values = control["values"]
    return isinstance(values, list) and len(values) + ("none" in control) > 1


def _described(option: Option, engines: tuple[str, ...]) -> dict[str, Json]:
    control = option.control
    described: dict[str, Json] = {
        "name": option.name,
        "default": engines[0] if option.name == "engine" else option.default,
        "ours": not option.original,
        "control": control.kind,
        "advanced": control.advanced,
        "title": _texts(option.title),
        "help": _texts(option.help),
    }
    if option.flag:
        described["flag"] = option.flag
    if option.none is not None:
        described["none"] = _texts(option.none)
    if option.unit is not None:
        described["unit"] = _texts(option.unit)
    if control.suggestions:
        described["suggestions"] = list(control.suggestions)
    if control.random_below is not None:
        described["random_below"] = control.random_below
    match option.kind:
        case Real(low, high) | Whole(low, high):
            described |= {"min": low, "max": high, "step": control.step}
        case Text(max_characters=most):
            described["max_characters"] = most
    if control.kind in ("choice", "background"):
        described["values"] = [
            {"value": value, "title": _texts(option.value_titles.get(value) or _itself(value))}
            for value in _values(option, engines)
        ]
    return described


def _values(option: Option, engines: tuple[str, ...]) -> list[str | bool]:
    match option.kind:
        case Truth():
            return [True, False]
        case Choice(names):
            return [*(option.control.offered or names)]
        case Text() if option.control.kind == "background":
            return [name for name in option.value_titles if isinstance(name, str)]
        case _:
            return [*engines]


def _itself(value: object) -> Words:
    return Words(str(value), str(value))


def _texts(words: Words) -> Json:
    return {"en": words.en, "zh": words.zh}


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
