"""How soon a person sees and hears a video, and how heavy the page is on the way.

Flow      a real server, headless Chromium -> Visit, Paint -> report.md, report.json

Run by `make page-report`. Figures are wall-clock time as a person meets it: with the clicks of a
program, which are quicker than a hand, and with the server on the same machine.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.machine import Machine, this_machine
from benchmarks.page.driving import (
    NO_BROWSER,
    OPTIONS,
    Running,
    Studio,
    find_browser,
    serving,
    until,
)
from benchmarks.page.firefox import find_firefox, firefox
from benchmarks.page.walk import ChromiumPage, walked

PAINTS = 5
"""Openings of each kind, of which the median is told."""

VIDEO_S = 5.0
"""The demo's voice is longer, and trimmed to this as a person would."""

WINDOW = {"width": 1280, "height": 900}

WALK_SIZES = ((390, 844), (768, 1024), (1100, 760), (1920, 1080), (2560, 1440))
EXAMPLE = "man"

SLOW_LATENCY_MS = 150
SLOW_KBIT_S = 1600
"""A slow phone network, as Lighthouse simulates it."""


@dataclass(frozen=True)
class Visit:
    """One way through, in seconds since the page was asked for."""

    usable_s: float
    """All scripts have run, and the one-time link has signed the browser in."""

    checked_s: float
    """Both examples were taken, the portrait checked, the voice cut to VIDEO_S."""

    preview_s: float | None
    """The first drawn frame was to be seen; None: the video was there before."""

    playing_s: float
    """The finished video moves."""

    violations: list[str]
    """What axe found, state by state: `state: rule`."""


@dataclass(frozen=True)
class Opening:
    """The page opened once."""

    requests: int
    wire_bytes: int
    """As they travelled: packed, with their headers."""

    sample_bytes: int
    """Of these, what an empty page fetches to play once it is usable."""

    first_paint_s: float
    usable_s: float


class Traffic:
    """What the browser's network says about one page."""

    def __init__(self, page: Any) -> None:
        self.session = page.context.new_cdp_session(page)
        self.session.send("Network.enable")
        self.requests = 0
        self.wire_bytes = 0
        self.sample_bytes = 0
        self._samples: set[str] = set()
        self.session.on("Network.responseReceived", self._look)
        self.session.on("Network.loadingFinished", self._weigh)

    def slow_down(self) -> None:
        """As a phone network does."""
        bytes_s = SLOW_KBIT_S * 1000 / 8
        self.session.send(
            "Network.emulateNetworkConditions",
            {
                "offline": False,
                "latency": SLOW_LATENCY_MS,
                "downloadThroughput": bytes_s,
                "uploadThroughput": bytes_s,
            },
        )

    def _look(self, event: dict[str, Any]) -> None:
        if event["response"]["url"].endswith("sample.mp4"):
            self._samples.add(event["requestId"])

    def _weigh(self, event: dict[str, Any]) -> None:
        travelled = int(event["encodedDataLength"])
        self.sample_bytes += travelled if event["requestId"] in self._samples else 0
        self.requests += travelled > 0  # else it came from the browser's own store
        self.wire_bytes += travelled


@contextmanager
def _open_page(browser: Any, **how: Any) -> Iterator[Any]:
    context = browser.new_context(viewport=WINDOW, locale="en-US", **how)
    try:
        yield context.new_page()
    finally:
        context.close()


def opened(page: Any, url: str, *, slow: bool = False) -> Opening:
    """Open the page and wait until it can be used."""
    traffic = Traffic(page)
    if slow:
        traffic.slow_down()
    begun = time.perf_counter()
    page.goto(url)
    page.wait_for_selector("html[data-ready]")
    usable_s = time.perf_counter() - begun
    until(page, "performance.getEntriesByName('first-contentful-paint').length > 0")
    paint_ms = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    # What ends after the page is usable: the icon, and what an empty page plays.
    until(page, "document.querySelector('#sample video').readyState >= 2")
    page.wait_for_timeout(300)
    traffic.session.detach()
    return Opening(
        traffic.requests, traffic.wire_bytes, traffic.sample_bytes, paint_ms / 1000, usable_s
    )


def openings(browser: Any, url: str, *, warm: bool = False, slow: bool = False) -> Opening:
    """The median of several; each with an empty store, unless it is to be warm."""
    seen: list[Opening] = []
    for _ in range(PAINTS):
        with _open_page(browser) as page:
            if warm:
                opened(page, url)
                page.goto("about:blank")
            seen.append(opened(page, url, slow=slow))
    return Opening(
        requests=seen[0].requests,
        wire_bytes=round(median(one.wire_bytes for one in seen)),
        sample_bytes=round(median(one.sample_bytes for one in seen)),
        first_paint_s=median(one.first_paint_s for one in seen),
        usable_s=median(one.usable_s for one in seen),
    )


