"""The list of decisions, from their pages.

Flow      docs/decisions -> decisions -> docs/decisions/index.md
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parents[1] / "docs/decisions"


def section() -> str:
    """Titles with their numbers, the oldest first."""
    pages = sorted(FOLDER.glob("[0-9]*.md"))
    titles = [page.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ") for page in pages]
    return "\n".join(f"- [{t}]({p.name})" for t, p in zip(titles, pages, strict=True))
