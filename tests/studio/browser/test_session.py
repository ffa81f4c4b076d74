"""Signing in: by a link that works once, or by a key that is never in an address."""

from __future__ import annotations

from typing import Any

from benchmarks.page.driving import until

KEPT = "JSON.stringify([{...localStorage}, {...sessionStorage}])"


def test_a_link_works_once_and_leaves_the_address(visit: Any, server: Any, browser: Any) -> None:
    page = visit()
    assert page.inner_text("#account") == "Sign out"
    assert "login" not in page.url
    link = server.link()
    for expected in ("Sign out", "Sign in"):
        context = browser.new_context(locale="en-US")
        other = context.new_page()
        other.goto(link)
        other.wait_for_selector("html[data-ready]")
        assert other.inner_text("#account") == expected
        if expected == "Sign in":
            assert "used before" in other.inner_text("#sign-in .trouble")
        context.close()


def test_a_key_is_asked_for_when_it_is_needed_and_kept_only_on_request(
    visit: Any, studio_of: Any, server: Any
) -> None:
    page = visit(signed_in=False)
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    studio = studio_of(page)
    studio.choose("portrait", "face.png")
    assert "Sign in to check" in studio.verdict("portrait", "note")
    studio.choose("voice", "voice.wav")
    studio.verdict("voice", "good")
    page.click("#make")
    dialog = page.locator("#sign-in")
    dialog.wait_for()
    page.fill("#sign-in input[name=key]", "sk-wrong")
    page.press("#sign-in input[name=key]", "Enter")
    until(page, "document.querySelector('#sign-in .trouble').textContent !== ''")
    assert "does not know this key" in page.inner_text("#sign-in .trouble")
    page.fill("#sign-in input[name=key]", server.key)
    page.press("#sign-in input[name=key]", "Enter")
    dialog.wait_for(state="hidden")
    studio.finished()  # it goes on with what was asked for
    assert server.key not in page.evaluate(KEPT)
    assert not any(server.key in url for url in seen)

    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.inner_text("#account") == "Sign in"
    page.click("#account")
    page.fill("#sign-in input[name=key]", server.key)
    page.check("#sign-in input[name=remember]")
    page.click("#sign-in button[type=submit]")
    dialog.wait_for(state="hidden")
    assert server.key in page.evaluate(KEPT)
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.inner_text("#account") == "Sign out"
    page.click("#account")
    assert page.inner_text("#account") == "Sign in"
    assert server.key not in page.evaluate(KEPT)


def test_who_does_not_want_to_sign_in_is_left_alone(visit: Any, studio_of: Any) -> None:
    page = visit(signed_in=False)
    studio = studio_of(page)
    studio.choose("portrait", "face.png")
    studio.choose("voice", "voice.wav")
    studio.verdict("voice", "good")
    page.click("#make")
    page.locator("#sign-in").wait_for()
    page.keyboard.press("Escape")
    page.locator("#sign-in").wait_for(state="hidden")
    assert page.locator("#stage").is_hidden()
    assert page.locator("#portrait img").is_visible()


def test_after_a_restart_of_the_server_it_asks_to_sign_in_and_goes_on(
    visit: Any, studio_of: Any, server: Any
) -> None:
    page = visit()
    studio = studio_of(page)
    studio.fill()
    body = '{"code": "InvalidApiKey", "message": "Invalid API-key provided.", "request_id": "r"}'
    page.route(  # a pass lives no longer than the server that gave it
        "**/api/v1/tasks/**",
        lambda route: route.fulfill(status=401, body=body, content_type="application/json"),
    )
    page.click("#make")
    page.locator("#sign-in[open]").wait_for()
    assert "started anew" in page.inner_text("#sign-in .trouble")
    page.unroute("**/api/v1/tasks/**")
    page.fill("#sign-in [name=key]", server.key)
    page.click("#sign-in [type=submit]")
    studio.finished()


def test_a_key_that_is_revoked_meanwhile_is_asked_for_again(visit: Any, studio_of: Any) -> None:
    page = visit()
    studio = studio_of(page)
    studio.fill()
    body = '{"code": "InvalidApiKey", "message": "Invalid API-key provided.", "request_id": "r"}'
    page.route(
        "**/api/v1/**",
        lambda route: route.fulfill(status=401, body=body, content_type="application/json"),
    )
    page.click("#make")
    studio.trouble.wait_for()
    assert "Sign in again" in studio.trouble.inner_text()
    assert page.inner_text("#account") == "Sign in"
