"""Pages of strangers get nowhere without keys; pages of origins that the operator named get in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.service.test_app import ASYNC, DETECT, JOB, PICTURE, SUBMIT

Playing = Callable[..., Any]

ANY_TASK = "/api/v1/tasks/00000000-0000-4000-8000-000000000000"

CALLS = [
    ("POST", SUBMIT),
    ("POST", DETECT),
    ("POST", f"{ANY_TASK}/cancel"),
    ("POST", "/uploads"),
    ("POST", "/studio/login"),
    ("GET", ANY_TASK),
    ("GET", f"{ANY_TASK}/events"),
    ("GET", "/api/v1/tasks"),
    ("GET", "/api/v1/uploads?action=getPolicy&model=liveportrait"),
    ("GET", "/api/v1/webhooks"),
]
"""Whatever changes something, fetches something, keeps a place or tells something."""

READ = ["/", "/docs", "/openapi.json", "/healthz", "/readyz", "/metrics", "/files/x.mp4"]

STRANGERS = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:3000"},
    {"Origin": "https://localhost.evil.example:8000"},
    {"Origin": "http://localhost:8000@evil.example"},
    {"Origin": "file://"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "Cross-Site", "Sec-Fetch-Mode": "no-cors"},
    {"Origin": "http://localhost:8000", "Sec-Fetch-Site": "cross-site"},
]

OURS = [
    {},
    {"Origin": "http://localhost:8000", "Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "https://video.example.com", "Sec-Fetch-Site": "same-origin"},
]
"""curl and the official packages, the studio, an address that was typed, the studio behind a proxy
that hands its own name on."""

NAMES = ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "video.example.com", "app.localhost"]

FOREIGN_NAMES = [
    "evil.example",
    "evil.example:8000",
    "127.0.0.1.evil.example",
    "0.0.0.0:8000",
    "x@",
]


async def status(client: httpx.AsyncClient, method: str, path: str, **headers: str) -> int:
    content = b'{"model": "liveportrait"}' if method == "POST" else b""
    sent = {"Host": "localhost:8000", "Content-Type": "text/plain", **headers}
    if path == SUBMIT:
        sent |= ASYNC  # without it, it is refused for its own reason
    return (await client.request(method, path, content=content, headers=sent)).status_code


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_without_keys_a_page_of_strangers_can_call_nothing(
    playing: Playing, method: str, path: str
) -> None:
    public = "https://video.example.com"
    async with playing(no_keys=True, public_url=public) as server:
        for headers in STRANGERS:
            assert await status(server.client, method, path, **headers) == 403, headers
        for headers in OURS:
            assert await status(server.client, method, path, **headers) != 403, headers


@pytest.mark.parametrize("path", [*READ, *(path for method, path in CALLS if method == "GET")])
async def test_without_keys_nothing_answers_to_a_foreign_name(playing: Playing, path: str) -> None:
    async with playing(no_keys=True, public_url="https://video.example.com") as server:
        for name in FOREIGN_NAMES:
            assert await status(server.client, "GET", path, Host=name) == 403, name
        wanted = 403 if path.startswith("/files") else 200  # its signature is wrong
        for name in NAMES:
            assert await status(server.client, "GET", path, Host=name) == wanted, name


@pytest.mark.parametrize("path", READ[:-1])
async def test_links_from_elsewhere_lead_to_pages(playing: Playing, path: str) -> None:
    async with playing(no_keys=True) as server:
        link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
        assert await status(server.client, "GET", path, **link) == 200


async def test_a_refused_call_changed_nothing(playing: Playing) -> None:
    async with playing(no_keys=True) as server:
        sent = {"Host": "localhost:8000", **ASYNC}
        answered = await server.client.post(SUBMIT, json=JOB, headers=sent)
        task_id = answered.json()["output"]["task_id"]
        stranger = {**sent, "Origin": "https://evil.example"}
        await server.client.post(f"/api/v1/tasks/{task_id}/cancel", headers=stranger)
        await server.client.post(SUBMIT, json=JOB, headers=stranger)
        told = (await server.client.get("/api/v1/tasks", headers=sent)).json()
        assert [task["status"] for task in told["data"]] == ["PENDING"]


async def test_an_insecure_server_without_keys_refuses_foreign_pages_too(playing: Playing) -> None:
    async with playing(no_keys=True, insecure=True) as server:
        for origin, wanted in (("http://box.lan:8000", 400), ("https://evil.example", 403)):
            sent = {"Host": "box.lan:8000", "Origin": origin}
            assert await status(server.client, "POST", DETECT, **sent) == wanted


async def test_with_keys_no_origin_matters_and_none_is_let_in(playing: Playing) -> None:
    async with playing() as server:
        for headers in STRANGERS:
            answered = await server.client.post(
                DETECT, json=PICTURE, headers={**server.key, **headers}
            )
            assert answered.status_code == 200
            assert not [name for name in answered.headers if name.startswith("access-control")]


APP = "https://app.example.com"


async def test_without_keys_pages_of_named_origins_may_call_as_their_preflights_are_told(
    playing: Playing,
) -> None:
    async with playing(cors_origins=APP, no_keys=True) as server:
        for origin, preflight, submitted, cancelled in (
            (APP, 200, 200, 200),
            ("https://app.example.com:444", 400, 403, 403),
            ("http://app.example.com", 400, 403, 403),
            ("https://app.example.com.evil.example", 400, 403, 403),
            ("null", 400, 403, 403),
        ):
            page = {
                "Host": "localhost:8000",
                "Origin": origin,
                "Sec-Fetch-Site": "cross-site",
            }
            asks = {
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "content-type,x-dashscope-async",
            }
            told = await server.client.options(SUBMIT, headers={**page, **asks})
            assert told.status_code == preflight, origin
            mine = {"Host": "localhost:8000", **ASYNC}
            answered = await server.client.post(SUBMIT, json=JOB, headers={**page, **ASYNC})
            assert answered.status_code == submitted, origin
            seen = answered.headers.get("access-control-allow-origin")
            assert seen == (origin if submitted == 200 else None)
            waiting = await server.client.post(SUBMIT, json=JOB, headers=mine)
            task = f"/api/v1/tasks/{waiting.json()['output']['task_id']}"
            answered = await server.client.post(f"{task}/cancel", headers=page)
            assert answered.status_code == cancelled, origin
            now = (await server.client.get(task, headers=mine)).json()["output"]
            wanted = "CANCELED" if cancelled == 200 else "PENDING"
            assert now["task_status"] == wanted, origin


async def test_a_named_origin_lets_in_no_foreign_name_and_no_call_that_does_not_tell_it(
    playing: Playing,
) -> None:
    async with playing(cors_origins=APP, no_keys=True) as server:
        renamed = {"Host": "evil.example", "Origin": APP}
        assert await status(server.client, "POST", SUBMIT, **renamed) == 403
        untold = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
        assert await status(server.client, "GET", "/api/v1/tasks", **untold) == 403


async def test_with_keys_a_named_origin_still_needs_one(playing: Playing) -> None:
    async with playing(cors_origins=APP) as server:
        assert await status(server.client, "GET", "/api/v1/tasks", Origin=APP) == 401
