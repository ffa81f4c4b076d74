"""The table of the service's numbers, from the registry that holds them.

Flow      portravox.service.metrics -> metrics -> docs/monitoring.md
"""

from __future__ import annotations

from handbook.markdown import code, table
from portravox.service.metrics import Metrics


def families() -> dict[str, tuple[str, str, tuple[str, ...]]]:
    """Names as they are told, with kind, text and labels."""
    found = {}
    for collector in vars(Metrics()).values():
        for family in getattr(collector, "describe", list)():
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels = tuple(collector._labelnames)
            found[name] = (family.type, family.documentation, labels)
    return found


def section() -> str:
    """All of them."""
    return table(
        ("name", "kind", "labels", ""),
        [
            (code(name), kind, ", ".join(map(code, labels)), text)
            for name, (kind, text, labels) in families().items()
        ],
    )
