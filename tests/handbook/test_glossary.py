"""The glossary names modules and types that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| (?P<term>[^|]+) \| (?P<meaning>[^|]+) \|[^|]*\| (?P<home>[^|]+) \|$", re.M)


def rows() -> list[re.Match[str]]:
    text = (ROOT / "docs" / "glossary.md").read_text()
    return [row for row in ROW.finditer(text) if row["term"] not in ("term", "---")]


def test_every_term_has_a_meaning_and_a_home_that_exists() -> None:
    assert len(rows()) > 40
    for row in rows():
        paths = [
            name for name in re.findall(r"`([^`]+)`", row["home"]) if "/" in name or "." in name
        ]
        assert paths, row["term"]
        for path in paths:
            assert (ROOT / "portravox" / path).exists(), f"{row['term']}: {path}"


def test_named_types_are_defined_where_the_glossary_says() -> None:
    named = 0
    for row in rows():
        path, *types = re.findall(r"`([^`]+)`", row["home"])
        for name in types:
            if name.isidentifier():
                source = (ROOT / "portravox" / path).read_text()
                assert re.search(rf"^class {name}\b", source, re.M), f"{row['term']}: {name}"
                named += 1
    assert named >= 3


def test_each_term_stands_once() -> None:
    terms = [row["term"] for row in rows()]
    assert len(terms) == len(set(terms))
