"""Inspect calls: what is asked, who may ask, what is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from portravox.service import problems

Playing = Callable[..., Any]
PATH = "/api/v1/inspect"
BODY = {"input": {"url": "http://h/v.mp4"}}


async def test_the_labels_are_the_answer(playing: Playing) -> None:
    async with playing() as server:
        headers = {"Authorization": f"Bearer {server.secret}"}
        told = await server.client.post(PATH, json=BODY, headers=headers)
        assert told.status_code == 200
        output = told.json()["output"]
        assert (output["kind"], output["says_machine_made"], output["marks"]) == (
            "MP4",
            False,
            [],
        )
        assert "no label found" in output["words"]


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 400), ({"input": {}}, 400), ({"input": {"url": "ftp://h/v.mp4"}}, 400)],
)
async def test_what_names_no_address_is_refused(
    playing: Playing, body: dict[str, Any], status: int
) -> None:
    async with playing() as server:
        headers = {"Authorization": f"Bearer {server.secret}"}
        told = await server.client.post(PATH, json=body, headers=headers)
        assert told.status_code == status
        assert (await server.client.post(PATH, json=BODY)).status_code == problems.NO_KEY.status
