"""One-time links and passes: once, in time, and never again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from portravox.service.errors import SecretsUnreadable
from portravox.service.logins import PASS_LIFE_S, TOKEN_LIFE_S, LoginTokens, Passes


def test_a_token_works_once(tmp_path):
    tokens = LoginTokens(tmp_path / "logins")
    token = tokens.create()
    # Another process, and after a restart: what counts lies in the folder.
    assert LoginTokens(tmp_path / "logins").redeem(token)
    assert not tokens.redeem(token)


def test_of_many_who_try_at_once_one_succeeds(tmp_path):
    tokens = LoginTokens(tmp_path)
    token = tokens.create()
    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(tokens.redeem, [token] * 64)) == 1


def test_a_token_ends_by_itself_and_is_cleared_away(tmp_path):
    later = 0.0
    tokens = LoginTokens(tmp_path, clock=lambda: _now(tmp_path) + later)
    old = tokens.create()
    later = TOKEN_LIFE_S + 1
    assert not tokens.redeem(old)
    unused = tokens.create()
    del unused
    assert len(list(tmp_path.iterdir())) == 1


def _now(folder):
    return max((file.stat().st_mtime for file in folder.iterdir()), default=0.0)


@pytest.mark.parametrize("token", ["", "..", "../keys.json", "x" * 10_000, "\udc80"])
def test_what_is_no_token_is_refused_and_removes_nothing(tmp_path, token):
    (tmp_path / "keys.json").write_text("{}")
    tokens = LoginTokens(tmp_path / "logins")
    tokens.create()
    assert not tokens.redeem(token)
    assert (tmp_path / "keys.json").exists()


def test_the_folder_does_not_tell_its_tokens(tmp_path):
    token = LoginTokens(tmp_path / "logins").create()
    [file] = (tmp_path / "logins").iterdir()
    assert token not in file.name
    assert file.stat().st_size == 0
    assert (tmp_path / "logins").stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "logins").write_text("in the way")
    with pytest.raises(SecretsUnreadable):
        LoginTokens(tmp_path / "logins").create()


def test_a_pass_lasts_a_working_day():
    now = 0.0
    passes = Passes(clock=lambda: now)
    secret = passes.create()
    assert secret.startswith("st-")
    now = PASS_LIFE_S - 1
    assert passes.holds(secret)
    assert not passes.holds(secret[:-1])
    now = PASS_LIFE_S
    assert not passes.holds(secret)


def test_passes_do_not_pile_up():
    passes = Passes()
    first = passes.create()
    latest = [passes.create() for _ in range(1000)][-1]
    assert not passes.holds(first)
    assert passes.holds(latest)
