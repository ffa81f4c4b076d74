"""Builds the site: the pages of docs/, with what the code says put in where they ask for it.

Flow      docs/ -> site.write_pages -> out/handbook/pages -> zensical -> out/handbook/site

A line `<!-- from the code: NAME -->` asks for a section. It is put in when the site is built and is
never committed, so that it cannot be out of date (docs/decisions/0016).
"""

from __future__ import annotations

import json
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
    status = subprocess.run([*generate, "--config-file", CONFIG], check=False).returncode
    if status == 0:
        write_file_search(SITE)
    return status


def write_file_search(built: Path) -> None:
    """Let the search work where the site is opened from a folder.

    A page from a folder may load scripts alone: neither the index, which is JSON, nor a worker. The
    generator's page asks for `search.js` then, which it does not write: it gets the index, and a
    `Worker` that takes the search's code from here.
    """
    index = (built / "search.json").read_text(encoding="utf-8")
    (worker,) = (built / "assets/javascripts/workers").glob("search.*.js")
    code = json.dumps(worker.read_text(encoding="utf-8"))
    (built / "search.js").write_text(
        f"var __index = {index};\n" + _FILE_WORKER.replace("CODE", code), encoding="utf-8"
    )


_FILE_WORKER = """globalThis.Worker = class extends Worker {
  constructor() {
    super(URL.createObjectURL(new Blob([CODE], { type: "text/javascript" })));
  }
};
"""


if __name__ == "__main__":
    sys.exit(build())
