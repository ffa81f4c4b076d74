"""Our articulation beside plainer methods: a summary of `benchmarks.articulation` for the report.

Flow      Studio -> benchmarks.articulation -> articulation -> Part
"""

from __future__ import annotations

import math
from pathlib import Path

from benchmarks.articulation.bench import Bench
from benchmarks.articulation.english import aligned_english
from benchmarks.articulation.faces import MEAN_GOAL, STUDIO_GOAL, talking_faces
from benchmarks.quality.chapter import Part, Row
from benchmarks.quality.studio import Studio

CACHE = Path("out/articulation/cache")
"""Shared with `python -m benchmarks.articulation`."""

FACE_GOALS = {"mean, r": MEAN_GOAL, "studio mean, r": STUDIO_GOAL}


def articulation(studio: Studio) -> Part:
    """Every figure that has a goal, ours beside the baselines."""
    bench = Bench(studio.inputs.samples, CACHE, studio.quick)
    about = (
        "What the curves find of real speech before anything is drawn, beside methods that follow "
        "rules or the loudness, and a phone recogniser. All figures: `python -m "
        "benchmarks.articulation`."
    )
    english, faces = aligned_english(bench), talking_faces(bench)
    rows: list[Row] = [
        (f"{part.title}: {row[0]}", *row[1:])
        for part in english
        for row in part.rows
        if not math.isnan(float(row[1]))
    ]
    rows += [
        (f"{part.title}: {row[0]}", FACE_GOALS[str(row[0])], *row[1:])
        for part in faces
        for row in part.rows
        if row[0] in FACE_GOALS
    ]
    if not rows:
        return Part("articulation", "Articulation", about, skipped=english[0].skipped)
    checks = tuple(check for part in (*english, *faces) for check in part.checks)
    columns = next(part.columns for part in english if part.columns)
    return Part("articulation", "Articulation", about, columns, tuple(rows), checks)
