"""Build what is given away, check it in an empty environment, and say what it is made of.

Flow      git archive HEAD -> source distribution -> wheel -> an environment of the lock -> OUT
Gives     OUT/portravox-VERSION.tar.gz, .whl, sbom.json, provenance.json, SHA256SUMS

    python -m release.build -o dist

Only what is committed is built, twice: both builds have to be the same bytes. The wheel is made
from the source distribution, as others will do. `provenance.json` is a statement in the form of
SLSA 1.0 (in-toto 1.0), without a signature: sign SHA256SUMS with a key of yours before you publish.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from portravox.model_files.store import sha256_of

ROOT = Path(__file__).parents[1]


class ReleaseFailed(Exception):
    """Something is not as it has to be; its text says what."""


def build(source: Path, out: Path, moment: int) -> tuple[Path, Path]:
    """Make the source distribution of a folder and the wheel of that. Returns both.

    moment  seconds since 1970, that all files in them carry
    """
    out.mkdir(parents=True, exist_ok=True)
    _backend("build_sdist", source, out, moment)
    [packed] = out.glob("*.tar.gz")
    _settle(packed, moment)
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(packed) as archive:
            archive.extractall(folder, filter="data")
        [unpacked] = Path(folder).iterdir()
        _backend("build_wheel", unpacked, out, moment)
    [wheel] = out.glob("*.whl")
    return packed, wheel


def _backend(call: str, source: Path, out: Path, moment: int) -> None:
    program = f"import sys; from setuptools import build_meta; build_meta.{call}(sys.argv[1])"
    _run(
        [sys.executable, "-c", program, str(out.resolve())],
        folder=source,
        environment={"SOURCE_DATE_EPOCH": str(moment)},
    )


def _settle(packed: Path, moment: int) -> None:
    """Pack an archive anew, so that it says nothing of when and by whom it was packed."""
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.tar"
        with tarfile.open(packed) as before, tarfile.open(plain, "w") as after:
            for member in sorted(before.getmembers(), key=lambda member: member.name):
                member.mtime, member.uid, member.gid = moment, 0, 0
                member.uname = member.gname = ""
                member.pax_headers = {}  # times in fractions of a second
                member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
                after.addfile(member, before.extractfile(member) if member.isfile() else None)
        with (
            packed.open("wb") as raw,
            gzip.GzipFile("", "wb", fileobj=raw, mtime=moment) as squeezed,
            plain.open("rb") as content,
        ):
            shutil.copyfileobj(content, squeezed)


def check(wheel: Path, lock: Path) -> str:
    """Install a wheel with the locked packages into an empty environment and use it there. Returns
    the version that it gives. Raises ReleaseFailed."""
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder) / "venv" / "bin" / "python"
        _run([sys.executable, "-m", "venv", str(python.parents[1])])
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, "--no-deps", "--require-hashes", "--requirement", str(lock.resolve())])
        _run([*pip, "--no-deps", str(wheel.resolve())])
        command = str(python.parent / "portravox")
        version = _run([command, "--version"], folder=Path(folder))
        bill = json.loads(_run([command, "licenses", "--sbom"], folder=Path(folder)))
        if bill["bomFormat"] != "CycloneDX":
            raise ReleaseFailed("the wheel's bill of materials is none")
        _run([str(python), "-c", "import portravox.service.app"], folder=Path(folder))
        return version.split()[-1]


def release(out: Path) -> None:
    """All of it. Raises ReleaseFailed."""
    if _run(["git", "status", "--porcelain"], folder=ROOT):
        raise ReleaseFailed("something is not committed: what is given away has to be")
    commit = _run(["git", "rev-parse", "HEAD"], folder=ROOT)
    moment = int(_run(["git", "show", "--no-patch", "--format=%ct", "HEAD"], folder=ROOT))
    lock = ROOT / "requirements" / "lock.txt"
    with tempfile.TemporaryDirectory() as folder:
        built = []
        for name in ("first", "second"):
            source = Path(folder) / name / "source"
            source.mkdir(parents=True)
            archive = Path(folder) / f"{name}.tar"
            _run(["git", "archive", "--output", str(archive), "HEAD"], folder=ROOT)
            with tarfile.open(archive) as committed:
                committed.extractall(source, filter="data")
            built.append(build(source, Path(folder) / name / "dist", moment))
        for first, second in zip(*built, strict=True):
            if sha256_of(first) != sha256_of(second):
                raise ReleaseFailed(f"{first.name} is not the same when it is built twice")
        out.mkdir(parents=True, exist_ok=True)
        files = [Path(shutil.copy(file, out)) for file in built[0]]
    version = check(files[1], lock)
    if f"-{version}" not in files[1].name:
        raise ReleaseFailed(f"{files[1].name} calls itself {version}")
    files.append(Path(shutil.copy(ROOT / "portravox" / "sbom.json", out)))
    files.append(out / "provenance.json")
    files[-1].write_text(json.dumps(_provenance(files[:2], commit, moment, lock), indent=1) + "\n")
    sums = "".join(f"{sha256_of(file)}  {file.name}\n" for file in files)
    (out / "SHA256SUMS").write_text(sums)
    print(sums, end="")


def _provenance(files: Sequence[Path], commit: str, moment: int, lock: Path) -> dict[str, object]:
    """A statement of how the files were made (slsa.dev/spec/v1.0/provenance)."""
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": file.name, "digest": {"sha256": sha256_of(file)}} for file in files],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "python -m release.build",
                "externalParameters": {"commit": commit, "SOURCE_DATE_EPOCH": moment},
                "internalParameters": {"python": sys.version.split()[0]},
                "resolvedDependencies": [
                    {"name": lock.name, "digest": {"sha256": sha256_of(lock)}}
                ],
            },
            "runDetails": {"builder": {"id": "local"}},
        },
    }


def _run(
    command: Sequence[str],
    *,
    folder: Path | None = None,
    environment: dict[str, str] | None = None,
) -> str:
    """What a command prints. Raises ReleaseFailed with what it said where it fails."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=folder, env={**clean, **(environment or {})}, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise ReleaseFailed(f"{' '.join(command)}: {(done.stderr or done.stdout)[-2000:]}")
    return done.stdout.strip()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-o", "--out", type=Path, default=Path("dist"))
    try:
        release(parser.parse_args().out)
    except ReleaseFailed as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
