"""A run says what was skipped; in CI a skip that nobody decided upon fails it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]

DECIDED = "def test_a(): pytest.skip('runs in `make faults`')\n"
UNDECIDED = (
    "def test_b(): pytest.skip('needs a thing')\ndef test_c(): pytest.skip('needs a thing')\n"
)
PASSED = "def test_d(): pass\n"


def run(folder: Path, tests: str, *, ci: bool) -> tuple[int, str]:
    (folder / "test_it.py").write_text(f"import pytest\n{tests}")
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # loading them takes longer than the tests
    if ci:
        environment["CI"] = "true"
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.skipped", "-c", os.devnull, folder],
        env={**environment, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        cwd=folder,
    )
    return told.returncode, told.stdout


def test_reasons_are_counted(tmp_path: Path):
    status, told = run(tmp_path, DECIDED + UNDECIDED + PASSED, ci=False)
    assert status == 0
    assert "3 tests skipped" in told
    assert "2  needs a thing  <- not decided upon" in told
    assert "1  runs in `make faults`\n" in told


@pytest.mark.parametrize(
    ("tests", "wanted"), [(PASSED, 0), (DECIDED + PASSED, 0), (UNDECIDED + PASSED, 1)]
)
def test_in_ci_a_skip_is_a_failure_that_somebody_decided_about(
    tmp_path: Path, tests: str, wanted: int
):
    assert run(tmp_path, tests, ci=True)[0] == wanted