def visited(browser: Any, link: str, *, look: bool = False) -> Visit:
    """From opening the page to a video that plays. With `look`, axe looks at each state, and the
    times are of no use."""
    violations: list[str] = []

    # axe is put into the page as a script of its own, which our policy would stop.
    with _open_page(browser, bypass_csp=look, reduced_motion="reduce" if look else None) as page:

        def state(name: str) -> float:
            passed_s = time.perf_counter() - begun
            if look:
                violations.extend(f"{name}: {rule}" for rule in _violations(page))
            return passed_s

        studio = Studio(page, Path())
        begun = time.perf_counter()
        page.goto(link)
        page.wait_for_selector("html[data-ready]")
        usable_s = state("empty")
        studio.take_examples()
        studio.trim_to(VIDEO_S)
        checked_s = state("filled")
        studio.make()
        preview = "document.querySelector('#stage [data-part=preview]')"
        video = "document.querySelector('#stage video')"
        drawn = f"getComputedStyle({preview}.parentElement, '::after').content === 'none'"
        until(page, f"{drawn} || {video}.readyState >= 2", timeout=120_000)
        shown = page.evaluate(f"{preview}.checkVisibility()")
        preview_s = state("running") if shown else None
        studio.finished()
        state("finished")
        if look:  # who asks for less motion presses the button
            page.click("#stage [data-do=play]")
        until(page, f"{video}.currentTime > 0")
        playing_s = time.perf_counter() - begun
        length_s = page.evaluate(f"{video}.duration")
        assert abs(length_s - VIDEO_S) < 0.1, f"a video of {length_s} s was measured"
    return Visit(usable_s, checked_s, preview_s, playing_s, violations)


def _violations(page: Any) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    return [found["id"] for found in Axe().run(page).response["violations"]]


def measure(program: str, player: Any, folder: Path) -> dict[str, Any]:
    """Everything, against a server of its own."""
    with serving(folder / "data", log=folder / "server-log.txt") as server:
        browser = player.chromium.launch(executable_path=program, args=list(OPTIONS))
        try:
            # The first way through also starts the server's workers.
            first = visited(browser, server.link())
            second = visited(browser, server.link())
            looked_at = visited(browser, server.link(), look=True)
            return {
                "browser": browser.version,
                "cold": asdict(openings(browser, server.url)),
                "warm": asdict(openings(browser, server.url, warm=True)),
                "slow": asdict(openings(browser, server.url, slow=True)),
                "first_visit": asdict(first),
                "second_visit": asdict(second),
                "violations": looked_at.violations,
                "walks": walks(browser, server),
            }
        finally:
            browser.close()


def walks(browser: Any, server: Running) -> dict[str, dict[str, Any]]:
    """The shortest way, at several widths, in each browser that is there."""
    found: dict[str, dict[str, Any]] = {}
    for width, height in WALK_SIZES:
        with _open_page(browser) as page:
            one = walked(
                ChromiumPage(page), server.link(), width=width, height=height, example=EXAMPLE
            )
        found[f"Chromium, {width} px"] = asdict(one)
    program = find_firefox()
    if program is None:
        return found
    with firefox(program) as fox:
        for width, height in WALK_SIZES:
            tab = fox.tab(width=width, height=height)
            one = walked(tab, server.link(), width=width, height=height, example=EXAMPLE)
            tab.close()
            found[f"Firefox, {width} px"] = asdict(one)
    return found


def markdown(machine: Machine, facts: dict[str, Any]) -> str:
    """The tables."""
    lines = [
        f"Measured {machine.sentence()}; headless Chromium {facts['browser'].split('.')[0]} on the"
        " same machine.",
        "",
        "| from opening the page to … (seconds) | first video of a server | the next |",
        "|---|---|---|",
    ]
    steps = {
        "usable_s": "signed in and usable",
        "checked_s": "both examples taken, checked, trimmed",
        "preview_s": "the first drawn frame",
        "playing_s": f"**the {VIDEO_S:.0f}-s video plays**",
    }
    for name, words in steps.items():
        values = (facts[visit][name] for visit in ("first_visit", "second_visit"))
        shown = ("–" if value is None else f"{value:.1f}" for value in values)
        lines.append(f"| {words} | {' | '.join(shown)} |")
    lines += [
        "",
        "| the page opened | requests | kB over the wire | of these the sample | first paint s |"
        " usable s |",
        "|---|---|---|---|---|---|",
    ]
    kinds = {
        "cold": "for the first time",
        "warm": "again",
        "slow": f"for the first time, {SLOW_LATENCY_MS} ms and {SLOW_KBIT_S / 1000:g} Mbit/s away",
    }
    for name, words in kinds.items():
        one = facts[name]
        lines.append(
            f"| {words} | {one['requests']} | {one['wire_bytes'] / 1000:.0f}"
            f" | {one['sample_bytes'] / 1000:.0f} | {one['first_paint_s']:.2f}"
            f" | {one['usable_s']:.2f} |"
        )
    lines += [
        "",
        "| by an example (10 s of voice) | clicks | px scrolled | s from Make to a moving picture |"
        " to the finished video |",
        "|---|---|---|---|---|",
    ]
    for name, one in facts["walks"].items():
        lines.append(
            f"| {name} | {one['clicks']} | {one['scrolled_px']} | {one['make_to_moving_s']:.1f}"
            f" | {one['make_to_finished_s']:.1f} |"
        )
    found = facts["violations"]
    told = ", ".join(found) if found else "no violations"
    return "\n".join([*lines, "", f"axe, in four states on the way: {told}."]) + "\n"


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-o", "--out", type=Path, default=Path("out/page"))
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    machine = this_machine()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as player:
        program = find_browser()
        if program is None:
            raise SystemExit(NO_BROWSER)
        facts = measure(program, player, Path(folder))
    (out / "report.json").write_text(
        json.dumps({"machine": machine.facts(), **facts}, indent=1) + "\n"
    )
    (out / "report.md").write_text(markdown(machine, facts))
    print((out / "report.md").read_text())


if __name__ == "__main__":
    main()
