"""What /openapi.json says is what the server does, whatever is sent to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS, load_all_checks

from portravox.service.openapi import document
from tests.service.conftest import listening_in

CALLS_OF_EACH = 10
"""Enough to find a status or a field that is not written down; `make fuzz` looks for more."""

load_all_checks()
HELD = [
    CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "missing_required_header",
        "ignored_auth",
    )
]
"""Not held: that a wrong method is a 405 (the contract has a 400), and that whatever the document
does not name is refused (real clients add fields)."""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """URL and key of a server on a real socket; it has no worker, and sees faces everywhere."""
    with listening_in(tmp_path_factory.mktemp("data")) as (port, secret):
        yield f"http://127.0.0.1:{port}", secret


@pytest.fixture(scope="module")
def session(live: tuple[str, str]) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {live[1]}"
        yield session


api = schemathesis.openapi.from_dict(document())


@api.parametrize()
@settings(
    max_examples=CALLS_OF_EACH,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_one_that_the_document_names(
    case: schemathesis.Case, live: tuple[str, str], session: requests.Session
) -> None:
    case.call_and_validate(base_url=live[0], session=session, checks=HELD)
