"""Whole downloads: from servers that behave, that lie about lengths, and that take their time."""

from __future__ import annotations

import gzip
import logging
import random
import ssl
import time
from dataclasses import replace
from itertools import repeat
from pathlib import Path

import pytest

from portravox import __version__
from portravox.service.errors import InputDownloadFailed, InputTooLarge
from portravox.service.fetch.addresses import AddressPolicy
from portravox.service.fetch.connection import Network, Waits
from portravox.service.fetch.download import MAX_REDIRECTS, download
from portravox.service.fetch.urls import parse_url, redirected
from tests.service.fetch.conftest import PUBLIC

OK = b"HTTP/1.1 200 OK\r\n"
LOOPBACK = AddressPolicy.allowing("127.0.0.0/8")
CERTIFICATE = Path(__file__).parent / "portrait_test.pem"
"""Self-signed for portrait.test, with its key, which opens nothing but these tests."""
BUSY_MACHINE_S = 1.0
"""What a wait may take longer than it says while other tests use the processors."""


def answer(*headers: str, body: bytes = b"") -> bytes:
    return OK + "".join(f"{header}\r\n" for header in headers).encode() + b"\r\n" + body


def chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


@pytest.mark.parametrize(
    "played",
    [
        answer("Content-Length: 5", body=b"hello"),
        answer("Content-Length: 5", body=b"hello and what nobody asked for"),
        answer("Transfer-Encoding: chunked", body=chunked(b"hel", b"lo", b"")),
        answer("Transfer-Encoding: Chunked", body=chunked(b"hello", b"")),
        answer("Content-Encoding: Identity", "Content-Length: 5", body=b"hello"),
        answer(body=b"hello"),
        b"HTTP/1.0 200\r\n\r\nhello",
        b"HTTP/1.1 100 Continue\r\n\r\n" + answer("Content-Length: 5", body=b"hello"),
    ],
)
def test_all_framings_give_the_file(world, target, played):
    world.answers = [played]
    assert download("http://a.test/", target, max_bytes=5, network=world.network) == 5
    assert target.read_bytes() == b"hello"


@pytest.mark.parametrize(
    "played",
    [
        answer("Content-Length: 6", body=b"hello"),
        answer("Content-Length: 5"),
        answer("Content-Length: -1", body=b"hello"),
        answer("Content-Length: +5", body=b"hello"),
        answer("Content-Length: 0x5", body=b"hello"),
        answer("Content-Length: five", body=b"hello"),
        answer("Content-Length:", body=b"hello"),
        answer("Content-Length: 5", "Content-Length: 4", body=b"hello"),
        answer("Content-Length: 5, 5", body=b"hello"),
        answer("Content-Length: " + "9" * 5000, body=b"hello"),
        answer("Content-Length: 5", "Transfer-Encoding: chunked", body=chunked(b"hello", b"")),
        answer("Transfer-Encoding: gzip, chunked", body=chunked(b"hello", b"")),
        answer("Transfer-Encoding: gzip", body=b"hello"),
        answer("Transfer-Encoding: chunked", body=chunked(b"hello")),
        answer("Transfer-Encoding: chunked", body=b"6\r\nhello"),
        answer("Transfer-Encoding: chunked", body=b"-1\r\nhello"),
        answer("Transfer-Encoding: chunked", body=b"-6\r\nhello"),
        answer("Transfer-Encoding: chunked", body=b"zz\r\nhello\r\n"),
        answer("Transfer-Encoding: chunked", body=b"f" * 70_000),
        answer("Content-Encoding: gzip", "Content-Length: 5", body=b"hello"),
        answer("Content-Encoding: br", body=b"hello"),
        answer(*repeat("X: y", 200), body=b"hello"),
        answer("X: " + "y" * 70_000, body=b"hello"),
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 304 Not Modified\r\n\r\n",
        b"HTTP/1.1 302 Found\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: /\xff\r\n\r\n",
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 500 Oh\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 abc OK\r\n\r\nhello",
        b"HTTP/1.1 2000 OK\r\n\r\nhello",
        b"HTTP/9.9 200 OK\r\n\r\nhello",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"hello",
        b"",
    ],
    ids=range(36),
)  # fmt: skip
def test_what_is_not_a_whole_file_leaves_none(world, target, played):
    world.answers = [played]
    with pytest.raises(InputDownloadFailed):
        download("http://a.test/", target, max_bytes=2000, network=world.network)
    assert not target.exists()


