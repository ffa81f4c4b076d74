"""Run a program in a network of its own, and say what it looked up, called and left behind.

Run as root of a fresh network and mount namespace (`test_network_silence` does that):

    unshare --net --mount python observed.py < plan.json > report.json

In this network every IPv4 address leads to this machine's loopback device, and every IPv6 address
is refused with an ICMP message that carries the packet. A packet socket sees both; a name server
that resolv.conf names answers every question with an address of ours, so that a program which looks
a name up goes on to connect; a TCP server accepts.
/tmp, /var/tmp and /dev/shm are empty, and so is the home folder.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import shutil
import socket
import socketserver
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

NAME_SERVER = "198.51.100.53"
ANSWER = "198.51.100.7"
"""Both of a network for documentation (RFC 5737)."""

OURS_V6 = "2001:db8::1"

PARTS = ((NAME_SERVER, 1), *((f"{1 << (8 - bits)}.0.0.1", bits) for bits in range(2, 9)))
"""On a loopback device an address makes all addresses of its network local: 128.0.0.0/1 and
64.0.0.0/2 to 1.0.0.0/8 are all there are, but 0.0.0.0/8."""

SETTLE_S = 1.0
"""After the program has ended: what it sent last is still on the way to the packet socket."""

# Linux' numbers: bits/ioctls.h, net/if.h, net/route.h, sys/mount.h, linux/if_packet.h.
SIOCADDRT = 0x890B
SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8913, 0x8914
SIOCSIFADDR, SIOCSIFNETMASK = 0x8916, 0x891C
IFF_UP = 1
RTF_UP = 1
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
ETH_P_ALL, ETH_P_IP, ETH_P_IPV6 = 3, 0x0800, 0x86DD
PACKET_OUTGOING = 4
TCP, UDP, ICMP_V6 = 6, 17, 58
UNREACHABLE = 1
"""The type of ICMPv6 messages about a packet that was refused; it follows after 8 bytes."""
SYN, ACK = 2, 16


def main() -> None:
    plan: dict[str, Any] = json.load(sys.stdin)
    _own_mounts(plan["in_tmp"])
    _own_network()
    base = Path(tempfile.mkdtemp(prefix="observed-"))
    home, scratch, work = (base / name for name in ("home", "tmp", "work"))
    for folder in (home, scratch, work):
        folder.mkdir()
    environment = {**plan["environment"], "HOME": str(home), "TMPDIR": str(scratch)}
    for name in [name for name in environment if name.startswith("XDG_")]:
        del environment[name]
    with _watching() as seen, _answering():
        if plan["serve"]:
            ran = _served(plan, environment, work)
        else:
            ran = subprocess.run(
                plan["command"], env=environment, cwd=work, capture_output=True, text=True
            )
        time.sleep(SETTLE_S)
    emptied = [Path(folder) for folder in _emptied(plan["in_tmp"])]
    elsewhere = {path for folder in emptied for path in folder.iterdir()} - {base}
    left = {str(path.relative_to(base)) for folder in (home, scratch) for path in folder.rglob("*")}
    json.dump(
        {
            "status": ran.returncode,
            "output": ran.stdout[-4000:],
            "errors": ran.stderr[-4000:],
            "seen": sorted(set(seen)),
            "left": sorted(left | {str(path) for path in elsewhere}),
        },
        sys.stdout,
    )
    shutil.rmtree(base, ignore_errors=True)


def _served(
    plan: dict[str, Any], environment: dict[str, str], work: Path
) -> subprocess.CompletedProcess[str]:
    """The server started, left idle, asked once whether a picture will do, and stopped."""
    log = work / "log.txt"
    with log.open("w") as stderr, _files_of(Path(plan["picture"]).parent) as files:
        server = subprocess.Popen(
            [*plan["command"], "--port", "0", "--no-keys", "--data-dir", str(work / "data")],
            env={**environment, "PORTRAVOX_FETCH_ALLOW_NETS": "127.0.0.0/8"},
            cwd=work,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
        assert server.stdout is not None
        said = server.stdout.readline()
        base = said.split()[2]
        time.sleep(plan["idle_s"])
        body = {
            "model": "liveportrait-detect",
            "input": {"image_url": f"{files}/{Path(plan['picture']).name}"},
        }
        request = urllib.request.Request(
            f"{base}/services/aigc/image2video/face-detect",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            said += answer.read().decode()
        server.terminate()
        said += server.stdout.read()
        server.wait(60)
    return subprocess.CompletedProcess(plan["command"], server.returncode, said, log.read_text())


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing of it."""


