"""The built site: whole, true to the code, and on its own."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from handbook import error_codes, site
from handbook.command_line import commands
from handbook.metrics import families
from portravox import errors
from portravox.options import OPTIONS
from portravox.service.settings import ServiceSettings


class _Page(HTMLParser):
    """Where a page leads to, what it loads, and where one can go within it."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.ids: set[str] = set()
        self.clips: list[dict[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "video":
            self.clips.append(given)
        self.ids |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and given.get("rel") not in ("canonical", "prev", "next"):
            self.loaded.append(given["href"])
        self.loaded += [given[name] for name in ("src", "poster", "data") if name in given]


@pytest.fixture(scope="module")
def pages() -> dict[Path, _Page]:
    """The site, built anew; a warning of the generator fails."""
    assert site.build() == 0
    found = {}
    for path in site.SITE.rglob("*.html"):
        found[path] = _Page()
        found[path].feed(path.read_text(encoding="utf-8"))
    return found


def _local(pages: dict[Path, _Page]) -> Iterator[tuple[Path, str, Path, str]]:
    """(page, address, the file it means, its fragment) of all that leads into the site."""
    for path, page in pages.items():
        if path.name == "404.html":  # its addresses count from the root of a server
            continue
        for address in (*page.links, *page.loaded):
            parts = urlsplit(address)
            if not parts.scheme and not parts.netloc:
                target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
                yield path, address, target, unquote(parts.fragment)


def test_every_link_leads_somewhere(pages):
    followed = 0
    for path, address, target, fragment in _local(pages):
        followed += 1
        if target.is_dir():
            target = target / "index.html"
        assert target.is_file(), f"{path.name}: {address}"
        if fragment and target in pages:
            assert fragment in pages[target].ids, f"{path.name}: {address}"
    assert followed > 500


def test_nothing_is_fetched_from_another_host(pages):
    loaded = [address for page in pages.values() for address in page.loaded]
    assert len(loaded) > 100
    assert [a for a in loaded if urlsplit(a).netloc or urlsplit(a).scheme not in ("", "data")] == []
    for style in site.SITE.rglob("*.css"):
        assert "url(http" not in style.read_text(encoding="utf-8").replace('"', "")


UNSEEN = {
    "max_side",
    "quality",
    "transcript",
    "language",
    "label_s",
    "engine",
    "text",
    "voice_name",
}
"""Options that no picture of 240 px shows: of work, of sound, or of time."""


def test_whatever_is_seen_of_an_option_is_shown(pages):
    shown = pages[site.SITE / "parameters.html"].loaded
    for name in set(OPTIONS) - UNSEEN:
        assert any(f"/{name}.webp" in address for address in shown), name


def test_clips_play_by_themselves_without_sound(pages):
    clips = [clip for page in pages.values() for clip in page.clips]
    assert len(clips) > 8
    for clip in clips:
        assert {"autoplay", "muted", "loop", "playsinline", "controls", "poster"} <= set(clip)


def test_the_search_comes_along_for_a_site_in_a_folder(pages):
    assert pages
    written = (site.SITE / "search.js").read_text(encoding="utf-8")
    index, end = json.JSONDecoder().raw_decode(written, written.index("{"))
    assert index == json.loads((site.SITE / "search.json").read_text(encoding="utf-8"))
    assert "extends Worker" in written[end:]


def test_every_page_is_in_the_menu(pages):
    assert pages

    def named(entries: list[dict[str, object]]) -> Iterator[str]:
        for entry in entries:
            for value in entry.values():
                if isinstance(value, str):
                    yield value
                else:
                    yield from named(value)  # type: ignore[arg-type]

    menu = set(named(tomllib.loads(site.CONFIG.read_text(encoding="utf-8"))["project"]["nav"]))
    docs = site.ROOT / "docs"
    there = {str(p.relative_to(docs)) for p in docs.rglob("*.md")}
    decisions = {name for name in there if name.startswith("decisions/")}
    assert menu == there - decisions | {"decisions/index.md"}


def test_no_place_for_what_the_code_says_is_left_empty(pages):
    assert pages
    for page in site.PAGES.rglob("*.md"):
        assert not site.PLACE.search(page.read_text(encoding="utf-8")), page.name
    text = {p.stem: p.read_text(encoding="utf-8") for p in (site.PAGES / "reference").iterdir()}
    for name, command in commands():
        assert f"## {name} " in text["cli"]
        assert all(
            f"`{option}" in text["cli"]
            for p in command.params
            for option in p.opts
            if "-" in option
        )
    assert all(f"| `{name}` |" in text["settings"] for name in ServiceSettings.model_fields)
    monitoring = (site.PAGES / "monitoring.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in monitoring for name in families())


def test_every_error_has_advice_and_no_advice_is_for_nothing(pages):
    assert pages
    codes = {kind.code for kind in error_codes.error_classes()}
    assert set(error_codes.ADVICE["errors"]) == codes
    assert set(error_codes.ADVICE["answers"]) == set(error_codes.answers())
    assert errors.PictureUnreadable in error_codes.error_classes()
    written = (site.PAGES / "troubleshooting.md").read_text(encoding="utf-8")
    assert all(f"<code>{code}</code>" in written or f"`{code}`" in written for code in codes)
