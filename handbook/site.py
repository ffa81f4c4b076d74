"""Builds the site: the pages of docs/, with what the code says put in where they ask for it.

Flow      docs/ -> site.write_pages -> out/handbook/pages -> zensical -> out/handbook/site

A line `<!-- from the code: NAME -->` asks for a section. It is put in when the site is built and is
never committed, so that it cannot be out of date (docs/decisions/0016).
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from handbook import (
    command_line,
    decisions,
    error_codes,
    http_api,
    inputs,
    metrics,
    options,
    python_api,
    settings,
)

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "out/handbook/pages"
SITE = ROOT / "out/handbook/site"
CONFIG = ROOT / "zensical.toml"

SECTIONS: Mapping[str, Callable[[], str]] = {
    "command line": command_line.section,
    "HTTP": http_api.section,
    "options": options.section,
    "Python": python_api.section,
    "settings": settings.section,
    "errors": error_codes.errors_section,
    "answers": error_codes.answers_section,
    "pictures": inputs.section,
    "decisions": decisions.section,
    "metrics": metrics.section,
}

PLACE = re.compile(r"^<!-- from the code: (.+?)( \(.*\))? -->$", re.MULTILINE)


def write_pages() -> None:
    """Lay the pages out for the generator. Raises KeyError for a section that does not exist."""
    shutil.rmtree(PAGES, ignore_errors=True)
    shutil.copytree(ROOT / "docs", PAGES)
    shutil.copy(ROOT / "portravox/studio/page/icon.svg", PAGES / "images/icon.svg")
    for page in PAGES.rglob("*.md"):
        written = page.read_text(encoding="utf-8")
        filled = PLACE.sub(lambda place: SECTIONS[place[1]](), written)
        if filled != written:
            page.write_text(filled, encoding="utf-8")


def build() -> int:
    """Build the site; returns the generator's exit status, not 0 for any warning."""
    write_pages()
    shutil.rmtree(SITE, ignore_errors=True)
    generate = (sys.executable, "-m", "zensical", "build", "--strict", "--clean")
    return subprocess.run([*generate, "--config-file", CONFIG], check=False).returncode


if __name__ == "__main__":
    sys.exit(build())
