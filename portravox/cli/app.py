"""The commands, put together.

Flow      cli.main -> cli.app -> a command in a file of its own, such as cli.animate

Nothing is imported here that loads weights or codecs: `--help` answers at once.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated

import typer

from portravox import __version__
from portravox.cli.animate import animate_command
from portravox.cli.backup import backup_command, restore_command
from portravox.cli.batch import batch_command
from portravox.cli.check import check_command
from portravox.cli.client import app as client_app
from portravox.cli.completion import COMPLETE_VARIABLE, completion_command
from portravox.cli.demo import demo_command
from portravox.cli.doctor import doctor_command
from portravox.cli.examples import examples
from portravox.cli.inspect import inspect_command
from portravox.cli.keys import app as keys_app
from portravox.cli.licenses import licenses_command
from portravox.cli.link import link_command
from portravox.cli.live import live_command
from portravox.cli.models import app as models_app
from portravox.cli.serve import serve_command
from portravox.cli.terminal import give, tell_error
from portravox.cli.worker import worker_command

UsageError: type[Exception] = typer.BadParameter.__bases__[0]
"""What the parser raises for options that do not exist; typer does not export its name."""

app = typer.Typer(
    help="Makes a portrait talk: a picture and a voice in, a video out.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # its boxes cut long option names off on 80 columns
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(
    "animate",
    short_help="Make the person in PORTRAIT say what VOICE says, or a text.",
    epilog=examples("animate"),
)(animate_command)
app.command("check", short_help="Say whether PORTRAIT can be animated.", epilog=examples("check"))(
    check_command
)
app.command("inspect", short_help="Say which labels of AI-made content FILE carries.")(
    inspect_command
)
app.command(
    "batch", short_help="Make every video in LIST that is not made yet.", epilog=examples("batch")
)(batch_command)
app.command("demo", epilog=examples("demo"))(demo_command)
app.command(
    "live",
    short_help="Speak what comes in while it comes, and idle in between.",
    epilog=examples("live"),
)(live_command)
app.command(
    "doctor", short_help="Look at this machine: what works, and what to do about the rest."
)(doctor_command)
app.command(
    "serve",
    short_help="Serve DashScope's liveportrait API and the studio.",
    epilog=examples("serve"),
)(serve_command)
app.command("licenses")(licenses_command)
app.command("worker", short_help="Make videos for the servers that share a database.")(
    worker_command
)
app.command(
    "completion",
    short_help="Print a script for completion in bash, zsh or fish.",
    epilog=examples("completion"),
)(completion_command)
app.command("link", short_help="Print a link that signs a browser in at the studio, once.")(
    link_command
)
app.command("backup", short_help="Copy tasks, keys and records, while the server runs or not.")(
    backup_command
)
app.command("restore", short_help="Put a backup in place of a stopped server's data.")(
    restore_command
)
app.add_typer(keys_app, name="keys")
app.add_typer(client_app, name="client")
app.add_typer(models_app, name="models")


def _give_version(wanted: bool) -> None:
    if wanted:
        give(f"portravox {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_give_version, help="Show the version and leave."
        ),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False,
) -> None:
    del version
    if debug:
        os.environ["PORTRAVOX_DEBUG"] = "1"
    if context.invoked_subcommand is None:
        for line in context.get_help().splitlines():
            give(line)
        raise typer.Exit


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command; raises what it raises, less the mistakes in how it was called."""
    command = typer.main.get_command(app)
    if COMPLETE_VARIABLE in os.environ:  # a shell asks what may follow
        from typer.completion import completion_init  # type: ignore[attr-defined]

        completion_init()
    try:
        status = command.main(
            None if arguments is None else list(arguments),
            prog_name="portravox",
            standalone_mode=False,
        )
    except UsageError as error:
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else "portravox"
        message = " ".join(str(getattr(error, "format_message", error.__str__)()).split())
        tell_error(message, f"See `{path} --help`.")
        return 2
    return status if isinstance(status, int) else 0
