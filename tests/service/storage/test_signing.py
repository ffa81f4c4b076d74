"""Signatures are known again for what they were made for, through one change of the key."""

from __future__ import annotations

import re
import stat

import pytest

from portravox.service.errors import SecretsUnreadable
from portravox.service.storage.signing import SigningKeys, open_signing_keys

OLD, NEW = b"o" * 32, b"n" * 32


def test_a_signature_is_good_for_its_purpose_and_text_alone():
    keys = SigningKeys(current=OLD)
    signature = keys.sign("link", "a")
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", signature)
    assert keys.is_signed("link", "a", signature)
    assert not keys.is_signed("link", "b", signature)
    assert not keys.is_signed("policy", "a", signature)
    assert not SigningKeys(current=NEW).is_signed("link", "a", signature)


@pytest.mark.parametrize("wrong", ["", "é", "\ud800", "=", "A" * 43, "A" * 100_000])
def test_anything_else_is_no_signature(wrong):
    assert not SigningKeys(current=OLD).is_signed("link", "a", wrong)


def test_no_other_spelling_of_a_signature_is_taken():
    keys = SigningKeys(current=OLD)
    signature = keys.sign("link", "a")
    for other in (signature + "=", signature + " ", signature.swapcase(), signature[:-1]):
        assert not keys.is_signed("link", "a", other)
    # The last of 43 characters carries two bits that mean nothing: they count all the same.
    twins = [signature[:-1] + c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"]
    assert sum(keys.is_signed("link", "a", twin) for twin in twins) <= 1


def test_purpose_and_text_do_not_run_into_each_other():
    keys = SigningKeys(current=OLD)
    assert not keys.is_signed("lin", "ka", keys.sign("link", "a"))


def test_the_key_before_is_accepted_and_signs_no_more():
    before = SigningKeys(current=OLD)
    rotated = SigningKeys(current=NEW, previous=OLD)
    after = SigningKeys(current=NEW)
    assert rotated.is_signed("link", "a", before.sign("link", "a"))
    assert not before.is_signed("link", "a", rotated.sign("link", "a"))
    assert after.is_signed("link", "a", rotated.sign("link", "a"))
    assert not after.is_signed("link", "a", before.sign("link", "a"))


def test_keys_do_not_show_in_logs():
    shown = repr(SigningKeys(current=OLD, previous=NEW))
    assert "oooo" not in shown
    assert "nnnn" not in shown


def test_the_first_start_makes_a_key_that_later_ones_find(tmp_path):
    path = tmp_path / "signing.keys"
    made = open_signing_keys(path)
    assert made.previous is None
    assert open_signing_keys(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert open_signing_keys(tmp_path / "other.keys") != made


def test_a_line_on_top_replaces_the_key(tmp_path):
    path = tmp_path / "signing.keys"
    path.write_text(f"{NEW.hex()}\n{OLD.hex()}\n")
    assert open_signing_keys(path) == SigningKeys(current=NEW, previous=OLD)


@pytest.mark.parametrize(
    "content", ["", "\n", "abc", "ab" * 16, "zz" * 32, "\n".join(["ab" * 32] * 3), "é"]
)
def test_a_damaged_file_is_told_without_its_content(tmp_path, content):
    path = tmp_path / "signing.keys"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SecretsUnreadable) as raised:
        open_signing_keys(path)
    assert str(path) in str(raised.value)
    assert "abab" not in str(raised.value)


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(SecretsUnreadable):
        open_signing_keys(tmp_path / "none" / "signing.keys")
