"""portravox serve: the HTTP service.

Flow      cli.app -> cli.serve -> service.settings, service.app -> uvicorn
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import os
import socket
import webbrowser
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from portravox.cli.link import login_link
from portravox.cli.server_options import Config, DataDir
from portravox.cli.terminal import give, tell
from portravox.errors import (
    AddressUnusable,
    ModelUnavailable,
    PortravoxError,
    SystemUnsupported,
)
from portravox.system import CORES, allow_many_open_files, can_serve, cores_per_job

if TYPE_CHECKING:
    from portravox.service.settings import ServiceSettings

_BACKLOG = 2048
"""Connections that may wait to be accepted: uvicorn's own default."""

_ACCEPTED_AT_ONCE = 16
"""Connections taken in one turn of the event loop. libuv takes one for each socket it listens on:
beside 64 busy clients the last of as many new ones waited a second for it. Our choice."""

_KEEP_ALIVE_S = 75
"""Longer than clients pause between polls, who else send a POST again when its connection drops."""


def serve_command(
    host: Annotated[
        str | None, typer.Option("--host", help="Address.", show_default="127.0.0.1")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", help="0: any free one.", show_default="8000")
    ] = None,
    data_dir: DataDir = None,
    config: Config = None,
    public_url: Annotated[
        str | None,
        typer.Option("--public-url", metavar="URL", help="Where clients reach this server."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            help="Videos at a time; 0: `portravox worker` makes them.",
            show_default="1",
        ),
    ] = None,
    no_keys: Annotated[
        bool | None, typer.Option("--no-keys", help="Serve everybody, without API keys.")
    ] = None,
    insecure: Annotated[
        bool | None,
        typer.Option("--insecure", help="Allow --no-keys on an address that others can reach."),
    ] = None,
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open the studio in a browser, signed in.")
    ] = False,
    speech: Annotated[
        str | None,
        typer.Option(
            "--speech",
            metavar="NAME",
            help="Who speaks texts: espeak-ng, piper, openai or dashscope.",
            show_default="off",
        ),
    ] = None,
    log_format: Annotated[
        str | None, typer.Option("--log-format", metavar="text|json", show_default="text")
    ] = None,
) -> None:
    """Serve DashScope's liveportrait API, until Ctrl-C or SIGTERM.

    All settings may also stand in the environment as PORTRAVOX_… or in a TOML file.
    """
    if not can_serve():
        raise SystemUnsupported("the server")
    from portravox.service.settings import read_settings

    flags = {
        "host": host,
        "port": port,
        "data_dir": data_dir,
        "public_url": public_url,
        "workers": workers,
        "no_keys": no_keys,
        "insecure": insecure,
        "speech": speech,
        "log_format": log_format,
    }
    settings = read_settings(flags, config=config)
    settings.require_safe()
    _have_models()
    os.environ[CORES] = str(cores_per_job(max(settings.workers, 1)))  # its worker processes read it
    with _listening(settings) as listener:
        address = f"http://{_in_url(settings.host)}:{listener.getsockname()[1]}"
        _serve(
            settings,
            listener,
            url=settings.public_url or address,
            opens=address if open_browser else None,
        )


def _serve(
    settings: ServiceSettings, listener: socket.socket, *, url: str, opens: str | None
) -> None:
    """Run the server until it is told to stop.

    url     told once it is open
    opens   where a browser on this machine finds it, if one is to be opened
    """
    import uvicorn

    from portravox.service.app import create_server
    from portravox.service.connections import TimeoutProtocol
    from portravox.service.logs import write_logs

    write_logs(settings.log_format)
    application = create_server(settings)
    config = uvicorn.Config(
        application,
        loop="uvloop",
        http=TimeoutProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,  # it would write signed links down
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=5,
    )

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            application.stop()
            super().handle_exit(sig, frame)

        async def main_loop(self) -> None:
            # What has been loaded stays. Looking through it for garbage again and again would hold
            # every client up for 60 ms.
            gc.collect()
            gc.freeze()
            try:
                _introduce(settings, url)
                if opens is not None:
                    await asyncio.to_thread(_open_studio, settings, opens)
            except PortravoxError as error:
                application.failure = error
            else:
                await super().main_loop()
                # Told to stop: whoever waits for a video that is being made goes on asking for it,
                # and is answered, also on new connections, until the workers have ended.
                counter = 0
                while not application.drained:
                    await asyncio.sleep(0.1)
                    counter += 1
                    await self.on_tick(counter)

    server = Server(config)
    _allow_many_connections()
    try:
        server.run(sockets=_accepting_sockets(listener))
    except SystemExit:
        # uvicorn hands SIGTERM on when it is done: told to stop, and stopped, is no failure. It
        # also leaves by itself where the service did not open.
        if application.failure is None and not server.should_exit:
            raise
    if application.failure is not None:
        raise application.failure


