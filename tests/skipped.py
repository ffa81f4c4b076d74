"""Says at the end of a run how many tests were skipped for which reason; a plugin of pytest.

A skip is a test that somebody decided not to run on this machine. In CI, where everything that can
be installed is, those that remain are named one by one below, and any other one fails the run.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest

ALLOWED_IN_CI = (
    "runs in `make faults`",
    "runs in `make agents`",
    "runs in `make manifests`",
    "root may write anywhere",  # and CI is root
    "the sample material is not at",  # portraits and voices that may not be published
    "the sample voices are not beside the project",
    "../shared/samples/aligned_english is not there",
    "PyTorch is installed for training only",
    "PyTorch is not installed",  # .ci/run has it where a build for the processor can be had
    "needs the training environment",
    "the reference has an environment of its own",
    "only root may mount a disk",
    "no disk can be mounted here",
    "this Python cannot be read by nobody",  # where it lies in the home folder of root
    "needs festvox-",  # 200 MB of voices, for training
)
"""Beginnings of reasons."""


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """A line for each reason, most frequent first."""
    del config
    reasons = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))
    if not reasons:
        terminalreporter.write_line("0 tests skipped")
        return
    terminalreporter.section(f"{reasons.total()} tests skipped")
    for reason, count in reasons.most_common():
        news = "" if _is_allowed(reason) else "  <- not decided upon: tests/skipped.py"
        terminalreporter.write_line(f"{count:5}  {reason}{news}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skip for a reason that is not listed is a failure."""
    if not os.environ.get("CI"):
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter is not None else []
    undecided = {_reason(report) for report in skipped if not _is_allowed(_reason(report))}
    if undecided and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _is_allowed(reason: str) -> bool:
    return reason.startswith(ALLOWED_IN_CI)


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    told = report.longrepr
    text = str(told[2]) if isinstance(told, tuple) else str(told)
    return text.removeprefix("Skipped: ").splitlines()[0]
