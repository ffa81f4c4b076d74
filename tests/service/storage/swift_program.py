"""All of Swift in one process: for Debian's own Python, which has its packages.

Run as `/usr/bin/python3 -P swift_program.py FOLDER PROXY ACCOUNT CONTAINER OBJECT`, the last four
being ports. Four programs of their own would take four starts of Python, and as many for the rings.
"""

from __future__ import annotations

import sys
from pathlib import Path

import eventlet
from eventlet import wsgi
from swift.common.ring import RingBuilder
from swift.common.utils import eventlet_monkey_patch
from swift.common.wsgi import SwiftHttpProtocol, loadapp

KINDS = ("account", "container", "object")

PARTS_POWER = 4
"""Two to the power of it places in a ring: one disk needs no more."""


def make_rings(folder: Path, ports: dict[str, int]) -> None:
    """Say where each kind of thing lies: on the one disk there is, once."""
    for kind in KINDS:
        ring = RingBuilder(PARTS_POWER, 1, 0)
        where = {"region": 1, "zone": 1, "ip": "127.0.0.1", "port": ports[kind]}
        place = {**where, "replication_ip": "127.0.0.1", "replication_port": ports[kind]}
        ring.add_dev({**place, "device": "d1", "weight": 1.0, "meta": ""})
        ring.rebalance()
        ring.get_ring().save(str(folder / f"{kind}.ring.gz"))


def main() -> None:
    """Serve until killed."""
    folder = Path(sys.argv[1])
    ports = dict(zip(("proxy", *KINDS), map(int, sys.argv[2:]), strict=True))
    eventlet_monkey_patch()
    make_rings(folder, ports)
    serving = [
        eventlet.spawn(
            wsgi.server,
            eventlet.listen(("127.0.0.1", ports[name])),
            loadapp(str(folder / f"{name}.conf")),
            log_output=False,
            protocol=SwiftHttpProtocol,
        )
        for name in (*KINDS, "proxy")
    ]
    for server in serving:
        server.wait()


if __name__ == "__main__":
    main()
