"""The software bill of materials: the lock, the catalogue of model files, what is bundled.

Flow      requirements/lock.txt, metadata of installed packages, model_files.catalogue
          -> release.sbom -> portravox/sbom.json, docs/licences.md

    python -m release.sbom            # writes both files
    python -m release.sbom --check    # status 1 where they are not what they would be

Needs an environment that was made from the lock (`make setup-dev`): licences stand in the metadata
of installed packages. Source: CycloneDX 1.6 (ECMA-424), JSON; SPDX licence list 3.27.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

import portravox
from portravox.components import SBOM_NAME, component_of
from portravox.model_files.catalogue import OPTIONAL_SETS, SETS, HubRepository, ModelFile

LOCK = Path("requirements/lock.txt")
PAGE = Path("docs/licences.md")
BOM = Path(portravox.__file__).parent / SBOM_NAME

LICENCES = {
    "asgiref": "BSD-3-Clause",
    "c2pa-python": "MIT OR Apache-2.0",
    "certifi": "MPL-2.0",
    "charset-normalizer": "MIT",
    "colorama": "BSD-3-Clause",
    "flatbuffers": "Apache-2.0",
    "h11": "MIT",
    "httpx": "BSD-3-Clause",
    "markdown-it-py": "MIT",
    "mdurl": "MIT",
    "numba": "BSD-2-Clause",
    "obstore": "MIT",
    "onnxruntime": "MIT",
    "opencv-python-headless": "Apache-2.0",
    "procrastinate": "MIT",
    "protobuf": "BSD-3-Clause",
    "pypinyin": "MIT",
    "python-dotenv": "BSD-3-Clause",
    "requests": "Apache-2.0",
    "rich": "MIT",
    "shellingham": "ISC",
    "toml": "MIT",
    "tzdata": "Apache-2.0",
    "uvloop": "MIT OR Apache-2.0",
}
"""Of packages whose metadata give no SPDX expression: read from their licence files."""

CARRIES = {
    "c2pa-python": "c2pa-rs, rustls, ring and other crates (MIT, Apache-2.0, ISC, BSD)",
    "cryptography": "OpenSSL (Apache-2.0)",
    "av": "FFmpeg (LGPL-3.0-or-later), x264 and x265 (GPL-2.0-or-later), and other codecs",
    "opencv-python-headless": "FFmpeg (LGPL-2.1-or-later), OpenSSL, OpenBLAS",
    "psycopg-binary": "libpq (PostgreSQL licence), OpenSSL",
    "numpy": "OpenBLAS (BSD-3-Clause), libgfortran (GPL-3.0 with the runtime exception)",
    "pillow": "libjpeg-turbo, libpng, libtiff, libwebp, libavif, FreeType and others",
}
"""Libraries inside wheels, from the folders `*.libs` of the installed ones and what FFmpeg says of
itself (`av.library_meta`). Whoever passes an installation on, as a container image, passes these
on, too."""


@dataclass(frozen=True, slots=True)
class Bundled:
    """A file of others that comes along unchanged, or packed, within the package."""

    name: str
    version: str
    licence: str
    """An SPDX expression."""

    purpose: str
    place: str
    """Within the package."""

    purl: str = ""


BUNDLED = (
    Bundled(
        "inter.woff2", "4.001", "OFL-1.1",
        "the studio's font, a subset for Latin letters", "studio/page/fonts/inter.woff2",
    ),
    *(
        Bundled(
            name, "5.35.0", "Apache-2.0", "the reference that /docs shows",
            f"studio/reference/{name}.gz", "pkg:npm/swagger-ui-dist@5.35.0",
        )
        for name in ("swagger-ui-bundle.js", "swagger-ui.css")
    ),
)  # fmt: skip


def bill(lock: str) -> dict[str, Any]:
    """The list as CycloneDX JSON; the same for the same lock, catalogue and version."""
    libraries = [_library(name, version) for name, version in _locked(lock)]
    models = [_model(file) for models in (*SETS, *OPTIONAL_SETS) for file in models.files]
    bundled = [_bundled(file) for file in BUNDLED]
    ours = f"portravox@{portravox.__version__}"
    parts = [entry["bom-ref"] for entry in (*models, *bundled)]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": ours,
                "name": "portravox",
                "version": portravox.__version__,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            },
            "properties": [
                {
                    "name": "portravox:lock-sha256",
                    "value": hashlib.sha256(lock.encode()).hexdigest(),
                }
            ],
        },
        "components": [*libraries, *models, *bundled],
        "dependencies": _dependencies(lock, ours, parts),
    }


def _locked(lock: str) -> list[tuple[str, str]]:
    """Names and versions, in the lock's order."""
    return re.findall(r"^([a-z0-9][a-z0-9._-]*)==([^\s;]+)", lock, re.M)


def _reference(name: str, version: str) -> str:
    return f"pkg:pypi/{name}@{version}"


