"""A statement that the operator asks for is read and ticked before a video is asked for."""

from __future__ import annotations

from typing import Any

from benchmarks.page.driving import until
from tests.studio.browser.conftest import Open

BOX = "#consent input"
STATEMENT = {"id": "3f" * 16, "text": "I may show this person saying this.\n<b>Really</b>."}


def test_nothing_is_sent_before_the_statement_is_ticked(visit: Open, studio_of: Any) -> None:
    page = visit()
    studio = studio_of(page)
    assert page.locator(BOX).is_hidden()
    said = page.request.get(f"{page.url.split('#')[0]}studio/about").json()
    page.route("**/studio/about", lambda route: route.fulfill(json={**said, "consent": STATEMENT}))
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.inner_text("#consent") == STATEMENT["text"]  # words, and no markup
    studio.choose("portrait", "face.png")
    studio.choose("voice", "voice.wav")
    studio.verdict("portrait", "good")
    assert page.inner_text("#make-summary") == "Agree to the statement above to go on."
    assert page.get_attribute("#make", "aria-disabled") == "true"
    page.click("#make", force=True)
    until(page, "document.activeElement === document.querySelector('#consent input')")
    page.keyboard.press("Space")
    assert page.locator(BOX).is_checked() and page.locator("#batch-consent input").is_checked()
    page.click("#show-request")
    page.wait_for_selector("#request[open]")
    assert f'"consent": "{STATEMENT["id"]}"' in page.inner_text("#request-code")
    page.keyboard.press("Escape")
    with page.expect_request("**/video-synthesis") as sent:
        page.click("#make")
    assert sent.value.post_data_json["input"]["consent"] == STATEMENT["id"]
    assert page.locator(BOX).is_checked()  # of the same person
    studio.choose("portrait", "face.gif")
    until(page, "!document.querySelector('#consent input').checked")
