"""portravox licenses: what this installation is made of, and under which terms.

Flow      cli.app -> cli.licenses -> components
"""

from __future__ import annotations

import json
from typing import Annotated

import typer

from portravox.cli.options import Json
from portravox.cli.terminal import give, give_json


def licenses_command(
    sbom: Annotated[
        bool, typer.Option("--sbom", help="The whole list as CycloneDX 1.6 JSON, for scanners.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List packages and model files with their licences.

    Versions are those of the lock; another one that is installed stands beside it.
    """
    from portravox.components import bill_of_materials, components

    if sbom:
        give_json(json.loads(bill_of_materials()))
        return
    found = components()
    if as_json:
        give_json(
            {
                "components": [
                    {
                        "name": each.name,
                        "kind": each.kind,
                        "version": each.version,
                        "installed_version": each.installed_version,
                        "licence": each.licence,
                        "carries": each.carries,
                    }
                    for each in found
                ]
            }
        )
        return
    give("Portravox itself: Apache-2.0")
    for each in found:
        installed = each.installed_version
        other = ""
        if each.kind == "library" and installed != each.version:
            other = f" (installed: {installed or 'not'})"
        give(f"{each.name} {each.version[:40]}{other}: {each.licence}")
        if each.carries:
            give(f"  carries {each.carries}")
