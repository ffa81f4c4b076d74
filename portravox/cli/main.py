"""Where the command `portravox` begins and ends: every error becomes one line and an exit status.

Flow      the shell -> cli.main -> cli.app -> a command

Only what is needed to fail well is imported here, so that Ctrl-C works from the first moment.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import NoReturn

from portravox.cli.terminal import in_one_line, tell, tell_error
from portravox.errors import Cancelled, InputError, ModelUnavailable, PortravoxError

DONE, OUR_FAILURE, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
"""Exit statuses. 130 is what shells give a program that Ctrl-C ended."""

DEBUG = "PORTRAVOX_DEBUG"
"""Environment variable; set to anything, it shows where an error came from. So does --debug."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, by default the one in sys.argv. Returns the exit status."""
    if not os.environ.get(DEBUG):
        # What libraries say to developers would stand between the lines meant for the user.
        warnings.simplefilter("ignore")
    try:
        with _ended_by_signals():
            from portravox.cli.app import run

            status = run(arguments)
            if status == INTERRUPTED:
                tell("stopped")
            return status
    except (KeyboardInterrupt, Cancelled):
        tell("stopped")
        return INTERRUPTED
    except PortravoxError as error:
        _show_origin()
        tell_error(str(error), error.hint)
        return status_of(error)
    except BrokenPipeError:
        # Whoever read our output is gone; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OUR_FAILURE
    except ImportError as error:
        _show_origin()
        tell_error(f"a library does not load: {in_one_line(error)}", ModelUnavailable.hint)
        return OUR_FAILURE
    except Exception as error:
        _show_origin()
        tell_error(f"unexpected: {in_one_line(error)}", f"Set {DEBUG}=1 to see where it came from.")
        return OUR_FAILURE


def status_of(error: BaseException) -> int:
    """The exit status for an error: whose fault it was."""
    return BAD_INPUT if isinstance(error, InputError) else OUR_FAILURE


def _show_origin() -> None:
    if os.environ.get(DEBUG):
        traceback.print_exc()


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and a closed terminal end the command as Ctrl-C does: tidily."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals reach the main thread only
        return
    signals = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = {number: signal.signal(number, _leave) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    del frame
    raise SystemExit(128 + number)
