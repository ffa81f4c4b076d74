"""The machine a benchmark ran on, for the head of its report."""

from __future__ import annotations

import hashlib
import os
import platform
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from portravox import __version__
from portravox.system import usable_cores

_BLOCKS, _RUNS = 100, 3
"""A fifth of a second each; of three runs the quickest was disturbed least."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What a reader needs to compare figures; nothing that names the host."""

    processor: str
    cores: int
    memory_gb: float
    system: str
    python: str
    portravox: str
    date: str
    """UTC, when the run began."""

    load: float
    """Runnable processes, mean of the last minute before the run; near 0 on a quiet machine."""

    parallel_gain: float
    """Work that a busy thread on every core does together, against one thread alone: the number of
    cores where they are cores of their own, less where they share one or others use them."""

    def facts(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)

    def sentence(self) -> str:
        """For the head of a table."""
        return (
            f"{self.date}, Portravox {self.portravox}, Python {self.python}, {self.cores} cores of "
            f"{self.processor}, {self.memory_gb:.0f} GB, load {self.load:.1f} when the run began, "
            f"all cores together {self.parallel_gain:.1f} times as fast as one"
        )


def this_machine() -> Machine:
    """Read from /proc where there is one."""
    return Machine(
        processor=_processor(),
        cores=usable_cores(),
        memory_gb=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30,
        system=platform.system(),
        python=platform.python_version(),
        portravox=__version__,
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        load=os.getloadavg()[0],
        parallel_gain=_parallel_gain(usable_cores()),
    )


def _parallel_gain(cores: int) -> float:
    """Measured with a digest, which needs no memory to speak of and lets threads run."""
    block = bytes(1 << 20)

    def work(blocks: int) -> None:
        digest = hashlib.sha512()
        for _ in range(blocks):
            digest.update(block)

    def seconds(threads: int) -> float:
        with ThreadPoolExecutor(threads) as pool:
            begun = time.perf_counter()
            list(pool.map(work, [_BLOCKS] * threads))
            return time.perf_counter() - begun

    seconds(1)
    alone = min(seconds(1) for _ in range(_RUNS))
    together = min(seconds(cores) for _ in range(_RUNS))
    return cores * alone / together


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.machine()
