"""The API's reference: a maintained viewer that comes with the server and asks no other host."""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path
from typing import Any

from portravox.studio import files

FOLDER = Path(files.__file__).parent / "reference"


async def test_the_page_loads_only_what_this_server_has(playing: Any) -> None:
    async with playing() as server:
        page = await server.client.get("/docs")
        loaded = re.findall(r"(?:src|href)=(docs/[^ >]+)", page.text)
        assert len(loaded) == 4
        for address in loaded:
            plain = await server.client.get(f"/{address}", headers={"accept-encoding": "identity"})
            packed = await server.client.get(f"/{address}", headers={"accept-encoding": "gzip"})
            assert plain.status_code == packed.status_code == 200
            assert plain.content == packed.content
            assert packed.headers["content-encoding"] == "gzip"
            assert "immutable" in packed.headers["cache-control"]
        assert "script-src 'self';" in page.headers["content-security-policy"]
        assert "href=./>The studio" in page.text
        old = await server.client.get("/docs/0123456789abcdef/start.js")
        assert old.status_code == 404


async def test_without_scripts_it_is_a_list(playing: Any) -> None:
    async with playing() as server:
        page = (await server.client.get("/docs")).text
        assert "video-synthesis" in page.partition("<noscript>")[2]


def test_the_viewer_is_what_its_card_says() -> None:
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    sums = re.findall(r"([0-9a-f]{64})  (\S+)", card)
    assert len(sums) == 2
    for digest, name in sums:
        packed = (FOLDER / f"{name}.gz").read_bytes()
        assert hashlib.sha256(gzip.decompress(packed)).hexdigest() == digest
