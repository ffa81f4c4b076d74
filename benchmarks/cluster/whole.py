"""Servers, workers, database and store on hosts of their own, and nginx before the servers.

Flow      benchmarks.cluster.hosts, server, tests.service.storage.swift -> whole -> breakages
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg

from benchmarks.cluster.hosts import HERE, Network
from benchmarks.cluster.server import PostgresServer, programs
from portravox.service.settings import ServiceSettings, read_settings
from portravox.service.storage.local import LocalStorage
from portravox.service.storage.object_store import ObjectStorage
from tests.service.storage import faulty_proxy, swift
from tests.service.storage.faulty_proxy import FaultyProxy

APIS, WORKERS = ("api1", "api2"), ("worker1", "worker2", "worker3")
PORT = 8000
BALANCER_PORT = 8300
MAIN = "from portravox.cli.main import main; main()"
FAKE_TIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
SKEWED = {"api2": -1, "worker2": 1}
"""Hosts whose clocks are wrong all the time, and in which direction."""

READY_S = 180.0

_BALANCER = """
user root; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log warn;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    upstream portravox {{ {servers} }}
    server {{
        listen {here}:{port};
        client_max_body_size 101m;
        location / {{
            proxy_pass http://portravox;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_connect_timeout 2s;
            proxy_read_timeout 20s;
            proxy_buffering off;
        }}
    }}
}}
"""


class Cluster:
    """All hosts and what runs on them."""

    def __init__(
        self,
        out: Path,
        network: Network,
        *,
        store: FaultyProxy,
        swift_url: str,
        videos: ObjectStorage,
        skew_min: float,
        in_folder: bool,
    ) -> None:
        """
        swift_url  of the store, behind the proxy that breaks
        videos     the store itself
        in_folder  whether files lie in a folder that all hosts share, and not in the store
        skew_min   minutes by which clocks of SKEWED are off
        """
        found = programs()
        assert found is not None
        self.out, self.network, self.store = out, network, store
        self.data = Path(tempfile.mkdtemp(prefix="portravox-breakages-"))
        self.in_folder = in_folder
        self.videos = LocalStorage(self.data / "videos") if in_folder else videos
        self.database = PostgresServer(
            found,
            is_safe=True,
            address=network.addresses["db"],
            on_host=network.command("db"),
        )
        self.url = self.database.url("postgres")
        self.swift_url = swift_url
        self.files_port = 0
        self.skew_min = skew_min if FAKE_TIME.exists() else 0.0
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.code: dict[str, Path] = {}
        """Folder of the version that a host runs; ours where nothing is said."""

        self.host_of: dict[int, str] = {}
        """Which host the engine's workers are on, by the engine's numbers."""

        self._starting = asyncio.Lock()

    @property
    def settings(self) -> ServiceSettings:
        return read_settings({"data_dir": self.data, "database_url": self.url})

    def start(self, host: str) -> None:
        """Its server or worker."""
        if host in APIS:
            address = self.network.addresses[host]
            command = ["serve", "--workers", "0", "--host", address, "--port", str(PORT)]
        else:
            command = ["worker", "--slots", "1"]
        with (self.out / f"{host}.log").open("ab") as log:
            self.running[host] = subprocess.Popen(
                self.network.command(host, sys.executable, "-c", MAIN, *command),
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment(host),
                cwd=self.code.get(host, Path.cwd()),
            )

    async def start_and_wait(self, host: str) -> None:
        """Until its workers are known to the engine. One host after another, so that whose they are
        is known here, too."""
        async with self._starting:
            before = self._engine_workers()
            self.start(host)
            async with asyncio.timeout(READY_S):
                while len(new := self._engine_workers() - before) < (1 if host in APIS else 2):
                    await asyncio.sleep(0.1)
            self.host_of.update(dict.fromkeys(new, host))

    def _engine_workers(self) -> set[int]:
        with psycopg.connect(self.url) as db:
            return {number for (number,) in db.execute("SELECT id FROM procrastinate_workers")}

    def _environment(self, host: str) -> dict[str, str]:
        made = {
            **os.environ,
            "PYTHONPATH": str(self.code.get(host, Path.cwd())),
            "PORTRAVOX_DATABASE_URL": self.url,
            "PORTRAVOX_DATA_DIR": str(self.data),
            "PORTRAVOX_STORAGE_URL": self.swift_url,
            "PORTRAVOX_FETCH_ALLOW_NETS": f"{HERE}/32",
            "PORTRAVOX_FETCH_PORTS": str(self.files_port),
            "PORTRAVOX_PUBLIC_URL": f"http://{HERE}:{BALANCER_PORT}",
            "PORTRAVOX_LIVE_SESSIONS": "0",
            "PORTRAVOX_DRAIN_S": "30",
            "AWS_ACCESS_KEY_ID": swift.ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": swift.SECRET_ACCESS_KEY,
            "AWS_REGION": "us-east-1",
        }
        if self.in_folder:
            del made["PORTRAVOX_STORAGE_URL"]
        if host in SKEWED and self.skew_min:
            off = f"{SKEWED[host] * self.skew_min * 60:+.0f}s"
            made |= {"LD_PRELOAD": str(FAKE_TIME), "FAKETIME": off}
            made |= {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_RESET": "1"}
        return made

    def kill(self, host: str, told: signal.Signals = signal.SIGKILL) -> None:
        """`ip netns exec` becomes what it runs, so it is the program that is told."""
        process = self.running.pop(host)
        # What it held is nobody's until the engine notices.
        self.host_of = {number: of for number, of in self.host_of.items() if of != host}
        process.send_signal(told)
        process.wait(90)

    def pause(self, host: str) -> None:
        """Stop its program and all that it started, until `resume`."""
        self._tell_all(host, signal.SIGSTOP)

    def resume(self, host: str) -> None:
        self._tell_all(host, signal.SIGCONT)

    def _tell_all(self, host: str, told: signal.Signals) -> None:
        for pid in _tree(self.running[host].pid):
            with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
                os.kill(pid, told)

    async def is_ready(self, host: str) -> bool:
        address = self.network.addresses[host]
        with contextlib.suppress(httpx.HTTPError):
            async with httpx.AsyncClient(timeout=2.0) as client:
                return (await client.get(f"http://{address}:{PORT}/healthz")).status_code == 200
        return False

    def close(self) -> None:
        for process in self.running.values():
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()
        self.database.close()
        shutil.rmtree(self.data, ignore_errors=True)


def _tree(top: int) -> list[int]:
    """A process and all below it."""
    parents = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(file.parent.name)] = int(file.read_text().rpartition(")")[2].split()[1])
    found = [top]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


@contextmanager
def balanced(cluster: Cluster) -> Iterator[None]:
    """nginx before both servers."""
    folder = cluster.data / "nginx"
    folder.mkdir()
    servers = " ".join(
        f"server {cluster.network.addresses[host]}:{PORT} max_fails=1 fail_timeout=2s;"
        for host in APIS
    )
    written = _BALANCER.format(folder=folder, servers=servers, here=HERE, port=BALANCER_PORT)
    (folder / "nginx.conf").write_text(written)
    command = ["nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    process = subprocess.Popen(command)
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def opened(out: Path, *, skew_min: float, in_folder: bool) -> Iterator[Cluster]:
    """All hosts, with nothing running on them but the database."""
    out.mkdir(parents=True, exist_ok=True)
    store_folder = Path(tempfile.mkdtemp(prefix="portravox-swift-"))
    network = Network(["db", *APIS, *WORKERS])
    try:
        with (
            swift.running(store_folder) as server,
            faulty_proxy.before(server.endpoint, HERE) as store,
        ):
            cluster = Cluster(
                out,
                network,
                store=store,
                swift_url=server.url("breakages", endpoint=store.endpoint),
                videos=ObjectStorage(server.open_bucket("breakages"), "videos"),
                skew_min=skew_min,
                in_folder=in_folder,
            )
            try:
                yield cluster
            finally:
                cluster.close()
    finally:
        network.close()
        shutil.rmtree(store_folder, ignore_errors=True)


@contextmanager
def version(commit: str | None) -> Iterator[Path | None]:
    """The code of another version, in a folder."""
    if commit is None:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="portravox-before-"))
    archive = subprocess.run(["git", "archive", commit], check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive, check=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
