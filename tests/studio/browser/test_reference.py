"""The API's reference: a request is tried in it, as who is signed in in the studio."""

from __future__ import annotations

from typing import Any


def test_a_request_is_tried_with_what_the_studio_signed_in_with(studio: Any) -> None:
    page, server = studio.page, studio.page.url
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.click(".bottom a[href=docs]")
    listing = page.locator(".opblock-get").filter(has=page.locator('[data-path="/api/v1/tasks"]'))
    listing.locator(".opblock-summary").click()
    with page.expect_response("**/api/v1/tasks?**") as answered:
        listing.get_by_role("button", name="Execute").click()
    assert answered.value.ok
    page.get_by_text("The studio").click()
    page.wait_for_selector("html[data-ready]")
    assert all(url.startswith((server, "data:", "blob:")) for url in asked)
