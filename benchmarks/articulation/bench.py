"""What every chapter of the articulation benchmark works with.

Flow      __main__, benchmarks.quality -> Bench -> english, prompts, faces, robustness, languages
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.articulation.baselines import Method, all_methods
from portravox.articulation.acoustic_model import ARTICULATION_MODEL
from training.mandarin import CORPUS as MANDARIN

OURS = "ours"
"""The method that is always measured."""

QUICK_STEP = 4
"""Every fourth sentence of a set makes the quick look."""


@dataclass(frozen=True, slots=True)
class Bench:
    """Where things are, and which methods are compared."""

    samples: Path
    cache: Path
    """Folder of what takes long and does not change: alignments, recognised phones, faces."""

    quick: bool = False
    """A part of each set, for a look in between."""

    choosing: bool = False
    """The parts that are there for choosing thresholds and weights, not those that are reported."""

    weights: Path = ARTICULATION_MODEL
    """Of the network that is also measured alone."""

    mandarin: Path = MANDARIN
    """Folder of the recordings of Mandarin by people."""

    named: frozenset[str] = frozenset()
    """The methods to measure; none named, all there are."""

    @property
    def methods(self) -> Mapping[str, Method]:
        """Name -> method; the first is ours."""
        methods = all_methods(self.cache / "phones", self.weights)
        return {
            name: method
            for name, method in methods.items()
            if not self.named or name == OURS or name in self.named
        }
