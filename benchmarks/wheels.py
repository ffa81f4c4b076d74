"""Whether every package of the lock has a wheel for each Python and system that we name.

Flow      requirements/lock.txt -> what its markers ask for there -> pip download -> a table

    python -m benchmarks.wheels [--python 3.14 ...] [--system "Linux arm64" ...]

pip takes the files by their hashes and builds nothing: what is missing here would need a compiler
on a user's machine. Each of the sixteen targets is 190 to 260 MB, and its folder goes afterwards.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
GLIBC = range(17, 29)
"""Second numbers of glibc 2.x whose wheels count: Debian 12 and Ubuntu 22.04 have 2.35 and newer,
RHEL 8 has 2.28."""


@dataclass(frozen=True, slots=True)
class System:
    """A system as pip and as a lock's markers name it."""

    platforms: tuple[str, ...]
    sys_platform: str
    machine: str

    def environment(self, python: str) -> dict[str, str]:
        """What markers read."""
        return {
            "python_version": python,
            "python_full_version": f"{python}.0",
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
            "sys_platform": self.sys_platform,
            "os_name": "nt" if self.sys_platform == "win32" else "posix",
            "platform_machine": self.machine,
            "platform_system": {"linux": "Linux", "darwin": "Darwin"}.get(
                self.sys_platform, "Windows"
            ),
        }


def _linux(machine: str) -> System:
    named = [f"manylinux_2_{minor}_{machine}" for minor in GLIBC]
    return System((*named, f"manylinux2014_{machine}", f"linux_{machine}"), "linux", machine)


_MACOS = tuple(
    f"macosx_{major}_0_{kind}" for major in range(11, 15) for kind in ("arm64", "universal2")
)

SYSTEMS = {
    "Linux x86-64": _linux("x86_64"),
    "Linux arm64": _linux("aarch64"),
    "macOS arm64": System(_MACOS, "darwin", "arm64"),
    "Windows x86-64": System(("win_amd64",), "win32", "AMD64"),
}
"""macOS up to 14: a newer one takes these, too. Macs with Intel's processors are not named:
cryptography 50 and onnxruntime 1.32, which this product needs, have no wheels for them."""


def main() -> None:
    """Download, and print the table. Exits with 1 where a wheel is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lock", type=Path, default=Path("requirements/lock.txt"))
    parser.add_argument("--python", nargs="+", choices=PYTHONS, default=PYTHONS)
    parser.add_argument("--system", nargs="+", choices=SYSTEMS, default=tuple(SYSTEMS))
    given = parser.parse_args()
    lock = given.lock.read_text()
    complete = True
    print("| Python | system | wheels | MB | missing |\n|---|---|---|---|---|")
    for python in given.python:
        for system in given.system:
            wanted = list(wanted_at(lock, SYSTEMS[system].environment(python)))
            sizes, trouble = downloaded(wanted, python, SYSTEMS[system])
            complete = complete and not trouble and len(sizes) == len(wanted)
            megabytes = sum(sizes) / 1e6
            print(
                f"| {python} | {system} | {len(sizes)} of {len(wanted)} "
                f"| {megabytes:.0f} | {trouble} |",
                flush=True,
            )
    sys.exit(0 if complete else 1)


def wanted_at(lock: str, environment: dict[str, str]) -> Iterator[str]:
    """The entries of a lock, with their hashes and without markers, that hold in an environment."""
    for entry in lock.replace("\\\n", " ").splitlines():
        if not entry.strip() or entry.lstrip().startswith("#"):
            continue
        named, *hashes = entry.split("--hash=")
        requirement = Requirement(named.strip())
        if requirement.marker is None or requirement.marker.evaluate(environment):
            requirement.marker = None
            yield " ".join([str(requirement), *(f"--hash={each.strip()}" for each in hashes)])


def downloaded(wanted: list[str], python: str, system: System) -> tuple[list[int], str]:
    """Bytes of each wheel; what pip says is missing, nothing where all is there."""
    with tempfile.TemporaryDirectory() as folder:
        lock, wheels = Path(folder, "lock.txt"), Path(folder, "wheels")
        lock.write_text("\n".join(wanted) + "\n")
        wheels.mkdir()
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--require-hashes", "--only-binary=:all:", "--disable-pip-version-check"]
        command += [f"--python-version={python}", "--implementation=cp", f"--dest={wheels}"]
        command += [f"--platform={platform}" for platform in system.platforms]
        made = subprocess.run(
            [*command, f"--requirement={lock}"], capture_output=True, text=True, check=False
        )
        errors = [line for line in made.stderr.splitlines() if line.startswith("ERROR")]
        trouble = "" if made.returncode == 0 else (errors or ["pip failed"])[-1]
        return [file.stat().st_size for file in wheels.glob("*.whl")], trouble


if __name__ == "__main__":
    main()
