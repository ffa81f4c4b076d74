"""What the server counts about itself, for Prometheus.

Flow      request_middleware, worker.loop -> service.metrics -> routes.health -> /metrics
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    start_http_server,
)

from portravox.errors import SettingOutOfRange
from portravox.service.tasks.states import TaskState
from portravox.service.traces import Traces

_SECONDS = (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)
_LIVE_SECONDS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10, 30)
_RATIOS = (0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10)


PAGE_TYPE = CONTENT_TYPE_LATEST
"""The content type of `Metrics.page`."""


class LiveMetrics:
    """What live sessions do."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.sessions = Gauge(
            "portravox_live_sessions", "Live sessions that are open", registry=registry
        )
        self.ended = Counter(
            "portravox_live_ended_total",
            "Live sessions that ended, by the reason that was told",
            ["reason"],
            registry=registry,
        )
        self.frames = Counter(
            "portravox_live_frames_total",
            "Frames of live sessions; late ones showed the picture before them once more",
            ["late"],
            registry=registry,
        )
        self.gaps = Counter(
            "portravox_live_gaps_total",
            "How often speech did not come in time in the middle of an utterance",
            registry=registry,
        )
        self.s = Counter(
            "portravox_live_seconds_total", "Seconds of live sessions", registry=registry
        )
        self.start_s = Histogram(
            "portravox_live_start_seconds",
            "From the picture that is here to the first frame of a live session",
            buckets=_LIVE_SECONDS,
            registry=registry,
        )
        self.answer_s = Histogram(
            "portravox_live_answer_seconds",
            "From sound that comes in where nobody spoke to the piece in which it is heard",
            buckets=_LIVE_SECONDS,
            registry=registry,
        )


class Metrics:
    """One server's numbers, in a registry of their own so that tests may have several."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "portravox_requests_total",
            "Answered requests",
            ["route", "status"],
            registry=self._registry,
        )
        self.traces = Traces()
        self.errors = Counter(
            "portravox_errors_total",
            "Errors told to clients, in answers and in failed tasks",
            ["code"],
            registry=self._registry,
        )
        self.parts = Counter(
            "portravox_parts_total",
            "Parts of long videos that were worked at here, by what came of them",
            ["outcome"],
            registry=self._registry,
        )
        self._tasks = Gauge("portravox_tasks", "Tasks by state", ["state"], registry=self._registry)
        self.stage_s = Histogram(
            "portravox_stage_seconds",
            "How long attempts spent in each stage",
            ["stage"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.real_time_factor = Histogram(
            "portravox_real_time_factor",
            "Seconds of work for a second of video",
            buckets=_RATIOS,
            registry=self._registry,
        )

        self._worker_age_s = Gauge(
            "portravox_worker_heartbeat_age_seconds",
            "How long ago a worker loop gave its latest sign of life",
            ["worker"],
            registry=self._registry,
        )
        self._worker_failed_starts = Gauge(
            "portravox_worker_failed_starts",
            "How often in a row a worker process could not be started",
            ["worker"],
            registry=self._registry,
        )
        self.live = LiveMetrics(self._registry)
        self.notices = Counter(
            "portravox_webhook_attempts_total",
            "Attempts to deliver a notice, by the first digit of what was answered",
            ["answer"],
            registry=self._registry,
        )

    def count_notice(self, status: int | None) -> None:
        """Count an attempt to deliver a notice; None: nobody answered."""
        self.notices.labels("none" if status is None else f"{status // 100}xx").inc()

    def watch_worker(
        self, name: str, *, age_s: Callable[[], float], failed_starts: Callable[[], int]
    ) -> None:
        """Ask how a worker loop is whenever the page is asked for."""
        self._worker_age_s.labels(name).set_function(age_s)
        self._worker_failed_starts.labels(name).set_function(failed_starts)

    @contextmanager
    def served(self, host: str, port: int) -> Iterator[int]:
        """Answer Prometheus in a thread of its own, where there is no server; gives the port.

        port  0: any that is free

        Raises SettingOutOfRange where the port cannot be had.
        """
        try:
            server, thread = start_http_server(port, host, self._registry)
        except OSError as error:
            wanted = f"a port of {host} that is free ({error.strerror})"
            raise SettingOutOfRange("metrics_port", port, wanted) from error
        try:
            yield server.server_port
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def page(self, counts: dict[TaskState, int]) -> bytes:
        """Everything, in Prometheus' text format."""
        for state, count in counts.items():
            self._tasks.labels(str(state)).set(count)
        return generate_latest(self._registry)
