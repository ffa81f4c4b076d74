"""The tree of errors is the one that its docstring draws, and clients can branch on the codes."""

from __future__ import annotations

import re
from types import ModuleType

import pytest

from portravox import errors
from portravox.client import errors as client_errors
from portravox.errors import FileMissing, InputError, PortravoxError, SettingOutOfRange
from portravox.service import errors as service_errors


def classes_below(parent: type[PortravoxError]) -> list[type[PortravoxError]]:
    return [kind for child in parent.__subclasses__() for kind in (child, *classes_below(child))]


MODULES = (errors, service_errors, client_errors)

# Of these modules only: elsewhere a test may make errors of its own.
ALL = [
    PortravoxError,
    *(
        k
        for k in classes_below(PortravoxError)
        if k.__module__ in {each.__name__ for each in MODULES}
    ),
]


def drawn_tree(module: ModuleType) -> dict[str, str]:
    """Class name -> name of its parent, as drawn in the docstring of `module`."""
    above: list[str] = []
    tree = {}
    for line in (module.__doc__ or "").splitlines():
        match = re.match(r"^((?:[│ ]   )*(?:[├└]── )?)(\w+)", line)
        if match is None or not hasattr(module, match[2]):
            continue
        depth = len(match[1]) // 4
        del above[depth:]
        if above:
            tree[match[2]] = above[-1]
        above.append(match[2])
    return tree


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_the_docstring_draws_the_real_tree(module: ModuleType) -> None:
    here = [kind for kind in ALL[1:] if kind.__module__ == module.__name__]
    assert drawn_tree(module) == {kind.__name__: kind.__bases__[0].__name__ for kind in here}


def test_every_error_has_a_code_of_its_own() -> None:
    assert all("code" in vars(kind) for kind in ALL)
    codes = [kind.code for kind in ALL]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("kind", ALL[1:], ids=lambda kind: kind.__name__)
def test_codes_are_the_names_in_snake_case(kind: type[PortravoxError]) -> None:
    assert kind.code == re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_a_hint_is_one_sentence_or_nothing(kind: type[PortravoxError]) -> None:
    assert kind.hint == "" or (kind.hint[0].isupper() and kind.hint.endswith("."))


def test_a_setting_out_of_range_gives_value_and_range() -> None:
    error = SettingOutOfRange("fps", 7, "a whole number from 15 to 30")
    assert str(error) == "fps=7 is out of range; wanted a whole number from 15 to 30"
    assert (error.name, error.value) == ("fps", 7)
    assert isinstance(error, InputError)


def test_a_missing_file_is_named() -> None:
    assert "face.jpg" in str(FileMissing("face.jpg"))
