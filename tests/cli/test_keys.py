"""portravox keys: what is printed where, and what the file then says."""

from __future__ import annotations

import re

from portravox.service.keys import ApiKeys


def test_a_new_key_stands_alone_on_its_line_and_works(run, tmp_path):
    told = run("keys", "create", "--name", "Ann", "--group", "films", "--data-dir", tmp_path)
    assert told.status == 0
    assert re.fullmatch(r"sk-[0-9a-f]{32}\n", told.out)
    key = ApiKeys(tmp_path / "keys.json").find(told.out.strip())
    assert key is not None
    assert (key.key_id, key.name, key.group) == ("1", "Ann", "films")


def test_lists_show_no_secrets(run, tmp_path):
    secret = run("keys", "create", "--data-dir", tmp_path).out.strip()
    as_text = run("keys", "list", "--data-dir", tmp_path)
    as_json = run("keys", "list", "--data-dir", tmp_path, "--json")
    assert "valid" in as_text.out
    [key] = as_json.json["keys"]
    assert (key["id"], key["revoked_at"]) == ("1", None)
    assert secret not in as_text.out + as_json.out


def test_a_revoked_key_is_refused_from_then_on(run, tmp_path):
    keys = ApiKeys(tmp_path / "keys.json")
    secret = run("keys", "create", "--data-dir", tmp_path).out.strip()
    assert keys.find(secret) is not None
    assert run("keys", "revoke", "1", "--data-dir", tmp_path).status == 0
    assert keys.find(secret) is None
    assert "revoked" in run("keys", "list", "--data-dir", tmp_path).out


def test_an_id_that_is_none_is_the_callers_mistake(run, tmp_path):
    told = run("keys", "revoke", "7", "--data-dir", tmp_path)
    assert (told.status, told.out) == (2, "")
    assert "portravox keys list" in told.err


def test_limits_of_a_key_are_kept_with_it(run, tmp_path):
    told = run(
        "keys", "create", "--data-dir", tmp_path, "--requests-per-s", "5", "--max-running", "1"
    )
    key = ApiKeys(tmp_path / "keys.json").find(told.out.strip())
    assert key is not None
    assert (key.limits.requests_per_s, key.limits.max_running) == (5.0, 1)
    assert key.limits.video_s_per_day is None
    assert run("keys", "create", "--data-dir", tmp_path, "--requests-per-s", "0").status == 2


def test_webhook_secrets_are_shown_to_the_operator(run, tmp_path):
    run("keys", "create", "--data-dir", tmp_path)
    own = run("keys", "webhook-secret", "--data-dir", tmp_path)
    of_key = run("keys", "webhook-secret", "1", "--data-dir", tmp_path)
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=\n", own.out)
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=\n", of_key.out)
    assert own.out != of_key.out
    assert run("keys", "webhook-secret", "1", "--data-dir", tmp_path).out == of_key.out
    assert run("keys", "webhook-secret", "2", "--data-dir", tmp_path).status == 2
