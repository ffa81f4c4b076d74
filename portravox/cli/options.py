"""Options that several commands share, made from the definitions in `portravox.options`.

Flow      portravox.options -> cli.options -> cli.animate, batch, client, demo

The parser hands on texts; `job_options` reads them, so that a wrong one is refused in the same
words as everywhere.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from portravox.errors import SettingOutOfRange
from portravox.options import OPTIONS, JobOptions, Option, Truth
from portravox.system import ENVIRONMENT

Json = Annotated[
    bool, typer.Option("--json", help="One line of JSON on stdout, and nothing else there.")
]

Producer = Annotated[
    str,
    typer.Option(
        "--producer",
        envvar=f"{ENVIRONMENT}PRODUCER",
        metavar="NAME",
        help="Who makes the video: a name or registration number, written into its AIGC label.",
    ),
]

CaptionsFont = Annotated[
    Path | None,
    typer.Option(
        "--captions-font",
        metavar="FILE",
        help="TrueType or OpenType, for captions in the picture.",
        show_default="one that is found",
    ),
]

Given = Mapping[str, str | bool | None]
"""What the command line says about each option; None where it says nothing and there is no
default."""


def with_job_options(command: Callable[..., None]) -> Callable[..., None]:
    """The command with one option for each of `JobOptions` where it takes `given: Given`."""
    return with_options(command, tuple(OPTIONS))


def with_options(command: Callable[..., None], names: tuple[str, ...]) -> Callable[..., None]:
    """The same with some of the options."""

    @functools.wraps(command)
    def run(**arguments: Any) -> None:
        given = {name: arguments.pop(name) for name in names}
        command(**arguments, given=given)

    signature = inspect.signature(command, eval_str=True)
    parameters = []
    for parameter in signature.parameters.values():
        if parameter.name == "given":
            parameters += [_parameter(OPTIONS[name]) for name in names]
        else:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def job_options(given: Given, **more: object) -> JobOptions:
    """What the command line says, checked. Raises SettingOutOfRange.

    more   values that take the place of those given
    """
    try:
        values = {
            name: OPTIONS[name].from_text(value) if isinstance(value, str) else value
            for name, value in given.items()
        }
    except SettingOutOfRange as error:
        error.hint = "See `portravox animate --help`."
        raise
    return JobOptions(**{**values, **more})  # type: ignore[arg-type] # it checks types, too


def _parameter(option: Option) -> inspect.Parameter:
    kind: Any = bool if isinstance(option.kind, Truth) else str | None if option.optional else str
    default = option.default
    if default is not None and kind is not bool:
        default = format(default, "g") if isinstance(default, float) else str(default)
    flag = option.flag_name
    said = typer.Option(
        f"--{flag}/--no-{flag}" if kind is bool else f"--{flag}",
        metavar=None if kind is bool else option.kind.metavar,
        help=option.help.en,
        show_default=option.none.en[0].lower() + option.none.en[1:] if option.none else True,
    )
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[kind, said],
    )
