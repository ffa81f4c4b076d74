"""Whether a server that works for an hour holds more and more: memory, descriptors, threads, tasks.

Flow      portravox serve <- mixed_requests, renders one after another; /proc -> growth -> verdict
Gives     OUT/soak.json, soak.md, server.log (what the server said); status 1 where something grew
          beyond its limit, a task was lost, or an answer is none that such a request may have

    python -m benchmarks.soak -o out/soak [--minutes 60] [--per-s 30] [--render-every 30]
    python -m benchmarks.soak -o out/requests --requests 100000      # as fast as they are answered

The limits are for a machine that does other things as well: nothing here is a speed. In the
beginning everything that is made once is made, caches fill, threads start: what was held then does
not count.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from benchmarks.growth import Growth, Sample, growth, processes_of
from benchmarks.load import LIMITS, Client, Server, body, files_at, silence, write_picture
from benchmarks.machine import Machine, this_machine
from benchmarks.mixed_requests import Sender, Tally, Targets
from benchmarks.speed import demo_voice, looped
from portravox.media.plain_files import write_wav
from portravox.service.keys import ApiKeys

API_KEYS = 4

SENDERS = 4

SAMPLES_APART_S = 5.0
"""Or a two-hundredth of what is sent, where that comes sooner."""

WARM_UP = 0.1
"""Share of the time, or of the requests, that does not count. Our choice."""

REST_S = 20.0
"""How long everything rests in the end, before it is looked at for the last time: longer than a
connection that a client left may stay, shorter than one that is kept alive."""

SIDE_PX, VOICE_S = 256, 1.2
"""Of the videos: short, so that many are made."""

ENDS_WITHIN_S = 120.0
"""So long after the last request the last task has to have ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long, and how much."""

    minutes: float
    per_s: float
    """Requests; 0 for as many as are answered."""

    requests: int
    """The end where it comes before the minutes are over; 0 for none."""

    render_every_s: float
    """From the begin of one video to that of the next; 0 for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that was measured."""

    machine: Machine
    plan: Plan
    minutes: float
    """What it took."""

    sent: int
    answers: dict[str, dict[str, int]]
    unexpected: list[str]
    unexpected_count: int
    videos: int
    videos_failed: list[str]
    tasks: int
    """Acknowledged; how many of them were unknown, or not ended, in the end."""

    lost: int
    unended: int
    growth: list[Growth]
    at_rest: dict[str, float]
    """The server, once all clients had gone."""

    @property
    def holds(self) -> bool:
        wants_videos = self.plan.render_every_s > 0
        return (
            bool(self.growth)
            and all(row.holds for row in self.growth)
            and (self.videos > 0 or not wants_videos)
            and not self.unexpected_count
            and not self.videos_failed
            and self.lost == self.unended == 0
        )


class Renders:
    """Videos, one after another, each fetched when it is done."""

    def __init__(self, server: Server, key: str, files: str, every_s: float) -> None:
        self._client = Client(server, key)
        self._body = body(f"{files}/face.jpg", f"{files}/voice.wav")
        self._every_s = every_s
        self._stop = threading.Event()
        self.latest_url: str | None = None
        self.made = 0
        self.failed: list[str] = []

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """As long as the block lasts."""
        if not self._every_s:
            yield
            return
        thread = threading.Thread(target=self._go_on)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def _go_on(self) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                output = self._client.until(self._client.submit(self._body), apart_s=0.5)
                url: str = output["results"]["video_url"]
                if not httpx.get(url).raise_for_status().content:
                    raise RuntimeError("an empty video")
                self.latest_url = url
                self.made += 1
            except (RuntimeError, httpx.HTTPError) as error:
                self.failed.append(str(error))
            self._stop.wait(max(self._every_s - (time.monotonic() - began), 0.0))


def run(folder: Path, plan: Plan) -> Report:
    """A server with its data in a folder, loaded as planned."""
    machine = this_machine()
    inputs, data = folder / "inputs", folder / "data"
    inputs.mkdir()
    write_picture(inputs / "face.jpg", SIDE_PX)
    write_wav(inputs / "voice.wav", looped(demo_voice(), VOICE_S))
    tally = Tally()
    began = time.monotonic()
    with files_at(inputs) as files, silence() as nowhere, Server(data) as server:
        keys = [
            ApiKeys(data / "keys.json").create(f"key {number}", limits=LIMITS)[1]
            for number in range(API_KEYS)
        ]
        renders = Renders(server, keys[0], files, plan.render_every_s)
        targets = Targets(
            url=server.url,
            keys=tuple(keys),
            files=files,
            silence=nowhere,
            video_url=lambda: renders.latest_url,
        )
        with renders.going_on():
            samples = _sampled(server, targets, tally, plan)
        time.sleep(REST_S)
        at_rest = processes_of(server.pid)[0]
        lost, unended = _not_ended(server, keys, tally.accepted)
    return Report(
        machine=machine,
        plan=plan,
        minutes=(time.monotonic() - began) / 60,
        sent=tally.sent,
        answers={kind: dict(counts) for kind, counts in sorted(tally.answers.items())},
        unexpected=tally.unexpected,
        unexpected_count=tally.unexpected_count,
        videos=renders.made,
        videos_failed=renders.failed,
        tasks=len(tally.accepted),
        lost=lost,
        unended=unended,
        growth=growth(after_warm_up(samples, plan)),
        at_rest={
            "memory_mib": at_rest.memory_mib,
            "descriptors": at_rest.descriptors,
            "threads": at_rest.threads,
        },
    )


def after_warm_up(samples: Sequence[Sample], plan: Plan) -> list[Sample]:
    """Those that count: by requests where these are the plan, by time where that is."""
    if plan.requests:
        return [sample for sample in samples if sample.requests >= WARM_UP * plan.requests]
    return [sample for sample in samples if sample.at_s >= WARM_UP * plan.minutes * 60]


def _sampled(server: Server, targets: Targets, tally: Tally, plan: Plan) -> list[Sample]:
    """Send what is planned, and look at the processes meanwhile."""
    began = time.monotonic()
    stop = threading.Event()
    senders = [
        threading.Thread(target=_send, args=(Sender(targets, tally, seed), plan, stop))
        for seed in range(SENDERS)
    ]
    for sender in senders:
        sender.start()
    samples: list[Sample] = []
    next_request = 0
    try:
        while not stop.is_set():
            at_s = time.monotonic() - began
            is_time = not samples or at_s - samples[-1].at_s >= SAMPLES_APART_S
            if is_time or (plan.requests and tally.sent >= next_request):
                samples.append(Sample(at_s, tally.sent, processes_of(server.pid)))
                next_request = tally.sent + plan.requests // 200
            if at_s >= plan.minutes * 60 or (plan.requests and tally.sent >= plan.requests):
                stop.set()
            if not all(sender.is_alive() for sender in senders):
                raise RuntimeError("a sender has ended by itself")
            stop.wait(0.1)
    finally:
        stop.set()
        for sender in senders:
            sender.join()
    return samples


def _send(sender: Sender, plan: Plan, stop: threading.Event) -> None:
    due = time.monotonic()
    while not stop.is_set():
        sender.send()
        if plan.per_s:
            # What was late is not made up for: a pause of the machine is no flood afterwards.
            due = max(due + SENDERS / plan.per_s, time.monotonic() - 1.0)
            stop.wait(max(due - time.monotonic(), 0.0))
    sender.rest()


def _not_ended(server: Server, keys: Sequence[str], tasks: set[str]) -> tuple[int, int]:
    """How many tasks are unknown, and how many have not ended in time."""
    left = set(tasks)
    lost = 0
    end = time.monotonic() + ENDS_WITHIN_S
    with Client(server, keys[0]) as client:  # all keys are of one group
        while left and time.monotonic() < end:
            for task_id in list(left):
                try:
                    status = client.output(task_id)["task_status"]
                except httpx.HTTPError:  # not an hour's figures for one answer that is late
                    continue
                lost += status == "UNKNOWN"
                if status not in ("PENDING", "RUNNING"):
                    left.remove(task_id)
            time.sleep(1.0 if left else 0.0)
    return lost, len(left)


def markdown(report: Report) -> str:
    """The table and the verdict."""
    lines = [
        f"Measured {report.machine.sentence()}: {report.sent} requests in {report.minutes:.0f}"
        f" minutes, {report.videos} videos, {report.tasks} tasks.",
        "",
        "| process | what | in the beginning | in the end | most | an hour | grown by | limit | |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in report.growth:
        digits = 1 if row.unit == "MiB" else 0
        lines.append(
            f"| {row.role} | {row.unit} | {row.begin:.{digits}f} | {row.end:.{digits}f}"
            f" | {row.most:.{digits}f} | {row.per_hour:+.1f} | {row.grown:+.1f}"
            f" | {row.allowed:.1f} | {'held' if row.holds else 'missed'} |"
        )
    rest = report.at_rest
    lines += [
        "",
        f"Once all clients had gone the server held {rest['memory_mib']:.1f} MiB,"
        f" {rest['descriptors']:.0f} descriptors and {rest['threads']:.0f} threads."
        f" Of {report.tasks} acknowledged tasks {report.lost} were lost and {report.unended} had"
        f" not ended. Videos that failed: {len(report.videos_failed)}. Answers that may not be:"
        f" {report.unexpected_count}.",
        *(f"- {told}" for told in (*report.videos_failed[:10], *report.unexpected[:10])),
        "",
        "| request | answers |",
        "|---|---|",
    ]
    for kind, counts in report.answers.items():
        told = sorted(counts.items(), key=lambda one: -one[1])
        lines.append(f"| {kind} | {', '.join(f'{status} {n}' for status, n in told)} |")
    lines += ["", f"**{'held' if report.holds else 'missed'}**"]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("-o", "--out", type=Path, default=Path("out/soak"))
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--per-s", type=float, default=30.0, help="requests a second")
    parser.add_argument("--render-every", type=float, default=30.0, help="seconds; 0: no videos")
    parser.add_argument(
        "--requests", type=int, default=0, help="so many as fast as may be, without videos"
    )
    options = parser.parse_args()
    plan = Plan(
        minutes=options.minutes,
        per_s=0.0 if options.requests else options.per_s,
        requests=options.requests,
        render_every_s=0.0 if options.requests else options.render_every,
    )
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.out) as folder:
        try:
            report = run(Path(folder), plan)
        finally:
            shutil.copy(Path(folder) / "log.txt", options.out / "server.log")
    facts = {**asdict(report), "holds": report.holds}
    (options.out / "soak.json").write_text(json.dumps(facts, indent=1) + "\n")
    (options.out / "soak.md").write_text(markdown(report))
    print(markdown(report))
    sys.exit(not report.holds)


if __name__ == "__main__":
    main()
