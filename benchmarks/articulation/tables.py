"""Parts as Markdown and as JSON.

Flow      Part -> tables -> OUT/articulation.md, OUT/results.json (read by the network's card)
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.machine import Machine
from benchmarks.quality.chapter import Part
from benchmarks.quality.report import markdown


def write_tables(out: Path, machine: Machine, parts: Sequence[Part]) -> None:
    """Both files; parts of earlier runs stay in the JSON until they are measured again."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / "results.json"
    kept = json.loads(path.read_text("utf-8")) if path.exists() else {}
    for part in parts:
        kept[part.key] = {"machine": machine.facts(), **as_facts(part)}
    path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", "utf-8")
    (out / "articulation.md").write_text(markdown(machine, parts), "utf-8")


def as_facts(part: Part) -> Mapping[str, object]:
    """A part for JSON: `rows` is label -> column -> cell; what is not a number is null."""
    rows = {
        str(row[0]): {
            column: None if isinstance(cell, float) and math.isnan(cell) else cell
            for column, cell in zip(part.columns[1:], row[1:], strict=True)
        }
        for row in part.rows
    }
    return {
        "title": part.title,
        "about": part.about,
        "rows": rows,
        "checks": [asdict(check) for check in part.checks],
        "figures": dict(part.figures),
        "skipped": part.skipped,
    }
