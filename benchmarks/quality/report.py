"""Parts as a web page, as Markdown and as JSON.

Flow      Part -> report -> OUT/index.html, quality.md, quality.json
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, select_autoescape

from benchmarks.machine import Machine
from benchmarks.quality.chapter import Part


def write_report(out: Path, machine: Machine, parts: Sequence[Part]) -> None:
    """All three files."""
    facts = {"machine": machine.facts(), "parts": [asdict(part) for part in parts]}
    (out / "quality.json").write_text(json.dumps(facts, indent=1, default=float) + "\n")
    (out / "quality.md").write_text(markdown(machine, parts))
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape(["html"])
    )
    environment.filters["number"] = number
    page = environment.get_template("report.html").render(machine=machine, parts=parts)
    (out / "index.html").write_text(page)


def markdown(machine: Machine, parts: Sequence[Part]) -> str:
    """Tables and checks, without pictures."""
    lines = [f"Measured {machine.sentence()}.", ""]
    for part in parts:
        lines += [f"### {part.title}", "", part.about, ""]
        if part.skipped:
            lines += [f"Skipped: {part.skipped}.", ""]
        if part.rows:
            lines.append(f"| {' | '.join(part.columns)} |")
            lines.append("|" + "---|" * len(part.columns))
            lines += [f"| {' | '.join(number(cell) for cell in row)} |" for row in part.rows]
            lines.append("")
        lines += [f"- {'met' if c.met else '**missed**'}: {c.text}" for c in part.checks]
        lines += [f"- {name}: {number(value)}" for name, value in part.figures.items()]
        lines.append("")
    return "\n".join(lines)


def number(cell: object) -> str:
    """As few digits as tell something; words as they are."""
    if not isinstance(cell, float):
        return str(cell)
    if math.isnan(cell):
        return "–"
    if cell == int(cell) and abs(cell) < 1e6:
        return str(int(cell))
    return f"{cell:.1f}" if abs(cell) >= 10 else f"{cell:.3f}" if abs(cell) < 0.1 else f"{cell:.2f}"
