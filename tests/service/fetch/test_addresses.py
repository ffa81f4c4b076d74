"""What may be called, address by address; whole downloads are in test_refusals.py."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from portravox.errors import SettingOutOfRange
from portravox.service.fetch.addresses import (
    CLOUD_SERVICES,
    SPECIAL_IPV4,
    SPECIAL_IPV6,
    AddressPolicy,
    embedded_ipv4,
    parse_address,
)

PUBLIC_ONLY = AddressPolicy()
EVERYTHING = AddressPolicy.allowing("0.0.0.0/0 ::/0")


@pytest.mark.parametrize(
    "text",
    [
        "1.1.1.1", "8.8.8.8", "93.184.215.14", "47.95.0.1", "100.63.255.255", "100.128.0.0",
        "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255", "192.169.0.0",
        "198.17.255.255", "198.20.0.0", "223.255.255.255", "11.0.0.0", "9.255.255.255",
        "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0",
        "2606:4700:4700::1111", "2400:3200::1", "2001:4860:4860::8888", "2001:200::1",
        "2a00:1450:4001::1", "64:ff9b::808:808", "64:ff9b::5db8:d70e",
    ],
)  # fmt: skip
def test_the_public_internet_is_open(text: str) -> None:
    assert PUBLIC_ONLY.refusal(ip_address(text)) is None


@pytest.mark.parametrize("network", [n for n, _ in SPECIAL_IPV4 + SPECIAL_IPV6], ids=str)
def test_special_ranges_are_shut_from_end_to_end(network) -> None:
    assert PUBLIC_ONLY.refusal(network[0])
    assert PUBLIC_ONLY.refusal(network[-1])


@pytest.mark.parametrize("network", [n for n, _ in CLOUD_SERVICES], ids=str)
def test_no_setting_opens_the_services_of_clouds(network) -> None:
    for policy in (PUBLIC_ONLY, EVERYTHING, AddressPolicy(allowed=(network,))):
        assert policy.refusal(network[0])
        assert policy.refusal(network[-1])


@pytest.mark.parametrize(
    "form",
    [
        "::169.254.169.254", "::ffff:169.254.169.254", "::ffff:0:169.254.169.254",
        "64:ff9b::169.254.169.254", "64:ff9b:1::169.254.169.254", "64:ff9b:1:a9fe:a9:fe00::",
        "64:ff9b:1:a9:fe:a9fe::", "64:ff9b:1:0:a9:fea9:fe00:0", "2002:a9fe:a9fe::1",
        "2001:0:a9fe:a9fe::1", "2001::5601:5601", "2a00:1450::5efe:169.254.169.254",
        "2a00:1450::200:5efe:169.254.169.254", "::ffff:100.100.100.200",
        "64:ff9b::168.63.129.16",
    ],
)  # fmt: skip
def test_no_setting_opens_them_written_inside_ipv6(form: str) -> None:
    assert EVERYTHING.refusal(ip_address(form))


@pytest.mark.parametrize("text", ["0.0.0.0", "::", "127.0.0.1", "::1", "10.1.2.3", "fd12::1"])
def test_the_operator_may_open_the_rest(text: str) -> None:
    assert PUBLIC_ONLY.refusal(ip_address(text))
    assert EVERYTHING.refusal(ip_address(text)) is None


def test_what_is_opened_opens_nothing_beside_it() -> None:
    policy = AddressPolicy.allowing("127.0.0.1, 10.1.0.0/16")
    assert policy.refusal(ip_address("127.0.0.1")) is None
    assert policy.refusal(ip_address("10.1.255.255")) is None
    for near in ("127.0.0.2", "10.2.0.0", "::1", "::ffff:127.0.0.1", "2002:7f00:1::"):
        assert policy.refusal(ip_address(near))


def test_hosts_without_ipv4_reach_what_the_others_reach() -> None:
    policy = AddressPolicy.allowing("10.1.0.0/16")
    assert policy.refusal(ip_address("64:ff9b::10.1.0.1")) is None
    assert policy.refusal(ip_address("64:ff9b::10.2.0.1"))


def test_an_address_bound_to_an_interface_is_no_public_one() -> None:
    assert PUBLIC_ONLY.refusal(ip_address("2606:4700::1%eth0"))
    assert EVERYTHING.refusal(ip_address("fd12::1%1"))


@pytest.mark.parametrize("text", ["10.0.0.1/8", "localhost", "10.0.0.0/33", "0177.0.0.1", "*"])
def test_a_misspelt_setting_is_not_passed_over(text: str) -> None:
    with pytest.raises(SettingOutOfRange, match="fetch_allow_nets"):
        AddressPolicy.allowing(text)


def test_an_empty_setting_opens_nothing() -> None:
    assert AddressPolicy.allowing(" ") == PUBLIC_ONLY


@pytest.mark.parametrize(
    ("form", "inside"),
    [
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("2002:102:304::", "1.2.3.4"),
        ("64:ff9b::102:304", "1.2.3.4"),
        ("2001::fefd:fcfb", "1.2.3.4"),
        ("64:ff9b:1:102:3:400::", "1.2.3.4"),
        ("64:ff9b:1:1:2:304::", "1.2.3.4"),
        ("64:ff9b:1:0:1:203:400:0", "1.2.3.4"),
        ("2a00::5efe:1.2.3.4", "1.2.3.4"),
    ],
)
def test_ipv4_is_found_inside_ipv6(form: str, inside: str) -> None:
    assert ip_address(inside) in embedded_ipv4(ip_address(form))


@pytest.mark.parametrize("text", ["2606:4700:4700::1111", "fd12::1", "1.2.3.4"])
def test_plain_addresses_have_none_inside(text: str) -> None:
    assert embedded_ipv4(ip_address(text)) == ()


@pytest.mark.parametrize("text", ["0177.0.0.1", "127.1", "2130706433", "0x7f.0.0.1", "", "a"])
def test_only_the_strict_form_is_an_address(text: str) -> None:
    assert parse_address(text) is None
