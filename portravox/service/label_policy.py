"""Which videos carry a visible label, whoever asks; and a record of those that may do without.

Flow      routes.videos -> label_policy -> Job; unlabelled.jsonl in the data folder

Source: Measures for Labeling AI-Generated Synthetic Content (China, 2025), Article 9: content
without a visible label goes to users who ask for it and were told their duties, and a record of
that is kept for at least six months.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from portravox.labels.visible import VisibleLabel
from portravox.options import LabelPlace
from portravox.service.records import append, session_and_when, who_and_when
from portravox.service.tasks.task import Job, Task

LabelPolicy = Literal["asked", "zh", "en"]
"""asked: as each task asks. zh, en: in every video, this one where a task asks for none."""

OPTION, PLACE, LENGTH = "visible_label", "label_place", "label_s"

RECORD_NAME = "unlabelled.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelling:
    """What the operator decided."""

    policy: LabelPolicy = "asked"

    agreements: Mapping[str, str] = field(default_factory=dict)
    """By id of a key: the agreement by which its videos may do without a visible label."""

    place: LabelPlace | None = None
    """The corner, whatever a task says; None: as it says."""

    lasts_s: int | None = None
    """Where the operator labels every video: for how long. None: the whole video."""

    record: Path = Path(RECORD_NAME)
    """Where those are written down; made with the first."""

    def of_job(self, job: Job, key_id: str) -> Job:
        """The job as it is to be done."""
        return replace(job, parameters=self.of_parameters(job.parameters, key_id))

    def of_parameters(self, parameters: Mapping[str, Any], key_id: str) -> Mapping[str, Any]:
        """Options as they are to be followed."""
        label: VisibleLabel | None = parameters.get(OPTION)
        if label is None and self.policy != "asked" and key_id not in self.agreements:
            label = self.policy
        if label is None:
            return parameters
        wanted: dict[str, Any] = {**parameters, OPTION: label}
        if self.place is not None:
            wanted[PLACE] = self.place
        if self.policy != "asked":  # then it is the operator's label, not the task's
            wanted.pop(LENGTH, None)
            if self.lasts_s is not None:
                wanted[LENGTH] = self.lasts_s
        return wanted

    def needs_record(self, task: Task) -> bool:
        """Whether a task's video goes out without the label that others carry."""
        return self.lacks_label(task.job.parameters)

    def lacks_label(self, parameters: Mapping[str, Any]) -> bool:
        """The same by the options that are followed."""
        return self.policy != "asked" and OPTION not in parameters

    def write_down(self, task: Task) -> None:
        """Record who gets a video without a visible label, and why; on the disk when this returns.

        Raises StorageFailed.
        """
        append(self.record, {**who_and_when(task), **self._agreed(task.key_id)})

    def write_session_down(self, session_id: str, key_id: str, begun_at: float) -> None:
        """The same of a live session. Raises StorageFailed."""
        begun = session_and_when(session_id, key_id, begun_at)
        append(self.record, {**begun, **self._agreed(key_id)})

    def _agreed(self, key_id: str) -> dict[str, str]:
        return {"agreement": self.agreements.get(key_id, "")}