@pytest.mark.parametrize(
    "played",
    [
        answer("Content-Length: 6", body=b"hello!"),
        answer("Content-Length: 999999999999"),
        answer(body=b"hello!"),
        answer("Transfer-Encoding: chunked", body=chunked(b"hello", b"!", b"")),
        answer("Transfer-Encoding: chunked", body=chunked(b"h" * 100_000)),
    ],
)
def test_one_byte_too_many_ends_the_download(world, target, played):
    world.answers = [played]
    with pytest.raises(InputTooLarge):
        download("http://a.test/", target, max_bytes=5, network=world.network)
    assert not target.exists()


def test_what_we_ask(world, target):
    world.answers = [answer(body=b"!")]
    download("http://a.test:8080/b c?d=头", target, max_bytes=5, network=world.network)
    assert world.request(0).split("\r\n") == [
        "GET /b%20c?d=%E5%A4%B4 HTTP/1.1",
        "Host: a.test:8080",
        f"User-Agent: portravox/{__version__}",
        "Accept: */*",
        "Accept-Encoding: identity",
        "Connection: close",
        "",
        "",
    ]


def test_redirects_up_to_the_limit(world, target):
    hop = b"HTTP/1.1 307 There\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n"
    world.answers = [hop] * MAX_REDIRECTS + [answer(body=b"there")]
    download("http://a.test/", target, max_bytes=5, network=world.network)
    assert target.read_bytes() == b"there"
    assert world.request(MAX_REDIRECTS).startswith("GET /next ")


def test_no_redirect_leads_from_https_to_http(world, target):
    with pytest.raises(InputDownloadFailed) as caught:
        redirected(parse_url("https://a.test/"), "http://b.test/")
    assert caught.value.reason == "redirected from https to http, at b.test"
    assert redirected(parse_url("http://a.test/"), "https://b.test/").scheme == "https"
    assert redirected(parse_url("https://a.test/"), "//b.test/").scheme == "https"


@pytest.mark.parametrize("port", [1, 21, 22, 23, 25, 81, 111, 2375, 3306, 5432, 6379, 9000, 11211,
                                  27017, 40000, 65535])  # fmt: skip
def test_only_ports_of_web_servers_are_called(world, target, port):
    for address in (f"http://a.test:{port}/", f"https://{PUBLIC}:{port}/"):
        with pytest.raises(InputDownloadFailed) as caught:
            download(address, target, max_bytes=5, network=world.network)
        assert f"port {port}" in caught.value.reason
    assert world.resolved == [] and world.dialled == []


@pytest.mark.parametrize("port", [22, 25, 6379, 9000])
def test_nor_is_another_port_in_a_network_that_the_operator_named(world, target, port):
    with pytest.raises(InputDownloadFailed):
        download(
            f"http://10.1.2.3:{port}/", target, max_bytes=5,
            network=world.network, policy=AddressPolicy.allowing("10.0.0.0/8"),
        )  # fmt: skip
    assert world.dialled == []


def test_nor_does_a_redirect_lead_to_another_port(world, target):
    world.answers = [b"HTTP/1.1 302 There\r\nLocation: http://a.test:6379/\r\n\r\n"]
    with pytest.raises(InputDownloadFailed):
        download("http://a.test/", target, max_bytes=5, network=world.network)
    assert len(world.dialled) == 1


@pytest.mark.parametrize(
    ("url", "policy"),
    [
        ("http://a.test/", AddressPolicy()),
        ("http://a.test:443/", AddressPolicy()),
        ("http://a.test:8080/", AddressPolicy()),
        ("http://a.test:8443/", AddressPolicy()),
        ("http://a.test:9000/", AddressPolicy.allowing("", ports="9000")),
        ("http://a.test:8042/", AddressPolicy.allowing("", ports="9000, 8000-8099")),
        ("http://10.1.2.3:40000/", AddressPolicy.allowing("10.0.0.0/8")),
    ],
)
def test_web_servers_ports_and_the_operators_are(world, target, url, policy):
    world.answers = [answer(body=b"!")]
    download(url, target, max_bytes=5, network=world.network, policy=policy)
    assert len(world.dialled) == 1


def test_a_port_from_the_system_is_open_in_a_named_network_alone(world, target):
    world.names = {"a.test": [PUBLIC]}
    with pytest.raises(InputDownloadFailed, match="downloaded"):
        download(
            "http://a.test:40000/", target, max_bytes=5,
            network=world.network, policy=AddressPolicy.allowing("10.0.0.0/8"),
        )  # fmt: skip
    assert world.dialled == []


