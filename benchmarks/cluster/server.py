"""A real PostgreSQL in a temporary folder, for tests and benchmarks.

PostgreSQL refuses to be root, so where we are root it runs as another user.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any


class PostgresServer:
    """A server that runs, reached by a socket in its folder, or by an address."""

    def __init__(
        self,
        programs: Path,
        *,
        is_safe: bool = False,
        address: str = "",
        on_host: Sequence[str] = (),
    ) -> None:
        """Make it and start it.

        programs  where initdb and pg_ctl are
        is_safe   whether each commit waits for the disk, as on a real server
        address   where it listens, too, for whoever is near; empty: nowhere
        on_host   how to run something there (`hosts.Network.command`)
        """
        self._programs = programs
        self._is_safe = is_safe
        self._address = address
        self._on_host = tuple(on_host)
        self.folder = Path(tempfile.mkdtemp(prefix="portravox-pg-"))
        self._who: dict[str, Any] = {}
        if os.geteuid() == 0:
            user = next(
                (pwd.getpwnam(name) for name in ("postgres", "nobody") if _exists(name)), None
            )
            assert user is not None
            self._who = {"user": user.pw_uid, "group": user.pw_gid}
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        self.folder.chmod(0o755)
        self.data = self.folder / "data"
        self._run("initdb", "-D", self.data, "-U", "portravox", "-A", "trust", "-N", "-E", "UTF8",
                  "--locale=C.UTF-8")  # fmt: skip
        if address:
            with (self.data / "pg_hba.conf").open("a") as rules:
                rules.write("host all all samenet trust\n")
        self.start()

    def start(self) -> None:
        """Also after `stop`."""
        fsync = "on" if self._is_safe else "off"
        options = (
            f"-c listen_addresses='{self._address}' -c unix_socket_directories={self.folder}"
            f" -c fsync={fsync}"
            " -c shared_buffers=32MB -c max_connections=100 -c log_min_messages=error"
        )
        self._run("pg_ctl", "-D", self.data, "-l", self.folder / "log", "-o", options, "-w",
                  "start")  # fmt: skip

    def stop(self, mode: str = "immediate") -> None:
        """As a crash does, or `fast`."""
        self._run("pg_ctl", "-D", self.data, "-m", mode, "-w", "stop")

    def url(self, name: str) -> str:
        """The address of a database."""
        if self._address:
            return f"postgresql://portravox@{self._address}/{name}"
        return f"postgresql://portravox@/{name}?host={self.folder}"

    def close(self) -> None:
        """Stop it and remove what it wrote."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self._programs / program), *map(str, arguments)]
        who = self._who
        if self._on_host:  # for root alone, who then becomes another one
            user, group = self._who["user"], self._who["group"]
            become = ("setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups")
            command, who = [*self._on_host, *become, *command], {}
        subprocess.run(
            command,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            **who,
        )


def programs() -> Path | None:
    """The folder of initdb and pg_ctl, of the newest version here."""
    found = shutil.which("pg_ctl")
    folders = [Path(found).parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
