"""What an installation is made of: packages and files of trained networks, with their licences.

Flow      requirements/lock.txt -> release.sbom -> sbom.json beside this file -> components
          -> cli.licenses

The list is a software bill of materials in CycloneDX 1.6, made from the lock that `make setup`
installs. An environment made by `pip install` may have other versions: what is installed is told
beside what was locked.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import Any

SBOM_NAME = "sbom.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A package or a file that is used as it is."""

    name: str
    version: str
    """As locked; of a file, the package or revision that it is taken from."""

    kind: str
    """library, data, machine-learning-model, or file for what comes along in the package, as
    CycloneDX calls them."""

    licence: str
    """An SPDX expression, or the maker's own words where there is none."""

    carries: str
    """Foreign libraries inside, under other licences than the package's; empty where none."""

    @property
    def installed_version(self) -> str | None:
        """Of a library, what this environment has; None where it has none."""
        if self.kind != "library":
            return None
        try:
            return version(self.name)
        except PackageNotFoundError:
            return None


def bill_of_materials() -> str:
    """Return the whole list as CycloneDX JSON."""
    return files("portravox").joinpath(SBOM_NAME).read_text(encoding="utf-8")


def components() -> tuple[Component, ...]:
    """Return all of them, libraries first, by name.

    >>> {component.name: component.licence for component in components()}["numpy"]
    'BSD-3-Clause AND 0BSD AND MIT AND Zlib AND CC0-1.0'
    """
    return tuple(map(component_of, json.loads(bill_of_materials())["components"]))


def component_of(entry: dict[str, Any]) -> Component:
    notes = {note["name"]: note["value"] for note in entry.get("properties", [])}
    [licence] = entry["licenses"]
    return Component(
        name=entry["name"],
        version=entry["version"],
        kind=entry["type"],
        licence=licence.get("expression") or licence["license"]["name"],
        carries=notes.get("portravox:carries", ""),
    )
