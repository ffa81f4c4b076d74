"""Ways to make a server look around in its own network: each as URL, as redirect, as DNS answer.

Nothing is called but the public address a test begins with.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from portravox.service.errors import InputDownloadFailed
from portravox.service.fetch.addresses import AddressPolicy
from portravox.service.fetch.download import download

PUBLIC = "93.184.215.14"

ADDRESSES = [
    # this machine, private networks
    "0.0.0.0", "0.0.0.1", "0.255.255.255", "127.0.0.1", "127.0.0.2", "127.1.1.1",
    "127.255.255.255", "10.0.0.0", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.17.0.1",
    "172.31.255.255", "192.168.0.1", "192.168.1.1", "192.168.255.255", "100.64.0.1",
    "100.127.255.255",
    # clouds
    "169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.0.23", "169.254.42.42",
    "169.254.1.1", "100.100.100.200", "100.100.2.136", "100.100.2.138", "100.96.0.96",
    "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd00:ec2::23", "fd00:ec2::253",
    "fd20:ce::254", "fd00:c1::a9fe:a9fe", "fd00:42::42", "fd00:a9fe:a9fe::1",
    "fd00:100::100:200", "fe80::a9fe:a9fe",
    # other special IPv4
    "192.0.0.1", "192.0.0.8", "192.0.0.9", "192.0.0.170", "192.0.2.1", "192.31.196.1",
    "192.52.193.1", "192.88.99.1", "192.175.48.1", "198.18.0.1", "198.19.255.255",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "224.0.0.251", "239.255.255.250", "240.0.0.1",
    "255.255.255.254", "255.255.255.255",
    # IPv6 of its own
    "::", "::1", "::2", "100::1", "100:0:0:1::1", "1::1", "fc00::1", "fd12:3456::1", "fe80::1",
    "febf::1", "fec0::1", "feff::1", "ff02::1", "ff0e::1", "5f00::1", "4000::1", "8000::1",
    "2001:db8::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:1::1", "2001:3::1",
    "2001:4:112::1", "2620:4f:8000::1", "3ffe::1", "3fff::1", "3fff:fff::1",
    # IPv4 inside IPv6, public ones too where nobody has a use for the form
    "::127.0.0.1", "::10.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "::ffff:169.254.169.254", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "::ffff:0:8.8.8.8",
    "64:ff9b::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254",
    "64:ff9b::192.168.0.1", "64:ff9b::0.0.0.0", "64:ff9b::224.0.0.1", "64:ff9b:1::7f00:1",
    "64:ff9b:1::8.8.8.8", "64:ff9b:1:a9fe:a9:fe00::", "2002:7f00:1::", "2002:a9fe:a9fe::1",
    "2002:a00:1::", "2002:808:808::1", "2001::1", "2001:0:7f00:1::", "2001:0:4136:e378::",
    "2001:0:4136:e378:8000:63bf:80ff:fffe", "2a00:1450::5efe:127.0.0.1",
    "2a00:1450::200:5efe:10.0.0.1",
]  # fmt: skip


def as_url(address: str) -> str:
    return f"http://[{address}]/" if ":" in address else f"http://{address}/"


def redirect_to(location: str) -> bytes:
    return b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % location.encode(
        errors="surrogatepass"
    )


@pytest.mark.parametrize("address", ADDRESSES)
def test_address_as_url(address, world, target):
    with pytest.raises(InputDownloadFailed):
        download(as_url(address), target, max_bytes=100, network=world.network)
    assert (world.resolved, world.dialled) == ([], [])


@pytest.mark.parametrize("address", ADDRESSES)
def test_address_as_redirect(address, world, target):
    world.answers = [redirect_to(as_url(address))]
    with pytest.raises(InputDownloadFailed):
        download("http://start.test/", target, max_bytes=100, network=world.network)
    assert world.dialled == [PUBLIC]


@pytest.mark.parametrize("address", [*ADDRESSES, "fe80::1%lo", "2606:4700::1%2", "127.1", ""])
def test_address_as_dns_answer(address, world, target):
    world.names = {"evil.test": [address]}
    with pytest.raises(InputDownloadFailed):
        download("http://evil.test/", target, max_bytes=100, network=world.network)
    assert world.dialled == []


@pytest.mark.parametrize("address", ADDRESSES)
def test_address_as_one_dns_answer_of_several(address, world, target):
    world.names = {
        "last.test": [PUBLIC, "2606:4700::1", address],
        "first.test": [address, PUBLIC],
    }
    for host in world.names:
        with pytest.raises(InputDownloadFailed):
            download(f"http://{host}/", target, max_bytes=100, network=world.network)
    assert world.dialled == []


URLS = [
    # 127.0.0.1 in all bases, short, long and overflowing
    "http://2130706433/", "http://017700000001/", "http://0x7f000001/", "http://0X7F000001/",
    "http://0177.0.0.1/", "http://0177.0.0.01/", "http://0x7f.0.0.1/", "http://0x7F.0x0.0x0.0x1/",
    "http://127.1/", "http://127.0.1/", "http://0x7f.1/", "http://0177.1/", "http://127.0x1/",
    "http://00127.0.0.1/", "http://127.000.000.001/", "http://127.0.0.1.1/", "http://4294967297/",
    "http://127.0.0.257/", "http://383.0.0.1/", "http://6425673729/", "http://0/", "http://0x/",
    "http://0x0/", "http://00/", "http://0.0/", "http://0000.0/", "http://1/",
    "http://a.0x7f/", "http://host.1/",
    # 169.254.169.254
    "http://2852039166/", "http://0xa9fea9fe/", "http://0xa9.0xfe.0xa9.0xfe/",
    "http://0251.0376.0251.0376/", "http://025177524776/", "http://169.254.43518/",
    "http://169.16689662/", "http://0251.254.169.254/", "http://425.510.425.510/",
    "http://7147006462/",
    # trailing dots
    "http://127.0.0.1../", "http://127.0.0.1.../", "http://2130706433./", "http://0x7f.1./",
    "http://localhost../", "http://./", "http://../", "http://.localhost/", "http://a..b/",
    # digits and dots of other alphabets
    "http://\uff11\uff12\uff17.0.0.1/", "http://\uff11\uff12\uff17\u3002\uff10\u3002\uff10\u3002\uff11/",
    "http://127\u30020\u30020\u30021/", "http://127\uff0e0\uff0e0\uff0e1/",
    "http://127\uff610\uff610\uff611/", "http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/",
    "http://\u0661\u0662\u0667.0.0.1/", "http://\U0001d7cf\U0001d7d0\U0001d7d5.0.0.1/",
    "http://\uff18.\uff18.\uff18.\uff18/", "http://\u2488\u2488\u2488\u2488/",
    "http://\uff10x7f000001/", "http://a\u2100b.test/", "http://a\uff0fb.test/",
    "http://a\uff20b.test/", "http://a\uff1ab.test/", "http://\u200b/", "http://a\u202eb.test\\/",
    # user names, passwords
    "http://user@start.test/", "http://user:pass@start.test/", "http://@start.test/",
    "http://:@start.test/", "http://start.test@127.0.0.1/", "http://start.test:80@127.0.0.1/",
    "http://start.test%40127.0.0.1/", "http://a@b@127.0.0.1/", "http://127.0.0.1\\@start.test/",
    "http://start.test\\@127.0.0.1/",
    "http://start.test;@127.0.0.1/", "http://start.test&@127.0.0.1/",
    "http://start.test @127.0.0.1/",
    # IPv6
    "http://[::1/", "http://::1/", "http://::1]/", "http://[]/", "http://[:]/", "http://[::1]]/",
    "http://[[::1]]/", "http://[::1]a/", "http://[::1].test/", "http://a[::1]/", "http://[::1]:a/",
    "http://[fe80::1%25lo]/", "http://[fe80::1%lo]/", "http://[fe80::1%251]/",
    "http://[2606:4700::1%25eth0]/", "http://[::1%00]/", "http://[127.0.0.1]/",
    "http://[8.8.8.8]/", "http://[v1.fe80::a]/", "http://[::0x7f.0.0.1]/", "http://[::127.1]/",
    "http://[::0177.0.0.1]/", "http://[1:2:3:4:5:6:7:8:9]/", "http://[::1::]/",
    "http://[12345::1]/", "http://[::\uff11]/", "http://[localhost]/", "http://[0:0:0:0:0:0:0:1]/",
    "http://[0000:0000:0000:0000:0000:0000:0000:0001]/", "http://[::FFFF:7F00:1]/",
    "http://[::ffff:7f00:0001]/", "http://[0::0]/", "http://[0:0::0:1]/",
    # ports
    "http://start.test:0/", "http://start.test:65536/", "http://start.test:99999/",
    "http://start.test:-1/", "http://start.test:+80/", "http://start.test:8_0/",
    "http://start.test:80:80/", "http://start.test:80a/", "http://start.test: 80/",
    "http://start.test:\uff18\uff10/", "http://start.test:0x50/", "http://start.test:000080/",
    "http://start.test:%38%30/",
    # white space, control characters, halves of characters
    "http://start.test /", "http:// start.test/", "http://start\t.test/", "http://start.test/\n",
    "http://start.test/\r\nHost: 127.0.0.1/", "http://start.test/a\x00b", "http://start.test\x00/",
    "http://start.test/\x7f", "http://start.test/\x85", "http://start.test/\u2028",
    "http://start.test/\ud800", "http://\ud800/", "ht\ntp://start.test/", "\x00http://start.test/",
    "http://start.test/\\..\\", "http:\\\\start.test\\", "http:/\\start.test/",
    # names DNS does not carry
    "http://%31%32%37.0.0.1/", "http://127%2e0%2e0%2e1/", "http://local%68ost/", "http://a,b/",
    "http://a'b/", 'http://a"b/', "http://a<b/", "http://a|b/", "http://a{b}/", "http://$HOME/",
    "http://*/", "http://-a.test/", "http://a-.test/", "http://" + "a" * 64 + ".test/",
    "http://" + "a." * 127 + "aa/", "http://" + "\u00e4" * 60 + ".test/", "http://!/", "http://=/",
    # other schemes, and none
    "file:///etc/passwd", "file://start.test/etc/passwd", "ftp://start.test/a",
    "gopher://start.test:6379/_INFO", "dict://start.test:11211/stats", "ldap://start.test/",
    "data:image/png;base64,AAAA", "jar:http://start.test!/", "javascript:alert(1)", "ws://start.test/",
    "https+unix://start.test/", "httpx://start.test/", "oss://start.test/a", "blob:http://start.test/",
    "view-source:http://start.test/", "unix:/run/docker.sock:/v1/", "about:blank", "phar://a",
    "\u017fhttp://start.test/", "http\uff1a//start.test/", "http:\uff0f\uff0fstart.test/",
    "http://", "https://", "http:///", "http:///etc/passwd", "http:////127.0.0.1/", "http://?",
    "http://#", "http://:80/", "http://:/", "http:127.0.0.1", "http:/127.0.0.1/", "://127.0.0.1/",
    "//127.0.0.1/", "127.0.0.1", "127.0.0.1:80/", "localhost/", "/etc/passwd", "", " ", "/", "?",
    "#", " http://start.test/", "\u00a0http://start.test/", "C:\\portrait.png", "url:http://start.test/",
]  # fmt: skip


@pytest.mark.parametrize("url", URLS, ids=ascii)
def test_url_that_is_refused_unresolved(url, world, target):
    with pytest.raises(InputDownloadFailed):
        download(url, target, max_bytes=100, network=world.network)
    assert (world.resolved, world.dialled) == ([], [])


@pytest.mark.parametrize("url", URLS, ids=ascii)
def test_the_same_as_redirect(url, world, target):
    # Some of these are good relative references: they lead back to where they came from.
    world.answers = [redirect_to(url)]
    with pytest.raises(InputDownloadFailed):
        download("http://start.test/", target, max_bytes=100, network=world.network)
    assert set(world.resolved) == {"start.test"}
    assert set(world.dialled) == {PUBLIC}


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST.", "metadata.google.internal", "127.0.0.1.nip.test", "kubernetes"],
)
def test_names_that_lead_inside(host, world, target):
    world.names[host.lower().removesuffix(".")] = ["127.0.0.1"]
    world.answers = [redirect_to(f"https://{host}/")]
    for url in (f"http://{host}/", f"https://{host}:8443/a.png", "http://start.test/"):
        with pytest.raises(InputDownloadFailed):
            download(url, target, max_bytes=100, network=world.network)
    assert world.dialled == [PUBLIC]


def test_a_resolver_that_changes_its_mind_is_asked_once(world, target):
    answers = iter([[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]])
    world.answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!"]
    network = type(world.network)(resolve=lambda host, port: next(answers), dial=world.network.dial)
    download("http://rebind.test/", target, max_bytes=100, network=network)
    assert world.dialled == [PUBLIC]
    assert next(answers) == ["127.0.0.1"]  # nobody but us has asked for the second answer


def test_each_step_of_a_redirect_is_resolved_and_checked_again(world, target):
    answers = iter([[PUBLIC], ["10.0.0.1"]])
    world.answers = [redirect_to("http://rebind.test/again")]
    network = type(world.network)(resolve=lambda host, port: next(answers), dial=world.network.dial)
    with pytest.raises(InputDownloadFailed):
        download("http://rebind.test/", target, max_bytes=100, network=network)
    assert world.dialled == [PUBLIC]


def test_clouds_stay_shut_when_everything_is_allowed(world, target):
    policy = AddressPolicy.allowing("0.0.0.0/0, ::/0")
    for address in ("169.254.169.254", "100.100.100.200", "168.63.129.16", "fd00:ec2::254"):
        with pytest.raises(InputDownloadFailed):
            download(as_url(address), target, max_bytes=9, policy=policy, network=world.network)
    assert world.dialled == []


def test_all_refusals_look_the_same_from_outside(world, target: Path):
    world.names = {"inside.test": ["10.0.0.1"]}
    said = set()
    for url in (
        "http://inside.test/",
        "http://missing.test/",
        "http://127.0.0.1/",
        "file:///x",
        "",
    ):
        with pytest.raises(InputDownloadFailed) as caught:
            download(url, target, max_bytes=100, network=world.network)
        said.add((str(caught.value), caught.value.code, caught.value.hint))
    assert len(said) == 1
    assert not target.exists()
