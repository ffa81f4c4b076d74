"""What every chapter of the articulation benchmark works with.

Flow      __main__, benchmarks.quality -> Bench -> english, prompts, faces, robustness, languages
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.articulation.baselines import Ears, all_ears
from portravox.articulation.network import EARS

QUICK_STEP = 4
"""Every fourth sentence of a set makes the quick look."""


@dataclass(frozen=True, slots=True)
class Bench:
    """Where things are, and which ways to hear are compared."""

    samples: Path
    cache: Path
    """Folder of what takes long and does not change: alignments, recognised phones, faces."""

    quick: bool = False
    """A part of each set, for a look in between."""

    weights: Path = EARS
    """Of the network that is also heard by itself."""

    @property
    def ears(self) -> Mapping[str, Ears]:
        """Name -> way to hear; the first is ours."""
        return all_ears(self.cache / "phones", self.weights)
