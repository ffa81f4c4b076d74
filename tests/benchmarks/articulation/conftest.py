"""Where the aligned samples are, for tests that need real speech."""

from pathlib import Path

import pytest

from benchmarks.articulation.sentences import SAMPLES


@pytest.fixture(scope="session")
def samples_folder() -> Path:
    """Skips where the samples are not beside the repository."""
    if not (SAMPLES / "aligned_english").is_dir():
        pytest.skip("../shared/samples/aligned_english is not there")
    return SAMPLES
