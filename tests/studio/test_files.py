"""The page's files: whole, and in two languages that say the same things."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from portravox.studio.files import page

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "portravox" / "studio" / "page"


def entries(language: str) -> dict[str, str]:
    source = (FOLDER / "texts" / f"{language}.js").read_text(encoding="utf-8")
    found = re.findall(r'^  "([^"]+)": "(.*)",$', source, re.MULTILINE)
    assert len(found) == source.count('":')
    return dict(found)


def test_both_languages_say_the_same_things() -> None:
    english, chinese = entries("en"), entries("zh")
    assert list(english) == list(chinese)
    for key, words in english.items():
        assert words and chinese[key]
        gaps = re.compile(r"\{\w+\}")
        assert sorted(gaps.findall(words)) == sorted(gaps.findall(chinese[key])), key


def test_every_text_that_the_markup_asks_for_is_there() -> None:
    markup = page().index.content.decode()
    wanted = set(re.findall(r'data-(?:text|label)="([^"]+)"', markup))
    assert len(wanted) > 50
    assert wanted <= set(entries("en"))


def test_modules_name_only_files_that_are_served() -> None:
    files = page().files
    for name, file in files.items():
        if not name.endswith(".js"):
            continue
        for path in re.findall(r'^(?:import|\} from).*"(\.[^"]+)";$', file.content.decode(), re.M):
            reached = (FOLDER / name).parent.joinpath(path).resolve().relative_to(FOLDER)
            assert reached.as_posix() in files, name


def test_the_browser_hears_of_all_modules_at_once() -> None:
    current = page()
    markup = current.index.content.decode()
    hinted = re.findall(
        rf'<link rel="modulepreload" href="studio/{current.version}/([^"]+)">', markup
    )
    modules = {name for name in current.files if name.endswith(".js")}
    apart = {"app.js", "early.js", "worklets/capture.js"}  # a script, a script, not for this page
    assert sorted(hinted) == sorted(modules - apart)
    assert "<!--" not in markup and "@assets" not in markup


def test_scripts_never_write_markup() -> None:
    for name, file in page().files.items():
        if name.endswith((".woff2", ".mp4")):
            continue
        assert not re.search(
            rb"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", file.content
        )
        assert b"http" + b"://" not in file.content.replace(b"http://www.w3.org/2000/svg", b""), (
            name
        )


@pytest.mark.parametrize(
    ("guide", "language", "named"),
    [
        ("studio.md", "en", r"(?<!\*)\*([^*\n]+)\*(?!\*)"),
        ("studio.zh-CN.md", "zh", r"“([^”]+)”"),
    ],
)
def test_the_guide_names_buttons_as_the_page_does(guide: str, language: str, named: str) -> None:
    names = set(re.findall(named, (ROOT / "docs" / guide).read_text(encoding="utf-8")))
    assert len(names) > 15
    assert names - {"CC"} <= set(entries(language).values())
