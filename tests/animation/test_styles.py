"""The three templates are three degrees of the same thing."""

from __future__ import annotations

from dataclasses import fields

from portravox.animation.styles import STYLES, Style
from portravox.options import TEMPLATES


def test_each_template_has_a_style():
    assert tuple(STYLES) == TEMPLATES


def test_every_number_grows_from_calm_to_active():
    calm, normal, active = STYLES.values()
    for field in fields(Style):
        if field.name not in ("looks_away", "brow_raise"):
            grown = [getattr(style, field.name) for style in (calm, normal, active)]
            assert grown[0] < grown[1] < grown[2], field.name
    assert calm.brow_raise < normal.brow_raise < active.brow_raise
