"""portravox link: an address that signs a browser in, once."""

from __future__ import annotations

from portravox.service.logins import LoginTokens


def test_the_link_carries_a_token_that_works_once(run, tmp_path):
    told = run("link", "--data-dir", tmp_path, "--port", "8123")
    assert told.status == 0
    address, _, token = told.out.strip().partition("#login=")
    assert address == "http://127.0.0.1:8123/"
    tokens = LoginTokens(tmp_path / "logins")
    assert tokens.redeem(token)
    assert not tokens.redeem(token)


def test_the_link_leads_to_where_browsers_reach_the_server(run, tmp_path):
    told = run("link", "--data-dir", tmp_path, "--public-url", "https://studio.example/")
    assert told.out.startswith("https://studio.example/#login=")