@pytest.mark.parametrize(
    "played",
    [
        b"HTTP/1.1 203 Changed\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\n"
        b"Content-Range: bytes 0-4/5\r\n\r\nhello",
        b"HTTP/1.1 206 Partial Content\r\nContent-Range: Bytes 0-4/5\r\n\r\nhello",
    ],
)
def test_203_is_a_file_and_206_if_it_is_the_whole(world, target, played):
    world.answers = [played]
    assert download("http://a.test/", target, max_bytes=5, network=world.network) == 5
    assert target.read_bytes() == b"hello"


@pytest.mark.parametrize(
    "content_range",
    ["bytes 0-4/6", "bytes 1-5/6", "bytes 0-4/*", "bytes */5", "words 0-4/5", "0-4/5", ""],
)
def test_a_part_of_a_file_is_none(world, target, content_range):
    world.answers = [
        b"HTTP/1.1 206 Partial\r\nContent-Length: 5\r\n"
        + f"Content-Range: {content_range}\r\n\r\n".encode()
        + b"hello"
    ]
    with pytest.raises(InputDownloadFailed) as caught:
        download("http://a.test/", target, max_bytes=50, network=world.network)
    assert "206" in caught.value.reason
    assert not target.exists()


def test_a_packed_object_arrives_as_it_was_before(world, target):
    content = bytes(range(256)) * 100
    packed = gzip.compress(content)
    world.answers = [
        answer("Content-Encoding: gzip", f"Content-Length: {len(packed)}", body=packed)
    ]
    assert download("http://a.test/", target, max_bytes=25_600, network=world.network) == 25_600
    assert target.read_bytes() == content


def test_the_cap_counts_what_is_unpacked(world, target):
    packed = gzip.compress(b"x" * 100_000)
    world.answers = [answer("Content-Encoding: gzip", body=packed)] * 2
    with pytest.raises(InputTooLarge):
        download("http://a.test/", target, max_bytes=99_999, network=world.network)
    assert not target.exists()
    assert download("http://a.test/", target, max_bytes=100_000, network=world.network) == 100_000


def test_a_packed_object_that_is_cut_off_is_none(world, target):
    packed = gzip.compress(random.Random(1).randbytes(50_000))
    world.answers = [
        answer("Content-Encoding: gzip", f"Content-Length: {len(packed)}", body=packed[:-20])
    ]
    with pytest.raises(InputDownloadFailed):
        download("http://a.test/", target, max_bytes=50_000, network=world.network)
    assert not target.exists()


def test_the_first_byte_may_take_longer_than_the_next_ones(serve, target, drip):
    patient = Network(waits=Waits(connect_s=1.0, first_byte_s=2.0, idle_s=0.2, total_s=5.0))

    def late(caller):
        time.sleep(0.6)  # three times the idle time
        caller.sendall(answer("Content-Length: 5", body=b"hello"))

    port = serve(late)
    url = f"http://127.0.0.1:{port}/"
    assert download(url, target, max_bytes=5, network=patient, policy=LOOPBACK) == 5
    target.unlink()
    pauses = serve(drip([OK + b"Content-Length: 5\r\n\r\n", b"he", b"llo"], 0.6))
    with pytest.raises(InputDownloadFailed):
        download(
            f"http://127.0.0.1:{pauses}/", target, max_bytes=5, network=patient, policy=LOOPBACK
        )


def test_the_service_waits_30_s_for_the_first_byte_within_a_minute():
    assert (Waits().first_byte_s, Waits().idle_s, Waits().total_s) == (30.0, 10.0, 60.0)


def test_one_redirect_too_many(world, target):
    hop = b"HTTP/1.1 302 There\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n"
    world.answers = [hop] * (MAX_REDIRECTS + 1) + [answer(body=b"there")]
    with pytest.raises(InputDownloadFailed):
        download("http://a.test/", target, max_bytes=5, network=world.network)
    assert len(world.dialled) == MAX_REDIRECTS + 1


