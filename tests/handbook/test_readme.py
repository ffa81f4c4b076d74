"""Both READMEs say the same."""

from __future__ import annotations

import re

from tests.handbook.examples import ROOT, blocks

ENGLISH, CHINESE = ROOT / "README.md", ROOT / "README.zh-CN.md"


def _without_comments(text: str) -> str:
    return re.sub(r"\s+# .*$", "", text, flags=re.MULTILINE)


def test_the_same_blocks_of_code():
    english, chinese = (
        [(block.language, _without_comments(block.text)) for block in blocks(page)]
        for page in (ENGLISH, CHINESE)
    )
    assert len(english) > 10
    assert chinese == english


def test_the_same_headings_tables_and_pictures():
    def shape(text: str) -> tuple[list[str], list[int], list[str]]:
        heads = [line.split()[0] for line in text.splitlines() if re.match(r"#+ ", line)]
        rows = [line.count("|") for line in text.splitlines() if line.startswith("|")]
        pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", text)
        return heads, rows, [re.sub(r"/(en|zh)-", "/", path) for path in pictures]

    assert shape(CHINESE.read_text(encoding="utf-8")) == shape(ENGLISH.read_text(encoding="utf-8"))


def test_the_same_figures():
    def figures(text: str) -> list[str]:
        tables = [line for line in text.splitlines() if re.match(r"\| \d+ px", line)]
        return re.findall(r"\d[\d.]*", " ".join(tables))

    english = figures(ENGLISH.read_text(encoding="utf-8"))
    assert len(english) > 15
    assert figures(CHINESE.read_text(encoding="utf-8")) == english
