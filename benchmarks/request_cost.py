"""What one submission and one query cost the server, beside another version of Portravox.

Flow      two `portravox serve`, one of each version <- the same requests in turn -> a table
Gives     processor time a request in microseconds, and the ratio new / old

    git worktree add --detach ../old eac1b06
    python -m benchmarks.request_cost --against ../old [--rounds 6] [--requests 3200]

Both run with this environment's packages. Processor time of the server's process is compared and
not the clock: it says the same beside other work. Rounds of both take turns, since what else runs
slows caches, too; what counts is the median of their ratios.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.load import LIMITS, Client, Server, body, silence
from portravox.service.keys import ApiKeys

CLIENTS = 16
"""That send at the same time."""


def processor_s(pid: int) -> float:
    """Seconds that a process has had, its own and the system's for it (proc(5), fields 14, 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cost_us(server: Server, requests: int, ask: Callable[[], object]) -> float:
    """Microseconds of the server's processor time that a request takes."""
    begun_s = processor_s(server.pid)
    with ThreadPoolExecutor(CLIENTS) as clients:
        for asked in [clients.submit(ask) for _ in range(requests)]:
            asked.result()
    return 1e6 * (processor_s(server.pid) - begun_s) / requests


def costs(old: Path, *, rounds: int, requests: int) -> dict[str, tuple[list[float], list[float]]]:
    """By kind of request: the costs of the old and the new version, round by round."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        files = opened.enter_context(silence())
        job = body(f"{files}/face.png", f"{files}/voice.wav")
        asks: dict[str, list[tuple[Server, Callable[[], object]]]] = {"submit": [], "query": []}
        for name, source in (("old", old), ("new", Path.cwd())):
            data = folder / name
            data.mkdir()
            _, key = ApiKeys(data / "keys.json").create("cost", limits=LIMITS)
            server = opened.enter_context(Server(data, source=source))
            client = opened.enter_context(Client(server, key))
            task = f"/tasks/{client.submit(job)}"
            asks["submit"].append((server, partial(client.submit, job)))
            asks["query"].append((server, partial(client.get, task)))
        found: dict[str, tuple[list[float], list[float]]] = {}
        for kind, pair in asks.items():
            for server, ask in pair:
                cost_us(server, requests // 4, ask)
            found[kind] = ([], [])
            for _ in range(rounds):
                for version, (server, ask) in zip(found[kind], pair, strict=True):
                    version.append(cost_us(server, requests, ask))
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--against", type=Path, required=True, help="folder of the other version")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--requests", type=int, default=3200, help="of each round")
    asked = parser.parse_args()
    found = costs(asked.against.resolve(), rounds=asked.rounds, requests=asked.requests)
    print("| request | old, us | new, us | ratio |\n|---|---|---|---|")
    for kind, (old, new) in found.items():
        ratio = median(after / before for before, after in zip(old, new, strict=True))
        print(f"| {kind} | {median(old):.0f} | {median(new):.0f} | {ratio:.3f} |")


if __name__ == "__main__":
    main()
