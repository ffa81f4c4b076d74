"""The sample material where it is present."""

from __future__ import annotations

from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "samples"


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder with real pictures and recordings, which may not be published."""
    if not SAMPLES.is_dir():
        pytest.skip(f"the sample material is not at {SAMPLES}")
    return SAMPLES
