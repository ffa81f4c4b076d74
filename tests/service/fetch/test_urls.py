"""One reading of a URL; what is refused is in test_refusals.py."""

from __future__ import annotations

import pytest

from portravox.service.errors import InputDownloadFailed
from portravox.service.fetch.urls import MAX_URL_CHARS, parse_url, redirected, wire_length


@pytest.mark.parametrize(
    ("text", "host", "port", "target"),
    [
        ("http://h.test", "h.test", 80, "/"),
        ("HTTPS://H.Test/A", "h.test", 443, "/A"),
        ("http://h.test.:8080/a", "h.test", 8080, "/a"),
        ("http://h.test:/a", "h.test", 80, "/a"),
        ("http://h.test?q=1", "h.test", 80, "/?q=1"),
        ("http://h.test/a#b?c", "h.test", 80, "/a"),
        ("http://bucket_1.oss.test/a", "bucket_1.oss.test", 80, "/a"),
        ("http://8.8.8.8:81/", "8.8.8.8", 81, "/"),
        ("http://8.8.8.8./", "8.8.8.8", 80, "/"),
        ("http://[2606:4700:0::1]:81/", "2606:4700::1", 81, "/"),
        ("http://测试.测试/", "xn--0zwm56d.xn--0zwm56d", 80, "/"),
        ("http://h.test/头 像.png", "h.test", 80, "/%E5%A4%B4%20%E5%83%8F.png"),
        ("http://h.test/a@b:c", "h.test", 80, "/a@b:c"),
    ],
)
def test_parts(text: str, host: str, port: int, target: str) -> None:
    url = parse_url(text)
    assert (url.host, url.port, url.target) == (host, port, target)


def test_a_signed_link_stays_as_it_was_signed() -> None:
    target = "/a%2Fb/%e5%a4%b4.png?Expires=1766806402&Signature=a%2Bb/c%3D~!$'()*,;x[0]=1"
    assert parse_url(f"https://h.test{target}").target == target


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("http://h.test/", "h.test"),
        ("http://h.test:80/", "h.test"),
        ("https://h.test:80/", "h.test:80"),
        ("http://[2606:4700::1]:81/", "[2606:4700::1]:81"),
    ],
)
def test_host_header_names_unusual_ports(text: str, header: str) -> None:
    assert parse_url(text).host_header == header


def test_a_url_read_again_is_the_same() -> None:
    for text in ("https://h.test:80/a?b", "http://[2606:4700::1]/", "http://8.8.8.8:1/x y"):
        assert parse_url(str(parse_url(text))) == parse_url(text)


@pytest.mark.parametrize(
    ("location", "leads_to"),
    [
        ("/c", "http://h.test:81/c"),
        ("c?d", "http://h.test:81/a/c?d"),
        ("//i.test/c", "http://i.test/c"),
        ("https://i.test/", "https://i.test/"),
        ("", "http://h.test:81/a/b"),
        ("/头", "http://h.test:81/%E5%A4%B4"),
    ],
)
def test_redirects_are_followed_from_where_they_stand(location: str, leads_to: str) -> None:
    assert str(redirected(parse_url("http://h.test:81/a/b"), location)) == leads_to


def test_redirects_are_not_mended() -> None:
    for location in ("/a\tb", "/a\r\nb", "ht\ntp://i.test/", "/\\i.test/", "http://[::1/"):
        with pytest.raises(InputDownloadFailed):
            redirected(parse_url("http://h.test/"), location)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("http://me:hush@h.test/", "user name or password"),
        ("http://127.1/", "address in an unusual form: 127.1"),
        ("http://h.test:0/", "port 0"),
        ("ftp://h.test/", "not http:// or https://"),
    ],
)
def test_the_reason_helps_whoever_reads_the_log(text: str, reason: str) -> None:
    with pytest.raises(InputDownloadFailed) as caught:
        parse_url(text)
    assert caught.value.reason == reason


def test_length_is_bounded() -> None:
    start = "http://h.test/"
    parse_url(start.ljust(MAX_URL_CHARS, "a"))
    with pytest.raises(InputDownloadFailed):
        parse_url(start.ljust(MAX_URL_CHARS + 1, "a"))


def test_the_longest_address_is_counted_as_it_goes_over_the_wire():
    path = "http://a.test/"
    assert wire_length(path + "脸é") == len(path) + 9 + 6
    assert wire_length("\ud800") == 9  # half a surrogate pair has a length, and is refused
    parse_url(path + "a" * (MAX_URL_CHARS - len(path)))
    for much in ("a" * (MAX_URL_CHARS - len(path) + 1), "脸" * 1000):
        with pytest.raises(InputDownloadFailed) as told:
            parse_url(path + much)
        assert str(MAX_URL_CHARS) in told.value.reason
