"""portravox completion: what a shell needs to complete commands and options.

Flow      cli.app -> cli.completion -> typer
"""

from __future__ import annotations

from typing import Annotated

import typer

from portravox.cli.terminal import give
from portravox.errors import SettingOutOfRange

SHELLS = ("bash", "zsh", "fish")

COMPLETE_VARIABLE = "_PORTRAVOX_COMPLETE"
"""How the script asks the command what may follow; the parser's own form of the name."""


def completion_command(
    shell: Annotated[str, typer.Argument(metavar="bash|zsh|fish", help="Your shell.")],
) -> None:
    """Print a script after which the shell completes commands and options."""
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    if shell not in SHELLS:
        raise SettingOutOfRange("shell", shell, ", ".join(SHELLS))
    script = get_completion_script(
        prog_name="portravox", complete_var=COMPLETE_VARIABLE, shell=shell
    )
    for line in script.splitlines():
        give(line)
