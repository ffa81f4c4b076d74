"""Several hosts on one machine: network namespaces with an address each, and cables to pull.

Flow      hosts -> benchmarks.cluster.breakages

Needs root and Debian's iproute2. All of it lies in namespaces of its own; of this machine's network
one cable, `here`, is part of it.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from typing import Any

NETWORK = "10.213.77"
"""The first three bytes of all addresses; our choice of a private network."""

HERE = f"{NETWORK}.1"
"""This machine's own address there."""


def can_make() -> bool:
    """Whether we may make namespaces."""
    return (
        os.geteuid() == 0 and subprocess.run(["which", "ip"], capture_output=True).returncode == 0
    )


class Network:
    """Hosts around one switch."""

    def __init__(self, names: Sequence[str]) -> None:
        self._prefix = f"pv{os.getpid() % 100_000}"
        self.addresses = {
            name: f"{NETWORK}.{number}" for number, name in enumerate(names, start=11)
        }
        self._spaces = [self._switch, *(self.space(name) for name in names)]
        self._cable = f"{self._prefix}h"
        try:
            _ip("netns", "add", self._switch)
            _ip("-n", self._switch, "link", "add", "switch", "type", "bridge")
            _ip("-n", self._switch, "link", "set", "switch", "up")
            self._plug_in_here()
            for name, address in self.addresses.items():
                self._plug_in(name, address)
        except BaseException:
            self.close()
            raise

    @property
    def _switch(self) -> str:
        return f"{self._prefix}-switch"

    def space(self, name: str) -> str:
        """The namespace of a host."""
        return f"{self._prefix}-{name}"

    def command(self, name: str, *command: str) -> list[str]:
        """How to run something on a host."""
        return ["ip", "netns", "exec", self.space(name), *command]

    def pull(self, name: str) -> None:
        """Take a host's cable out."""
        _ip("-n", self.space(name), "link", "set", "eth0", "down")

    def plug(self, name: str) -> None:
        """Put it in again."""
        _ip("-n", self.space(name), "link", "set", "eth0", "up")

    def close(self) -> None:
        """Remove all hosts; what runs there has ended."""
        for space in self._spaces:
            subprocess.run(["ip", "netns", "del", space], capture_output=True)
        subprocess.run(["ip", "link", "del", self._cable], capture_output=True)

    def _plug_in(self, name: str, address: str) -> None:
        space, port = self.space(name), f"to-{name}"
        _ip("netns", "add", space)
        _ip("-n", space, "link", "set", "lo", "up")
        _ip("-n", space, "link", "add", "eth0", "type", "veth", "peer", "name", port)
        _ip("-n", space, "link", "set", port, "netns", self._switch)
        _ip("-n", self._switch, "link", "set", port, "master", "switch", "up")
        _ip("-n", space, "address", "add", f"{address}/24", "dev", "eth0")
        _ip("-n", space, "link", "set", "eth0", "up")

    def _plug_in_here(self) -> None:
        _ip("link", "add", self._cable, "type", "veth", "peer", "name", "to-here",
            "netns", self._switch)  # fmt: skip
        _ip("-n", self._switch, "link", "set", "to-here", "master", "switch", "up")
        _ip("address", "add", f"{HERE}/24", "dev", self._cable)
        _ip("link", "set", self._cable, "up")


def _ip(*arguments: Any) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