def test_proxies_of_the_environment_are_not_asked(world, target, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://10.0.0.1:3128")
    world.answers = [answer(body=b"hello")]
    download("http://a.test/", target, max_bytes=5, network=world.network)
    assert world.dialled == [world.network.resolve("x", 80)[0]]


def test_the_next_address_is_tried_when_one_is_silent(world, target):
    world.names = {"a.test": ["1.1.1.1", "1.1.1.2"]}
    world.answers = [answer(body=b"hello")]

    def dial(address, port, seconds):
        if str(address) == "1.1.1.1":
            raise ConnectionRefusedError("nobody there")
        return world.network.dial(address, port, seconds)

    network = replace(world.network, dial=dial)
    download("http://a.test/", target, max_bytes=5, network=network)
    assert world.dialled == ["1.1.1.2"]


def test_a_file_that_is_there_is_not_overwritten(world, target):
    target.write_bytes(b"ours")
    world.answers = [answer(body=b"hello")]
    with pytest.raises(FileExistsError):
        download("http://a.test/", target, max_bytes=5, network=world.network)
    assert target.read_bytes() == b"ours"


def test_a_full_disk_is_not_the_clients_fault(world, tmp_path):
    world.answers = [answer(body=b"hello")]
    with pytest.raises(FileNotFoundError):
        download("http://a.test/", tmp_path / "no" / "f", max_bytes=5, network=world.network)


def test_the_log_has_host_and_reason_but_no_link(world, target, caplog):
    world.names = {"inside.test": ["10.0.0.1"]}
    world.answers = [b"HTTP/1.1 302 F\r\nLocation: http://inside.test/hush?Signature=hush\r\n\r\n"]
    with caplog.at_level(logging.INFO), pytest.raises(InputDownloadFailed) as caught:
        download("http://a.test/hush?Signature=hush", target, max_bytes=5, network=world.network)
    assert "a.test, then inside.test: 10.0.0.1: private" in caplog.text
    assert "hush" not in caplog.text
    assert "10.0.0.1" not in str(caught.value)


def test_what_a_server_says_cannot_forge_lines_of_the_log(world, target, caplog):
    world.answers = [b"200\r fine\x1b[2J\r\n\r\n"]
    with caplog.at_level(logging.INFO), pytest.raises(InputDownloadFailed):
        download("http://a.test/", target, max_bytes=5, network=world.network)
    assert caplog.text.count("\n") == 1
    assert "\x1b" not in caplog.text and "\r" not in caplog.text


# A real network, of one machine.


def test_loopback_is_shut_unless_allowed(serve, target):
    asked = []
    port = serve(lambda caller: (asked.append(1), caller.sendall(answer(body=b"hello"))))
    with pytest.raises(InputDownloadFailed):
        download(f"http://127.0.0.1:{port}/", target, max_bytes=5)
    assert not asked
    assert download(f"http://127.0.0.1:{port}/", target, max_bytes=5, policy=LOOPBACK) == 5
    assert target.read_bytes() == b"hello"


def test_names_of_loopback_are_allowed_with_it(serve, target):
    port = serve(lambda caller: caller.sendall(answer(body=b"hello")))
    network = Network(resolve=lambda host, port: ["127.0.0.1"])
    url = f"http://here.test:{port}/"
    assert download(url, target, max_bytes=5, policy=LOOPBACK, network=network) == 5


def test_our_own_public_address_is_shut_too(serve, target):
    # To the table the address is any public one; that it is ours shows when we are connected.
    asked = []
    port = serve(asked.append)
    network = Network(
        dial=lambda address, _, seconds: Network().dial(LOOPBACK.allowed[0][1], port, seconds)
    )
    with pytest.raises(InputDownloadFailed) as caught:
        download("http://8.8.8.8/", target, max_bytes=5, network=network)
    assert caught.value.reason == "8.8.8.8 is this machine"


def test_a_closed_port(target):
    with pytest.raises(InputDownloadFailed):
        download("http://127.0.0.1:1/", target, max_bytes=5, policy=LOOPBACK)


@pytest.mark.parametrize(
    ("pieces", "pause_s"),
    [
        ([b""], 1.0),  # says nothing
        ([OK], 1.0),  # stops within the headers
        ([answer("Content-Length: 5"), b"hel"], 1.0),  # stops within the file
        (repeat(b"X"), 0.05),  # a status line without end
        ([OK, *[b"X: y\r\n"] * 99], 0.05),  # headers, drop by drop
        ([answer("Content-Length: 500"), *[b"h"] * 500], 0.05),  # the file, drop by drop
        ([answer("Transfer-Encoding: chunked"), *[b"1\r\nh\r\n"] * 99], 0.05),
        ([answer("Transfer-Encoding: chunked"), b"0\r\n", *[b"X: y\r\n"] * 99], 0.05),
        ([b"HTTP/1.1 100 Continue\r\n\r\n"] * 99, 0.05),
    ],
)
def test_slow_servers_are_left(serve, drip, impatient, target, pieces, pause_s):
    port = serve(drip(pieces, min(pause_s, 0.5)))
    started = time.monotonic()
    with pytest.raises(InputDownloadFailed) as caught:
        download(
            f"http://127.0.0.1:{port}/",
            target,
            max_bytes=1000,
            policy=LOOPBACK,
            network=impatient,
        )
    assert "Timeout" in caught.value.reason
    assert time.monotonic() - started < impatient.waits.total_s + BUSY_MACHINE_S
    assert not target.exists()


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (answer(), b"h" * 65536),
        (answer("Transfer-Encoding: chunked"), chunked(b"h" * 65536)),
        (answer("Transfer-Encoding: chunked"), b"1;" + b"x" * 60_000 + b"\r\nh\r\n"),
        (answer("Transfer-Encoding: chunked") + b"0\r\n", b"X: y\r\n" * 9999),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 2000),
        (b"", b"HTTP/1.1 200 OK "),
    ],
)
def test_endless_answers_are_cut(serve, drip, target, start, more):
    sent = []

    def endless():
        yield start
        while True:
            sent.append(len(more))
            yield more

    port = serve(drip(endless(), 0.0))
    with pytest.raises(InputDownloadFailed):
        download(f"http://127.0.0.1:{port}/", target, max_bytes=1 << 20, policy=LOOPBACK)
    assert sum(sent) < 16 << 20  # what both sides' buffers take comes on top of our 3 MiB
    assert not target.exists()


