"""docs/security.md and docs/laws.md name a test for what they promise, and each of them exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
LABELS, LAWS = (
    (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("labels.md", "laws.md")
)

_DEFINED = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)

NO_PROMISE = (
    "| |",  # heads of tables
    "| promise |",
    "Whoever submits a task",
    "Decoders have holes",
    "What remains:",
    "The tests try each way out",
    "It needs Linux",
    "What decoding will cost",
    "What such a process says",
    "| keys: id, name",  # until somebody removes the file
    "| what a restore replaced",
    "| recordings and pictures in the studio",
    "| what a video was made of",
)
"""How paragraphs begin that lead to others, or say what is not promised, or what lies elsewhere."""

NO_PROMISES = ("# Security", "## What remains yours")
"""Sections that promise nothing."""


def paragraphs(text: str) -> list[str]:
    """Paragraphs, items and rows of promising sections, each in one line."""
    found = [""]
    promises = True
    for line in text.splitlines():
        if line.startswith("#"):
            promises = not line.startswith(NO_PROMISES)
        if not promises or not line.strip() or line.startswith(("#", "|--")):
            found.append("")
        elif line.startswith(("- ", "|")) or not found[-1]:
            found.append(line)
        else:
            found[-1] += " " + line.strip()
    return [paragraph for paragraph in found if paragraph]


@pytest.mark.parametrize(
    ("page", "least"), [(PAGE, 70), (LABELS, 15), (LAWS, 20)], ids=["security", "labels", "laws"]
)
def test_every_test_that_a_page_names_exists(page: str, least: int) -> None:
    files = list((ROOT / "tests").rglob("test_*.py"))
    known = {file.name for file in files}
    for file in files:
        known.update(_DEFINED.findall(file.read_text(encoding="utf-8")))
    named = set(re.findall(r"\btest_\w+(?:\.py)?", page))
    assert len(named) > least
    assert named - known == set()


def test_every_folder_and_file_that_the_page_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/.]+)`", PAGE)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("promise", paragraphs(PAGE))
def test_every_promise_names_its_test(promise: str) -> None:
    assert "test" in promise or "the same" in promise or promise.startswith(NO_PROMISE)


@pytest.mark.parametrize("demand", re.findall(r"^\| (?!asked|--)(.+) \|$", LAWS, re.MULTILINE))
def test_every_demand_of_a_law_has_a_test_or_says_whose_it_is(demand: str) -> None:
    _, _, met, test = demand.split(" | ")
    assert "`test_" in test or test == "none"
    assert test != "none" or met.startswith(("yours", "not met"))
