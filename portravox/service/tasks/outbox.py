"""Notices of ended tasks: what is kept about each, whatever keeps it.

Flow      TaskQueue.submit registers webhooks; the end of the task makes their notices due
          webhooks.deliver -> claim, record; routes.webhooks -> list

A notice becomes due in the same transaction that ends its task, so none is lost. An attempt to
deliver one has a lease: whoever claims it and then vanishes leaves it due again, so a notice may
come twice and never not at all. What is kept goes with its task.

`tests/contracts/test_outbox.py` runs on every queue there is.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from portravox.service.tasks.task import Task

OPERATOR_TENANT = ""
"""Of the operator's own notices; keys' ids are not empty."""

PER_TENANT = 2
"""Notices of one tenant that one claim gives, so that a slow receiver delays its own only. Our
choice."""


class NoticeFormat(StrEnum):
    """How the body of a notice is written."""

    STANDARD = "standard"
    CLOUDEVENTS = "cloudevents"


class DeliveryState(StrEnum):
    """Where a notice stands."""

    WAITING = "WAITING"
    """Its task has not ended."""

    DUE = "DUE"
    DELIVERED = "DELIVERED"
    GIVEN_UP = "GIVEN_UP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Where a task's end is to be told."""

    url: str
    format: NoticeFormat

    by_operator: bool = False
    """Named in the server's settings, and not by a client: may lead inside, and clients never see
    it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryAttempt:
    """One try to deliver a notice."""

    at: float
    status: int | None
    """What the receiver answered; None for no answer. Why there was none is for our log alone: it
    would tell strangers about the network around us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A notice as it was when it was read."""

    delivery_id: str
    """A UUID; the same at each attempt, so that a receiver knows what it has had."""

    task_id: str
    key_id: str
    key_group: str
    """Of the task."""

    webhook: Webhook
    state: DeliveryState
    tries: int
    """Attempts that were begun."""

    next_at: float | None
    """When the next attempt may begin; None unless DUE."""

    ended_at: float | None
    attempts: tuple[DeliveryAttempt, ...]
    """Those whose outcome is known, the first one first."""

    @property
    def tenant(self) -> str:
        """Whose turn it uses: an API key's id, or OPERATOR_TENANT."""
        return OPERATOR_TENANT if self.webhook.by_operator else self.key_id


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFilter:
    """Which notices a list shows."""

    task_id: str | None = None
    page_no: int = 1
    page_size: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPage:
    """A part of a list."""

    deliveries: tuple[Delivery, ...]
    """Of the latest task first."""

    total: int


class Outbox(Protocol):
    """Notices between the tasks that end and the receivers who want to know.

    Every method raises QueueUnavailable where the table cannot be read or written.
    """

    async def claim(
        self, *, limit: int, lease_s: float, busy: Set[str] = frozenset()
    ) -> tuple[tuple[Delivery, Task], ...]:
        """Begin an attempt for up to `limit` notices that are due, with the tasks they are about.

        Up to PER_TENANT of each tenant, none of the tenants in `busy`; those due longest first.
        Nobody else is given them until the lease has run out.
        """

    async def record(
        self, delivery: Delivery, attempt: DeliveryAttempt, *, retry_at: float | None
    ) -> bool:
        """Keep what came of an attempt: to be tried again, or ended by it.

        Ended means DELIVERED where the receiver answered 2xx, GIVEN_UP otherwise. False, and
        nothing is kept, if the notice was claimed again since or is gone.
        """

    async def list(self, wanted: DeliveryFilter, *, key_group: str) -> DeliveryPage:
        """Notices of a group's tasks, but for the operator's."""
