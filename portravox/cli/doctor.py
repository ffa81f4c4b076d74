"""portravox doctor: what this machine has, what is missing, and how to mend it.

Flow      cli.app -> cli.doctor
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import typer

from portravox import __version__
from portravox.cli.options import Json
from portravox.cli.terminal import give, give_json
from portravox.compiled_code import can_be_written, keep_compiled_code
from portravox.engines.registry import ENTRIES, device_of
from portravox.errors import PortravoxError
from portravox.model_files.catalogue import FACES, SETS
from portravox.model_files.store import find, missing_files, state_of
from portravox.system import memory_mib, usable_cores

LEAST_MEMORY_MIB = 1024
"""A 2048-px portrait takes up to 900 MB."""

SOMETHING_MISSING = 1


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    name: str
    state: Literal["ok", "note", "missing"]
    """note: works, but worth knowing; missing: nothing works without it."""

    detail: str
    mend: str = ""
    """What to do about it, where there is something to do."""


def doctor_command(as_json: Json = False) -> None:
    """Look at this machine: versions, codecs, cores, memory, what is missing."""
    findings = [finding for look in LOOKS for finding in look()]
    missing = any(finding.state == "missing" for finding in findings)
    if as_json:
        give_json({"ok": not missing, "findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            give(f"{finding.state:8}{finding.name:14}{finding.detail}")
            if finding.mend:
                give(f"{'':22}-> {finding.mend}")
        give("something is missing" if missing else "all there")
    if missing:
        raise typer.Exit(SOMETHING_MISSING)


def _programs() -> Iterator[Finding]:
    yield Finding("portravox", "ok", f"{__version__} in {Path(__file__).parent.parent}")
    fits = sys.version_info[:2] >= (3, 11)
    yield Finding(
        "python",
        "ok" if fits else "missing",
        f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "" if fits else "Use Python 3.11 or newer.",
    )


def _libraries() -> Iterator[Finding]:
    for name, module in (
        ("numpy", "numpy"),
        ("numba", "numba"),
        ("onnxruntime", "onnxruntime"),
        ("pillow", "PIL"),
        ("soxr", "soxr"),
    ):
        yield _library(name, name, module)
    yield _opencv()
    yield from _models()
    yield _articulation()


def _library(name: str, package: str, module: str) -> Finding:
    """Whether it is installed and loads."""
    try:
        importlib.import_module(module)
        return Finding(name, "ok", version(package))
    except PackageNotFoundError:
        return Finding(name, "ok", "installed, version unknown")
    except (ImportError, OSError) as error:
        mend = f"pip install --force-reinstall --no-deps {package}"
        return Finding(name, "missing", _first_line(error), mend)


def _opencv() -> Finding:
    try:
        cv2 = importlib.import_module("cv2")
    except (ImportError, OSError) as error:
        mend = "pip install --force-reinstall --no-deps opencv-python-headless"
        if "libGL" in str(error) or "libgthread" in str(error) or "libglib" in str(error):
            mend = (
                "This build of OpenCV wants a desktop's libraries. Either"
                " `apt-get install libgl1 libglib2.0-0`, or take the build without windows:"
                " `pip uninstall opencv-contrib-python opencv-python` and"
                " `pip install --force-reinstall --no-deps opencv-python-headless`"
            )
        return Finding("opencv", "missing", _first_line(error), mend)
    return Finding("opencv", "ok", str(cv2.__version__))


def _models() -> Iterator[Finding]:
    """Whether the files are there and right, and whether one of the networks starts."""
    for each in SETS:
        wrong = [f"{file.name} is {state_of(file)}" for file in missing_files((each,))]
        name = f"{each.name} models" if each.required else f"{each.name} portrait"
        if wrong:
            state: Literal["note", "missing"] = "missing" if each.required else "note"
            mend = f"portravox models fetch {each.name}"
            yield Finding(name, state, f"{'; '.join(wrong)}: for {each.needed_for}", mend)
            continue
        place = find(each.files[0])
        assert place is not None
        yield Finding(name, "ok", str(place.parent if len(each.files) > 1 else place))
    if not missing_files((FACES,)):
        yield _networks()


def _networks() -> Finding:
    import numpy as np

    from portravox.face.models import detect_faces

    try:
        detect_faces(np.zeros((128, 128, 3), np.uint8), far=False)
    except PortravoxError as error:
        return Finding("face networks", "missing", str(error), "Install onnxruntime again.")
    return Finding("face networks", "ok", "start")


def _articulation() -> Finding:
    import numpy as np

    from portravox.articulation.acoustic_model import infer
    from portravox.speech.mel import BANDS

    try:
        infer(np.zeros((10, BANDS), np.float32))
    except PortravoxError as error:
        return Finding("articulation", "missing", str(error), "Install portravox again.")
    return Finding("articulation", "ok", "the articulation model starts")


def _codecs() -> Iterator[Finding]:
    library = _library("av", "av", "av")
    if library.state == "missing":
        yield library
        return
    import av

    yield Finding("av", "ok", f"{av.__version__} with FFmpeg {av.ffmpeg_version_info}")
    for label, name, mode in _CODECS:
        try:
            av.codec.Codec(name, mode)
            yield Finding(label, "ok", name)
        except ValueError:  # what PyAV's UnknownCodecError is
            mend = "pip install --force-reinstall --no-deps --only-binary av av"
            yield Finding(label, "missing", f"{name} is not in this build of FFmpeg", mend)


_CODECS: tuple[tuple[str, str, Literal["r", "w"]], ...] = (
    ("H.264 encoder", "libx264", "w"),
    ("AAC encoder", "aac", "w"),
    ("MP3 decoder", "mp3float", "r"),
)


def _machine() -> Iterator[Finding]:
    yield Finding("cores", "ok", f"{usable_cores()} of {os.cpu_count()} usable")
    total, limit = memory_mib(), _container_limit_mib()
    if total is None:
        yield _gpu()
        return
    usable = min(total, limit) if limit else total
    small = usable < LEAST_MEMORY_MIB
    yield Finding(
        "memory",
        "note" if small else "ok",
        f"{usable} MiB"
        + (f", the limit of this container; the machine has {total}" if limit else ""),
        "Use --max-side 1024 or less." if small else "",
    )
    yield _gpu()


def _container_limit_mib() -> int | None:
    """What control groups allow this process, where they set a limit."""
    try:
        words = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(words) // 2**20 if words.isdecimal() else None


def _gpu() -> Finding:
    program = shutil.which("nvidia-smi")
    if program is None:
        return Finding("GPU", "ok", "none seen, none needed")
    query = [program, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        told = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        return Finding("GPU", "ok", f"nvidia-smi fails ({_first_line(error)}); none needed")
    names = "; ".join(line.strip() for line in told.splitlines() if line.strip())
    return Finding("GPU", "ok", f"{names or 'none seen'}; not used by the embedded engine")


def _engines() -> Iterator[Finding]:
    """Whether the engines beyond the embedded one could be opened, and on what."""
    for name, entry in ENTRIES.items():
        if not entry.needs:
            continue
        try:
            yield Finding(f"{name} engine", "ok", f"draws on {device_of(name)}")
        except PortravoxError as error:
            yield Finding(
                f"{name} engine", "note", f"{error}; only for --engine {name}", error.hint
            )


def _folders() -> Iterator[Finding]:
    folder = keep_compiled_code()
    writable = can_be_written(folder)
    yield Finding(
        "compiled code",
        "ok" if writable else "note",
        f"kept in {folder}",
        "" if writable else "Set NUMBA_CACHE_DIR to a folder that can be written.",
    )


def _isolation() -> Iterator[Finding]:
    from portravox.service.worker.sandbox import offered

    isolation = offered()
    yield Finding(
        "isolation",
        "ok" if isolation.is_full else "note",
        f"of a server's worker processes: {isolation}",
        ""
        if isolation.is_full
        else "docs/security.md says what is needed; nothing else misses it.",
    )


def _extras() -> Iterator[Finding]:
    chinese = importlib.util.find_spec("pypinyin") is not None
    yield Finding(
        "transcripts",
        "ok" if chinese else "note",
        "Chinese can be read" if chinese else "Chinese ones cannot be read",
        "" if chinese else "Only for --transcript: pip install pypinyin",
    )
    program = shutil.which("espeak-ng")
    yield Finding(
        "transcripts",
        "ok" if program else "note",
        f"other languages are read by {program}" if program else "only Chinese can be read",
        "" if program else "Only for --transcript: apt-get install espeak-ng",
    )


def _signed_origin() -> Iterator[Finding]:
    installed = importlib.util.find_spec("c2pa") is not None
    yield Finding(
        "C2PA",
        "ok" if installed else "note",
        "signed manifests are written and read" if installed else "manifests are not read",
        "" if installed else "Only for signed origin: pip install 'portravox[c2pa]'",
    )


LOOKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _programs,
    _libraries,
    _codecs,
    _machine,
    _engines,
    _folders,
    _isolation,
    _extras,
    _signed_origin,
)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