def test_a_resolver_that_hangs_is_left(impatient, target):
    network = replace(impatient, resolve=lambda host, port: time.sleep(3.0) or ["1.1.1.1"])
    started = time.monotonic()
    with pytest.raises(InputDownloadFailed):
        download("http://a.test/", target, max_bytes=5, network=network)
    assert time.monotonic() - started < impatient.waits.connect_s + BUSY_MACHINE_S


def test_the_last_wait_ends_with_the_whole(serve, drip, target):
    network = Network(waits=Waits(connect_s=5.0, idle_s=5.0, total_s=0.2))
    started = time.monotonic()
    with pytest.raises(InputDownloadFailed) as caught:
        download(
            f"http://127.0.0.1:{serve(drip([OK], 0.6))}/",
            target,
            max_bytes=5,
            policy=LOOPBACK,
            network=network,
        )
    assert "Timeout" in caught.value.reason
    assert time.monotonic() - started < network.waits.total_s + BUSY_MACHINE_S


def test_time_runs_on_over_redirects(serve, target):
    def hop(caller):
        time.sleep(0.1)
        caller.sendall(b"HTTP/1.1 302 F\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")

    network = Network(waits=Waits(total_s=0.25))
    with pytest.raises(InputDownloadFailed) as caught:
        download(
            f"http://127.0.0.1:{serve(hop)}/", target, max_bytes=5, policy=LOOPBACK, network=network
        )
    assert "Timeout" in caught.value.reason


# TLS


@pytest.fixture
def tls_port(serve):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    names = []
    context.sni_callback = lambda line, name, _: names.append(name)
    port = serve(lambda caller: caller.sendall(answer("Content-Length: 5", body=b"hello")), context)
    return port, names


def trusting() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(CERTIFICATE))


def to_loopback(host, port):
    return ["127.0.0.1"]


def test_tls_checks_the_name_of_the_url_not_the_address_called(tls_port, target):
    port, names = tls_port
    network = Network(resolve=to_loopback, tls=trusting)
    url = f"https://Portrait.test.:{port}/"
    assert download(url, target, max_bytes=5, policy=LOOPBACK, network=network) == 5
    assert names == ["portrait.test"]


@pytest.mark.parametrize("host", ["other.test", "127.0.0.1"])
def test_a_certificate_for_another_name_is_refused(tls_port, target, host):
    port, _ = tls_port
    network = Network(resolve=to_loopback, tls=trusting)
    with pytest.raises(InputDownloadFailed) as caught:
        download(f"https://{host}:{port}/", target, max_bytes=5, policy=LOOPBACK, network=network)
    assert "CertVerification" in caught.value.reason


def test_a_certificate_nobody_vouches_for_is_refused(tls_port, target):
    port, _ = tls_port
    network = Network(resolve=to_loopback)
    with pytest.raises(InputDownloadFailed) as caught:
        download(
            f"https://portrait.test:{port}/", target, max_bytes=5, policy=LOOPBACK, network=network
        )
    assert "CertVerification" in caught.value.reason


def test_a_server_without_tls_is_left(serve, drip, impatient, target):
    port = serve(drip([b"", b""], 0.5))
    network = replace(impatient, resolve=to_loopback, tls=trusting)
    with pytest.raises(InputDownloadFailed):
        download(
            f"https://portrait.test:{port}/", target, max_bytes=5, policy=LOOPBACK, network=network
        )
