"""What every chapter of the articulation benchmark works with.

Flow      __main__, benchmarks.quality -> Bench -> english, prompts, faces, robustness, languages
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.articulation.baselines import Ears, all_ears


@dataclass(frozen=True, slots=True)
class Bench:
    """Where things are, and which ways to hear are compared."""

    samples: Path
    cache: Path
    """Folder of what takes long and does not change: alignments, tracked faces."""

    quick: bool = False
    """A part of each set, for a look in between."""

    ears: Mapping[str, Ears] = field(default_factory=all_ears)
    """Name -> way to hear; the first is ours."""

    quick_step: int = 4
    """Every fourth sentence of a set makes the quick look."""
