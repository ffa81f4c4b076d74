"""How long it takes from a fresh clone to the first video, with nothing fetched before.

Flow      this repository's last commit -> a clone -> `make demo` -> a table

    python -m benchmarks.first_video [--python python3.13]

The clone, pip's cache, the home folder and all caches are new and empty; packages and models come
from the index that pip is set up for. A row is a step of `make`, from its command until the next.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import this_machine

TARGET_S = 60.0
"""What we set out to reach with Python 3.13."""

SHOWN = 76
"""Characters of a command in the table."""

INHERITED = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "PORTRAVOX_MODELS_DIR", "NUMBA_CACHE_DIR")
"""Variables that would make the clone use what is there already."""


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--python", default="", help="which the Makefile is to take; its own choice"
    )
    given = parser.parse_args()
    root = Path(__file__).resolve().parents[1]
    with tempfile.TemporaryDirectory() as folder:
        rows = first_video(root, Path(folder), given.python)
    print(f"Measured {this_machine().sentence()}.\n")
    print("| step | s |\n|---|---|")
    for step, seconds in rows:
        print(f"| `{step[:SHOWN]}` | {seconds:.1f} |")
    total_s = sum(seconds for _, seconds in rows)
    print(f"| all | {total_s:.1f} |\n\nWanted: {TARGET_S:.0f} s at most.")


def first_video(root: Path, folder: Path, python: str) -> list[tuple[str, float]]:
    """Steps and their seconds. Raises CalledProcessError where one fails."""
    clone = folder / "portravox"
    begun = time.perf_counter()
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", root, clone], check=True)
    steps = [("git clone", begun)]
    command = ["make", "demo", *([f"PYTHON={python}"] if python else [])]
    with subprocess.Popen(
        command, cwd=clone, env=_environment(folder), stdout=subprocess.PIPE, text=True, bufsize=1
    ) as made:
        assert made.stdout is not None
        steps.append(("make", time.perf_counter()))
        for line in made.stdout:
            steps.append((line.strip(), time.perf_counter()))
    ended = time.perf_counter()
    if made.returncode:
        raise subprocess.CalledProcessError(made.returncode, command)
    assert (clone / "out" / "demo.mp4").stat().st_size
    moments = [*(moment for _, moment in steps), ended]
    return [
        (step, after - before)
        for (step, before), after in zip(steps, moments[1:], strict=True)
        if after - before >= 0.05
    ]


def _environment(folder: Path) -> dict[str, str]:
    """Of this process, with a home and caches that are empty."""
    home = folder / "home"
    home.mkdir()
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in INHERITED and not name.startswith("MAKE")
    }
    own = Path(sys.prefix) / "bin"
    path = [part for part in kept.get("PATH", "").split(os.pathsep) if Path(part) != own]
    return {
        **kept,
        "PATH": os.pathsep.join(path),
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "PIP_CACHE_DIR": str(home / "pip"),
    }


if __name__ == "__main__":
    main()
