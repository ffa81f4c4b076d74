"""The bill of materials: all of the lock and of the catalogue, nothing else, each licensed."""

from __future__ import annotations

import json
import re
from importlib.metadata import distribution
from pathlib import Path

import pytest

from portravox.components import bill_of_materials, components
from portravox.model_files.catalogue import OPTIONAL_SETS, SETS
from release import sbom

ROOT = Path(__file__).parents[2]


def test_what_is_shipped_is_what_lock_and_catalogue_say() -> None:
    found = sbom.bill((ROOT / sbom.LOCK).read_text())
    assert bill_of_materials() == json.dumps(found, indent=1) + "\n"
    assert (ROOT / sbom.PAGE).read_text() == sbom.page(found)


def test_every_package_of_the_lock_and_every_model_file_is_in_it() -> None:
    pinned = re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / sbom.LOCK).read_text(), re.M)
    told = components()
    assert {(each.name, each.version) for each in told if each.kind == "library"} == set(pinned)
    assert {each.name for each in told if each.kind in ("data", "machine-learning-model")} == {
        file.name for models in (*SETS, *OPTIONAL_SETS) for file in models.files
    }
    assert all(each.licence for each in told)


def test_files_of_others_that_come_along_are_in_it() -> None:
    foreign = {
        file.name.removesuffix(".gz")
        for pattern in ("**/*.woff2", "studio/reference/swagger*.gz")
        for file in sbom.BOM.parent.glob(pattern)
    }
    assert {each.name for each in components() if each.kind == "file"} == foreign
    assert len(foreign) == 3


def test_who_asks_for_whom_is_in_it() -> None:
    graph = {
        each["ref"]: each["dependsOn"] for each in json.loads(bill_of_materials())["dependencies"]
    }
    versions = {each.name: each.version for each in components()}

    def reference(name: str) -> str:
        return f"pkg:pypi/{name}@{versions[name]}"

    assert reference("llvmlite") in graph[reference("numba")]
    assert reference("h11") in graph[reference("uvicorn")]
    [ours] = [ref for ref in graph if ref.startswith("portravox@")]
    assert reference("numba") in graph[ours]
    assert reference("llvmlite") not in graph[ours]


def test_a_package_without_a_licence_stops_it() -> None:
    with pytest.raises(LookupError, match="nowhere has no SPDX expression"):
        sbom.bill("nowhere==1.0\n")


def test_wheels_that_carry_foreign_libraries_are_named() -> None:
    """By the folders that the tool that repairs wheels makes."""
    repaired = set()
    for each in components():
        if each.installed_version is not None:
            files = distribution(each.name).files or []
            if any(".libs/" in str(file) for file in files):
                repaired.add(each.name)
    assert repaired <= set(sbom.CARRIES)
