"""An empty page: something that plays, and four examples to take."""

from __future__ import annotations

from typing import Any

from benchmarks.page.driving import until

CLIP = "document.querySelector('#sample video')"


def test_an_empty_page_plays_a_sample_and_offers_four_examples(studio: Any) -> None:
    page = studio.page
    until(page, f"{CLIP}.currentTime > 0.2")
    assert page.evaluate(f"{CLIP}.muted")
    page.get_by_role("button", name="Hear it").click()
    until(page, f"!{CLIP}.muted && !{CLIP}.paused")
    cards = page.locator("#examples .example")
    assert cards.count() == 4
    shown = "[...document.querySelectorAll('.example img')].every((img) => img.naturalWidth > 0)"
    until(page, shown)

    cards.filter(has_text="Statue").click()
    assert "good portrait" in studio.verdict("portrait", "good")
    assert studio.verdict("voice", "good")
    assert page.inner_text("#voice .file-name") == "statue.mp3"
    assert page.get_by_role("button", name="News").get_attribute("aria-pressed") == "true"
    assert page.evaluate(f"{CLIP}.paused")  # in its place is the portrait now
    assert page.locator("#make").get_attribute("aria-disabled") == "false"

    cards.filter(has_text="Drawn woman").click()  # another one is a click away
    until(page, "document.querySelector('#voice .file-name').textContent === 'woman.mp3'")
    assert "good portrait" in studio.verdict("portrait", "good")
    natural = page.get_by_role("button", name="Natural")
    assert natural.get_attribute("aria-pressed") == "true"
