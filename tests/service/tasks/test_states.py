from __future__ import annotations

from portravox.service.tasks.states import TaskState


def test_names_are_those_that_clients_compare() -> None:
    assert [str(state) for state in TaskState] == [
        "PENDING",
        "RUNNING",
        "SUCCEEDED",
        "FAILED",
        "CANCELED",
    ]


def test_only_pending_and_running_tasks_may_change() -> None:
    assert [state for state in TaskState if not state.ended] == ["PENDING", "RUNNING"]
