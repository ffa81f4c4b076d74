"""portravox worker: makes videos for the servers that share its database, and answers nobody.

Flow      cli.app -> cli.worker -> service.app.opened_worker
"""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Annotated

import typer

from portravox.cli.server_options import Config, DataDir
from portravox.cli.terminal import tell
from portravox.errors import SystemUnsupported
from portravox.system import CORES, can_serve, cores_per_job

if TYPE_CHECKING:
    from portravox.service.settings import ServiceSettings


def worker_command(
    slots: Annotated[
        int, typer.Option("--slots", min=1, help="Videos at a time; one fills two cores.")
    ] = 1,
    queues: Annotated[
        str | None,
        typer.Option(
            "--queues",
            metavar="ENGINE,...",
            help="Take only tasks that these engines draw: embedded, neural.",
            show_default="those of PORTRAVOX_ENGINES",
        ),
    ] = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            "--metrics-port",
            min=0,
            max=65535,
            help="Answer Prometheus on this port of PORTRAVOX_HOST.",
            show_default="no answer",
        ),
    ] = None,
    data_dir: DataDir = None,
    config: Config = None,
    log_format: Annotated[
        str | None, typer.Option("--log-format", metavar="text|json", show_default="text")
    ] = None,
) -> None:
    """Make videos for the servers that share this database, until Ctrl-C or SIGTERM.

    PORTRAVOX_DATABASE_URL says where it is, as for `portravox serve`.
    """
    if not can_serve():
        raise SystemUnsupported("the server")
    from portravox.model_files.catalogue import FACES
    from portravox.model_files.required import require_all
    from portravox.service.logs import write_logs
    from portravox.service.settings import read_settings

    settings = read_settings(
        {"data_dir": data_dir, "log_format": log_format, "queues": queues}, config=config
    )
    require_all((FACES,))
    os.environ[CORES] = str(cores_per_job(slots))  # its worker processes read it
    write_logs(settings.log_format)
    asyncio.run(_work(settings, slots, metrics_port))


async def _work(settings: ServiceSettings, slots: int, metrics_port: int | None) -> None:
    from portravox.service.app import opened_worker

    stopping, hurrying = asyncio.Event(), asyncio.Event()

    def stop() -> None:
        (hurrying if stopping.is_set() else stopping).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    opening = opened_worker(
        settings, slots=slots, stopping=stopping, hurrying=hurrying, metrics_port=metrics_port
    )
    async with opening as worker:
        tell(f"worker {worker.name} makes {slots} videos at a time")