def _library(name: str, version: str) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "type": "library",
        "bom-ref": _reference(name, version),
        "name": name,
        "version": version,
        "purl": _reference(name, version),
        "licenses": [{"expression": _licence(name)}],
    }
    if name in CARRIES:
        entry["properties"] = [{"name": "portravox:carries", "value": CARRIES[name]}]
    return entry


def _licence(name: str) -> str:
    """An SPDX expression. Raises LookupError where neither metadata nor LICENCES have one."""
    try:
        expressions = metadata(name).get_all("License-Expression") or []
    except PackageNotFoundError:  # of another system
        expressions = []
    for licence in (LICENCES.get(name), *expressions):
        if licence is not None:
            return str(licence)
    raise LookupError(f"{name} has no SPDX expression; read its licence, add it to LICENCES")


def _model(file: ModelFile) -> dict[str, Any]:
    source = file.source
    if isinstance(source, HubRepository):
        version, maker = source.revision, f"{source.name}, {file.member}"
    else:
        version, maker = f"{source.name} {source.version}", f"{source.name}, {file.member}"
    is_network = not file.name.endswith((".png", ".jpg"))
    return {
        "type": "machine-learning-model" if is_network else "data",
        "bom-ref": f"sha256:{file.sha256}",
        "name": file.name,
        "version": version,
        "description": f"{file.purpose}; from {maker}",
        "hashes": [{"alg": "SHA-256", "content": file.sha256}],
        "licenses": [{"license": {"name": source.licence}}],
    }


def _bundled(file: Bundled) -> dict[str, Any]:
    digest = hashlib.sha256((BOM.parent / file.place).read_bytes()).hexdigest()
    entry: dict[str, Any] = {
        "type": "file",
        "bom-ref": f"sha256:{digest}",
        "name": file.name,
        "version": file.version,
        "description": f"{file.purpose}; in portravox/{file.place}",
        "hashes": [{"alg": "SHA-256", "content": digest}],
        "licenses": [{"expression": file.licence}],
    }
    if file.purl:
        entry["purl"] = file.purl
    return entry


def _dependencies(lock: str, ours: str, parts: list[str]) -> list[dict[str, Any]]:
    """Who asks for whom, from the lock's comments `# via`."""
    versions = dict(_locked(lock))
    asks: dict[str, set[str]] = {ours: set(parts)}
    asks |= {_reference(*each): set() for each in versions.items()}
    for block in re.split(r"\n(?=[a-z0-9])", lock):
        [asked] = _locked(block) or [("", "")]
        for via in re.findall(r"#\s+(?:via )?([a-z0-9][a-z0-9._-]*)", block):
            by = ours if via in ("portravox", "requirements") else None
            by = by or (_reference(via, versions[via]) if via in versions else None)
            if asked[0] and by is not None:
                asks[by].add(_reference(*asked))
    return [{"ref": by, "dependsOn": sorted(whom)} for by, whom in asks.items()]


_ABOUT = """\
# Licences

Portravox is under [Apache-2.0](https://www.apache.org/licenses/LICENSE-2.0). What it is installed
with has licences of its own. This page is made from `requirements/lock.txt` by
`python -m release.sbom`; `portravox licenses` shows the same for an installation, and
`portravox licenses --sbom` gives it to scanners as CycloneDX.

Nothing here is legal advice. Wheels of some packages carry libraries under other licences, GPL
among them (x264 in `av`): whoever passes an installation on, as a container image for others,
passes these on as well.

## Packages

| package | version | licence | carries |
|---|---|---|---|
"""

_MODELS = """
## Model files and the demo's portrait

Fetched once, checked by SHA-256
([which, from where](decisions/0031-models-are-data-from-a-package.md)); those of the neural engine
only where somebody asks for them and accepts what is shown ([neural engine](neural.md#licences)).

| file | from | licence |
|---|---|---|
"""


_BUNDLED = """
## What comes along in the package

| file | version | licence |
|---|---|---|
"""


def page(found: dict[str, Any]) -> str:
    """docs/licences.md."""
    entries = [component_of(entry) for entry in found["components"]]

    def rows(*kinds: str) -> list[str]:
        return [
            f"| {each.name} | {each.version[:40]} | {each.licence} |\n"
            for each in entries
            if each.kind in kinds
        ]

    packages = [
        f"| {each.name} | {each.version} | {each.licence} | {each.carries} |\n"
        for each in entries
        if each.kind == "library"
    ]
    models = rows("data", "machine-learning-model")
    return "".join([_ABOUT, *packages, _MODELS, *models, _BUNDLED, *rows("file")])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    check: bool = parser.parse_args().check
    found = bill(LOCK.read_text(encoding="utf-8"))
    wanted = {BOM: json.dumps(found, indent=1) + "\n", PAGE: page(found)}
    stale = [
        file
        for file, text in wanted.items()
        if not file.is_file() or file.read_text(encoding="utf-8") != text
    ]
    for file in stale:
        print(f"{file.name} is not what the lock says; python -m release.sbom" if check else file)
        if not check:
            file.write_text(wanted[file], encoding="utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
