"""The tables of errors, from the classes that are raised and the answers that are given.

Flow      portravox.errors, those of service and client, portravox.service.problems,
          advice.toml -> error_codes -> docs/troubleshooting.md
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

from handbook.markdown import anchor, cell, code, table
from portravox import errors
from portravox.client import errors as client_errors
from portravox.service import errors as service_errors
from portravox.service import problems
from portravox.service.problems import Problem

ADVICE = tomllib.loads((Path(__file__).parent / "advice.toml").read_text(encoding="utf-8"))
"""{"errors": {code: [means, do]}, "answers": {name in problems.py: [means, do]}}"""

_EXIT_STATUS = "exit status"

_MODULES = {each.__name__ for each in (errors, service_errors, client_errors)}


def error_classes() -> tuple[type[errors.PortravoxError], ...]:
    """All classes, each after its base, in the order of their files."""

    def below(kind: type[errors.PortravoxError]) -> Iterator[type[errors.PortravoxError]]:
        yield kind
        for child in kind.__subclasses__():
            yield from below(child)

    return tuple(k for k in below(errors.PortravoxError) if k.__module__ in _MODULES)


def answers() -> dict[str, Problem]:
    """Everything that the service may answer with, by its name in problems.py."""
    told = {n: p for n, p in vars(problems).items() if isinstance(p, Problem)}
    told["wrong_method"] = problems.wrong_method("GET")
    told["bad_parameter"] = problems.bad_parameter("model")
    told["field_required"] = problems.field_required("input.image_url")
    told["out_of_definition"] = problems.out_of_definition("video_fps")
    told["UploadForbidden"] = problems.problem_of(service_errors.UploadForbidden("Policy expired."))
    told["UploadTooLarge"] = problems.problem_of(service_errors.UploadTooLarge("too large"))
    return told


def errors_section() -> str:
    """The errors of the command line and of Python."""
    rows = []
    for kind in error_classes():
        means, do = ADVICE["errors"][kind.code]
        name = f'<span id="{anchor(kind.code)}">{code(kind.code)}</span>'
        status = "2" if issubclass(kind, errors.InputError) else "1"
        rows.append((name, code(kind.__name__), status, means, do))
    return table(("code", "class", _EXIT_STATUS, "means", "do"), rows)


def answers_section() -> str:
    """The codes of the service, sorted by status and code."""
    told = sorted(answers().items(), key=lambda entry: (entry[1].status, entry[1].code))
    rows = []
    for name, problem in told:
        means, do = ADVICE["answers"][name]
        rows.append(
            (str(problem.status), f"{code(problem.code)}<br>{cell(problem.message)}", means, do)
        )
    return table(("status", "code and message", "means", "do"), rows)