def _have_models() -> None:
    """Fetch what is missing now: the worker processes may have no network. Without the example's
    portrait the server works, too."""
    from portravox.model_files.catalogue import DEMO, FACES
    from portravox.model_files.required import require_all

    require_all((FACES,))
    with contextlib.suppress(ModelUnavailable):
        require_all((DEMO,))


def _allow_many_connections() -> None:
    """Ask for all the open files that the system lets us have: usual shells give 1024, which a
    few hundred clients that do nothing would use up."""
    allow_many_open_files()


def _accepting_sockets(listener: socket.socket) -> list[socket.socket]:
    """The socket several times over, so that as many connections are taken in one turn."""
    return [listener, *(listener.dup() for _ in range(_ACCEPTED_AT_ONCE - 1))]


def _listening(settings: ServiceSettings) -> socket.socket:
    """A socket of our own, so that a free port has a number before it is told."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise _not_listening(settings, error) from error


def _open_studio(settings: ServiceSettings, url: str) -> None:
    """In a browser of this machine, by a link that only it gets."""
    link = f"{url}/" if settings.no_keys else login_link(settings, url)
    if not webbrowser.open(link.replace("://0.0.0.0:", "://127.0.0.1:")):
        tell("note: no browser opened here; use the link above")


def _not_listening(settings: ServiceSettings, error: OSError) -> AddressUnusable:
    """Why, and what else would do."""
    place = f"port {settings.port} of {settings.host}"
    if error.errno == errno.EADDRINUSE:
        refused = AddressUnusable(f"{place} is in use, by another program or another server")
        refused.hint = (
            f"Choose another one: `portravox serve --port {settings.port + 1}`; 0 is any free one."
        )
    elif error.errno == errno.EACCES:
        refused = AddressUnusable(f"{place} is for the system's own programs")
        refused.hint = "Choose one from 1024 on, behind a proxy where it has to be 80 or 443."
    else:
        refused = AddressUnusable(f"cannot listen on {place}: {error.strerror or error}")
        refused.hint = "--host takes an address of this machine; 0.0.0.0 is all of them."
    return refused


def _introduce(settings: ServiceSettings, url: str) -> None:
    """Say where the server is, and give the first key, which is never shown again."""
    from portravox.service.accounts import keys_of
    from portravox.service.settings import is_loopback

    give(f"Portravox serves {url}/api/v1 and describes it at {url}/docs")
    if is_loopback(settings.host) and not settings.no_keys:
        give(f"The studio, signed in (once, within ten minutes): {login_link(settings, url)}")
    else:
        give(f"The studio: {url}/")
    keys = keys_of(settings)
    if settings.no_keys or keys.all():
        return
    _, secret = keys.create("first")
    give("The first API key, shown this once:")
    give(secret)
    give("Try it, with addresses of your own files:")
    give(
        f"curl {url}/api/v1/services/aigc/image2video/video-synthesis"
        f" -H 'Authorization: Bearer {secret}' -H 'X-DashScope-Async: enable'"
        " -d '"
        '{"model": "liveportrait", "input": {"image_url": "https://example.com/face.jpg",'
        ' "audio_url": "https://example.com/voice.wav"}}'
        "'"
    )


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
