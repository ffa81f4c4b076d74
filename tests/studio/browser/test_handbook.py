"""The built site, opened from a folder: its search finds pages, as on a server."""

from __future__ import annotations

from typing import Any

import pytest

from handbook import site


@pytest.mark.thorough
def test_the_search_of_a_site_in_a_folder_finds_pages(browser: Any) -> None:
    assert site.build() == 0
    page = browser.new_page()
    page.goto((site.SITE / "index.html").as_uri())
    page.wait_for_function("document.documentElement.classList.contains('js')")
    page.keyboard.press("Control+k")
    page.wait_for_timeout(300)
    page.keyboard.type("captions")
    page.get_by_text("Captions from the same alignment").first.wait_for(timeout=15_000)
    page.close()
