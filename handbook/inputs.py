"""The table of what becomes of pictures, from the verdict on each of them.

Flow      docs/images/inputs -> portravox.face.verdict -> inputs -> docs/inputs.md
"""

from __future__ import annotations

from pathlib import Path

import portravox
from handbook.markdown import code, table
from portravox.face.verdict import Verdict, judge

FOLDER = Path(__file__).parents[1] / "docs/images/inputs"


def verdicts() -> dict[str, Verdict]:
    """What `portravox check` says about each picture, the good ones first."""
    judged = {path.stem: judge(portravox.read_picture(path)) for path in FOLDER.glob("*.webp")}
    return dict(sorted(judged.items(), key=lambda entry: (not entry[1].passed, entry[0])))


def section() -> str:
    """Pictures beside what is said about them."""
    rows = []
    for name, verdict in verdicts().items():
        said = "; ".join((verdict.message, *verdict.notices))
        answer = "yes" if verdict.passed else f"no: {code(verdict.code)}"
        picture = f"![{name.replace('-', ' ')}](images/inputs/{name}.webp){{ width=160 }}"
        rows.append((picture, answer, said, verdict.hint))
    return table(("", "will it do", "`portravox check` says", "hint"), rows)
