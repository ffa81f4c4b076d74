"""A server that signs gives out no video without its signature, and signs nothing but its own."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from portravox.errors import CredentialsUnusable
from portravox.inspection import inspect
from portravox.labels.signer import Signer, open_signer
from portravox.service.tasks.states import TaskState
from portravox.service.worker.child_render import _manifest_of
from portravox.service.worker.messages import (
    VIDEO_NAME,
    FetchDone,
    FetchRequest,
    RenderDone,
    RenderRequest,
    Request,
)
from portravox.service.worker.process import OnStage, ignore_stage
from tests.credentials import Chain, new_chain, small_video
from tests.service.worker.test_loop import after, claimed, worker_of
from tests.service.worker.unstarted import UnstartedProcess

Playing = Callable[..., Any]
CHECKOUT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    return new_chain(tmp_path_factory.mktemp("chain"))


@pytest.fixture(scope="module")
def signer(chain: Chain) -> Signer:
    return open_signer(chain.credentials)


class Fetcher(UnstartedProcess):
    """Puts something into the folder."""

    def __init__(self) -> None:
        super().__init__("fetch", memory_mib=256)

    async def request(
        self, request: Request, done: type[Any], *, time_s: float, on_stage: OnStage = ignore_stage
    ) -> Any:
        assert isinstance(request, FetchRequest)
        (Path(request.folder) / request.file).write_bytes(request.file.encode())
        return FetchDone(number=1)


def made(request: RenderRequest) -> RenderDone:
    small_video(Path(request.folder) / VIDEO_NAME, seal=_manifest_of(request))
    return RenderDone(number=1, duration_s=0.5)


async def honest(request: RenderRequest) -> RenderDone:
    return await asyncio.to_thread(made, request)


async def forgets(request: RenderRequest) -> RenderDone:
    return await honest(replace(request, seal=None))


async def lies(request: RenderRequest) -> RenderDone:
    return await honest(replace(request, producer="somebody else"))


async def swaps(request: RenderRequest) -> RenderDone:
    (Path(request.folder) / "image").write_bytes(b"another portrait")
    return await honest(request)


async def links(request: RenderRequest) -> RenderDone:
    (Path(request.folder) / VIDEO_NAME).symlink_to("/etc/hostname")
    return RenderDone(number=1, duration_s=0.5)


async def test_the_video_that_is_given_out_is_signed(
    playing: Playing, tmp_path: Path, chain: Chain, signer: Signer
) -> None:
    async with playing() as server:
        task = await claimed(server)
        worker = worker_of(server, tmp_path, honest, fetch=Fetcher, signer=signer)
        await worker.do(task)
        ended = await after(server, task)
        assert ended.state is TaskState.SUCCEEDED
        [stored] = server.service.videos.entries()
        content = (tmp_path / "videos" / stored.name).read_bytes()
        mark = inspect(content, anchors_pem=chain.root.read_text()).marks[0]
        assert (mark.valid, mark.is_ours) == (True, True)
        assert "as a trusted authority confirms" in mark.words
        assert task.task_id.encode() in content
        assert worker.trouble_of_processes() is None


@pytest.mark.parametrize("deed", [forgets, lies, swaps, links])
async def test_a_video_that_was_not_signed_is_given_to_nobody(
    playing: Playing, tmp_path: Path, signer: Signer, deed: Any, caplog: Any
) -> None:
    async with playing() as server:
        task = await claimed(server)
        with caplog.at_level(logging.ERROR):
            await worker_of(server, tmp_path, deed, fetch=Fetcher, signer=signer).do(task)
        assert (await after(server, task)).state is TaskState.PENDING  # for another attempt
        assert list(server.service.videos.entries()) == []
        assert deed is links or "was not signed" in caplog.text


async def test_what_cannot_sign_just_now_costs_an_attempt_and_an_expired_one_is_told(
    playing: Playing, tmp_path: Path, signer: Signer
) -> None:
    def away(message: bytes) -> bytes:
        raise CredentialsUnusable("the token is away")

    async with playing() as server:
        for unable in (replace(signer, _sign=away), replace(signer, ends_at=datetime.now(UTC))):
            task = await claimed(server)
            worker = worker_of(server, tmp_path, honest, fetch=Fetcher, signer=unable)
            await worker.do(task)
            assert (await after(server, task)).state is TaskState.PENDING
            await server.service.queue.cancel(task.task_id, key_group="default", force=True)
        assert worker.trouble_of_processes() == "the certificate that signs videos has expired"


CONFINED = """
import sys
from pathlib import Path
from portravox.service.worker import sandbox
from portravox.labels.origin import Ingredient, Origin
role, folder, chain = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
sandbox.close_files(role, folder)
sandbox.close_calls(role)
from portravox.inspection import inspect_file
from portravox.labels.seal import Placeholder, prepare
if role == "render":
    of = Origin(ingredients=(Ingredient(role="portrait", sha256="0" * 64),),
                made_at="2026-11-29T07:00:00Z", producer="x")
    prepare(folder / "v.mp4", of, Placeholder(chain_pem=chain, algorithm="ES256",
                                              content=b"\\xff" * 64))
print(inspect_file(folder / "v.mp4").marks[0].words)
"""


@pytest.mark.parametrize("role", ["render", "judge"])
def test_manifests_are_written_and_read_within_the_walls(
    tmp_path: Path, chain: Chain, role: str
) -> None:
    small_video(tmp_path / "v.mp4")
    told = subprocess.run(
        [sys.executable, "-c", CONFINED, role, str(tmp_path), chain.certificates.read_text()],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(CHECKOUT), *filter(None, sys.path)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    wanted = "not valid: claimSignature.mismatch" if role == "render" else "an AIGC label"
    assert wanted in told.stdout
