"""What each package of an installation takes on the disk, and what it is for.

Flow      requirements/lock.txt, the environment that runs this -> a table

    python -m benchmarks.packages [--lock requirements/lock.txt]

Sizes are those of the files that a package installed, compiled bytecode beside them included.
"""

from __future__ import annotations

import argparse
import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

FOR = {
    "llvmlite": "numba's compiler",
    "numba": "compiled loops of renderer and rig",
    "opencv-python-headless": "resizing, warping and filtering pictures",
    "av": "FFmpeg: H.264 and AAC, reading sound and video",
    "onnxruntime": "face networks, articulation model, neural engines",
    "numpy": "arrays",
    "sqlalchemy": "asked for by alembic",
    "alembic": "migrations of the server's queue",
    "mako": "asked for by alembic",
    "uvloop": "the server's event loop",
    "pillow": "reading and writing pictures",
    "pygments": "asked for by rich",
    "rich": "tables and progress in the terminal",
    "typer": "the command line",
    "pydantic": "bodies of requests, settings",
    "pydantic-core": "asked for by pydantic",
    "pypinyin": "transcripts in Chinese",
    "protobuf": "asked for by onnxruntime, not loaded",
    "flatbuffers": "asked for by onnxruntime, not loaded",
    "setuptools": "installs Portravox itself",
    "soxr": "resampling of sound",
    "httpx": "`portravox client`",
    "starlette": "the server's routes",
    "uvicorn": "the HTTP server",
    "httptools": "reads HTTP",
    "c2pa-python": "C2PA manifests",
    "obstore": "object stores (S3, GCS, Azure)",
    "psycopg-binary": "PostgreSQL, for many machines",
    "websockets": "live sessions",
    "cryptography": "certificates and signatures of C2PA manifests",
}
"""A package that is missing here is shown without a purpose when it is large."""

SMALL_MB = 1.0
"""What is smaller stands in one row."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lock", type=Path, default=Path("requirements/lock.txt"))
    lock: Path = parser.parse_args().lock
    names = re.findall(r"^([a-z0-9-]+)==", lock.read_text(), re.M)
    sizes = {name: size for name in names if (size := size_mb(name)) is not None}
    print("| package | MB | for |\n|---|---|---|")
    for name, size in sorted(sizes.items(), key=lambda item: -item[1]):
        if size >= SMALL_MB:
            print(f"| {name} | {size:.0f} | {FOR.get(name, '')} |")
    small = [size for size in sizes.values() if size < SMALL_MB]
    print(f"| {len(small)} smaller ones | {sum(small):.0f} | |")
    print(f"| all {len(sizes)} | {sum(sizes.values()):.0f} | |")


def size_mb(name: str) -> float | None:
    """Of the files that a package installed, 10^6 bytes; None where it is not installed."""
    try:
        files = distribution(name).files or []
    except PackageNotFoundError:
        return None
    return sum(_size(Path(str(file.locate()))) for file in files) / 1e6


def _size(file: Path) -> int:
    """Bytes of a file and of the bytecode compiled from it."""
    if not file.is_file() or file.suffix == ".pyc":
        return 0
    compiled = file.parent.glob(f"__pycache__/{file.stem}.*.pyc") if file.suffix == ".py" else ()
    return file.stat().st_size + sum(each.stat().st_size for each in compiled)


if __name__ == "__main__":
    main()
