"""The machine a benchmark ran on, for the head of its report."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from portravox import __version__


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

    def facts(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)

    def sentence(self) -> str:
        """For the head of a table."""
        return (
            f"{self.date}, Portravox {self.portravox}, Python {self.python}, {self.cores} cores of "
            f"{self.processor}, {self.memory_gb:.0f} GB, load {self.load:.1f} when the run began"
        )


def this_machine() -> Machine:
    """Read from /proc where there is one."""
    return Machine(
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        memory_gb=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30,
        system=platform.system(),
        python=platform.python_version(),
        portravox=__version__,
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        load=os.getloadavg()[0],
    )


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.machine()
