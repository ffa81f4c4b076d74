"""Where the sample material lies: real pictures and recordings, which may not be published."""

from __future__ import annotations

from pathlib import Path
from typing import Final

SAMPLES: Final = Path(__file__).resolve().parents[2] / "shared" / "samples"
"""Beside the repository; who needs it does without, or skips, where it is absent."""