@contextmanager
def _files_of(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Silent, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def _emptied(in_tmp: bool) -> tuple[str, ...]:
    """Folders of this run alone; /tmp is none where the checkout lies in it."""
    return ("/tmp", "/var/tmp", "/dev/shm") if in_tmp else ("/var/tmp", "/dev/shm")


def _own_mounts(in_tmp: bool) -> None:
    """Empty temporary folders; a resolv.conf that names our name server."""
    libc = ctypes.CDLL(None, use_errno=True)

    def mount(source: str, target: str, kind: str | None, flags: int) -> None:
        encoded = None if kind is None else kind.encode()
        if libc.mount(source.encode(), target.encode(), encoded, flags, None) != 0:
            raise OSError(ctypes.get_errno(), f"mount {source} on {target}")

    mount("none", "/", None, MS_REC | MS_PRIVATE)
    for folder in _emptied(in_tmp):
        mount("tmpfs", folder, "tmpfs", 0)
    with tempfile.NamedTemporaryFile("w", suffix=".conf", delete=False) as file:
        file.write(f"nameserver {NAME_SERVER}\n")
    mount(file.name, os.path.realpath("/etc/resolv.conf"), None, MS_BIND)
    Path(file.name).unlink()


def _own_network() -> None:
    """All addresses are ours, on a loopback device that is up."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        asked = struct.pack("16sH14x", b"lo", 0)
        (flags,) = struct.unpack_from("16xH", fcntl.ioctl(control, SIOCGIFFLAGS, asked))
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))
        for number, (address, bits) in enumerate(PARTS, start=1):
            mask = struct.pack(">I", 0xFFFFFFFF << (32 - bits) & 0xFFFFFFFF)
            for request, value in (
                (SIOCSIFADDR, socket.inet_aton(address)),
                (SIOCSIFNETMASK, mask),
            ):
                label = f"lo:{number}".encode()
                packed = struct.pack("16sHH4s8x", label, socket.AF_INET, 0, value)
                fcntl.ioctl(control, request, packed)
    lo = socket.if_nametoindex("lo")
    address_v6 = socket.inet_pton(socket.AF_INET6, OURS_V6)
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFADDR, struct.pack("16sIi", address_v6, 64, lo))
        route = struct.pack("16s16s16sIHHILIi", b"", b"", b"", 0, 0, 0, 1, 0, RTF_UP, lo)
        fcntl.ioctl(control, SIOCADDRT, route)


@contextmanager
def _watching() -> Iterator[list[str]]:
    """What leaves for anywhere but loopback addresses, a line for each first packet."""
    seen: list[str] = []
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    tap.bind(("lo", ETH_P_ALL))
    tap.settimeout(0.2)
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            try:
                frame, (_, protocol, direction, _, _) = tap.recvfrom(65535)
            except TimeoutError:
                continue
            if direction == PACKET_OUTGOING:
                seen.extend(_told(protocol, frame[14:]))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()
        tap.close()


def _told(protocol: int, packet: bytes) -> Iterator[str]:
    """A line about a packet that opens something, if it is one and goes to no loopback address."""
    if protocol == ETH_P_IP:
        header, kind = (packet[0] & 15) * 4, packet[9]
        target = socket.inet_ntop(socket.AF_INET, packet[16:20])
    elif protocol == ETH_P_IPV6:
        header, kind = 40, packet[6]
        target = socket.inet_ntop(socket.AF_INET6, packet[24:40])
        if kind == ICMP_V6 and packet[header] == UNREACHABLE:
            yield from _told(protocol, packet[header + 8 :])
    else:
        return
    if target.startswith("127.") or target == "::1":
        return
    inner = packet[header:]
    if kind == TCP:
        _, port = struct.unpack_from(">HH", inner)
        if inner[13] & (SYN | ACK) == SYN:
            yield f"connection to {target}:{port}"
    elif kind == UDP:
        source_port, port = struct.unpack_from(">HH", inner)
        if source_port == 53 and target != NAME_SERVER:
            return
        if port == 53:
            yield f"look-up of {_name(inner[8:])}"
        elif source_port != 53:
            yield f"datagram to {target}:{port}"


def _name(question: bytes) -> str:
    labels, at = [], 12
    while at < len(question) and question[at]:
        labels.append(question[at + 1 : at + 1 + question[at]].decode("ascii", "replace"))
        at += 1 + question[at]
    return ".".join(labels)


def _reply(question: bytes) -> bytes:
    """Our address for an A question, nothing for any other."""
    end = 12
    while question[end]:
        end += 1 + question[end]
    (kind,) = struct.unpack_from(">H", question, end + 1)
    answers = 1 if kind == 1 else 0
    head = question[:2] + struct.pack(">HHHHH", 0x8180, 1, answers, 0, 0)
    record = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + socket.inet_aton(ANSWER)
    return head + question[12 : end + 5] + record * answers


class _Names(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        """One datagram."""
        self.request[1].sendto(_reply(self.request[0]), self.client_address)


class _NamesByStream(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        """One question on a connection."""
        (length,) = struct.unpack(">H", self.rfile.read(2))
        reply = _reply(self.rfile.read(length))
        self.wfile.write(struct.pack(">H", len(reply)) + reply)


class _Anybody(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        """Take what comes."""
        while self.request.recv(4096):
            pass


@contextmanager
def _answering() -> Iterator[None]:
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    servers = [
        socketserver.ThreadingUDPServer((NAME_SERVER, 53), _Names),
        socketserver.ThreadingTCPServer((NAME_SERVER, 53), _NamesByStream),
        *(socketserver.ThreadingTCPServer((ANSWER, port), _Anybody) for port in (80, 443)),
    ]
    for server in servers:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


if __name__ == "__main__":
    main()
