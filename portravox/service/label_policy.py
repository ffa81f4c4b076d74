"""Which videos carry a visible label, whoever asks; and a record of those that may do without.

Flow      routes.videos -> label_policy -> Job; unlabelled.jsonl in the data folder

Source: Measures for Labeling AI-Generated Synthetic Content (China, 2025), Article 9: content
without a visible label goes to users who ask for it and were told their duties, and a record of
that is kept for at least six months.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from portravox.labels.visible import VisibleLabel
from portravox.service.errors import StorageFailed
from portravox.service.tasks.task import Job, Task

LabelPolicy = Literal["asked", "zh", "en"]
"""asked: as each task asks. zh, en: in every video, this one where a task asks for none."""

OPTION = "visible_label"

RECORD_NAME = "unlabelled.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelling:
    """What the operator decided."""

    policy: LabelPolicy = "asked"

    agreements: Mapping[str, str] = field(default_factory=dict)
    """By id of a key: the agreement by which its videos may do without a visible label."""

    record: Path = Path(RECORD_NAME)
    """Where those are written down; made with the first."""

    def of_job(self, job: Job, key_id: str) -> Job:
        """The job as it is to be done."""
        if self.policy == "asked" or OPTION in job.parameters or key_id in self.agreements:
            return job
        label: VisibleLabel = self.policy
        return replace(job, parameters={**job.parameters, OPTION: label})

    def needs_record(self, task: Task) -> bool:
        """Whether a task's video goes out without the label that others carry."""
        return self.policy != "asked" and OPTION not in task.job.parameters

    def write_down(self, task: Task) -> None:
        """Record who gets a video without a visible label, and why; on the disk when this returns.

        Raises StorageFailed.
        """
        line = {
            "time": datetime.fromtimestamp(task.submitted_at, UTC).isoformat(timespec="seconds"),
            "task_id": task.task_id,
            "request_id": task.request_id,
            "key_id": task.key_id,
            "agreement": self.agreements.get(task.key_id, ""),
        }
        written = json.dumps(line).encode() + b"\n"
        try:
            descriptor = os.open(self.record, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                # In one call, so that neither threads nor processes mix their lines (O_APPEND).
                if os.write(descriptor, written) != len(written):
                    raise StorageFailed(f"{self.record.name} could not be written whole")
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise StorageFailed(f"{self.record.name}: {error.strerror}") from error
