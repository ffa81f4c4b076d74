"""The workspace: change, make and look without scrolling; takes told apart; nothing lost."""

from __future__ import annotations

from typing import Any

import pytest
from PIL import Image

from benchmarks.page.driving import until
from portravox.demo import demo_portrait

VIDEO = "document.querySelector('#stage video')"

IN_VIEW = """(selector) => {
  const { left, top, right, bottom } = document.querySelector(selector).getBoundingClientRect();
  return left >= 0 && top >= 0 && right <= innerWidth + 1 && bottom <= innerHeight + 1;
}"""


def moving(page: Any) -> bool:
    playing: bool = page.evaluate(f"!{VIDEO}.paused")
    return playing


@pytest.mark.parametrize(
    ("width", "height"),
    [(1100, 760), *(pytest.param(*size, marks=pytest.mark.thorough) for size in [(1920, 1080)])],
)
def test_from_open_to_playing_nothing_is_scrolled(
    visit: Any, studio_of: Any, width: int, height: int
) -> None:
    page = visit(width=width)
    page.set_viewport_size({"width": width, "height": height})
    studio = studio_of(page)
    assert page.locator("#intro").is_visible()
    for part in ("#make", "#intro"):
        assert page.evaluate(IN_VIEW, part)
    studio.fill()
    studio.make()
    assert not page.locator("#intro").is_visible()
    studio.finished()
    until(page, f"{VIDEO}.currentTime > 0")
    for part in ("#make", "#stage .frame", "#stage .player", "#history .card"):
        assert page.evaluate(IN_VIEW, part), part
    assert page.evaluate("[scrollY, document.querySelector('.desk-parts').scrollTop]") == [0, 0]
    frame = page.locator("#stage .frame").bounding_box()
    assert frame["width"] > 0.5 * width and frame["height"] > 0.4 * height


def test_keys_are_the_videos_and_never_make_a_second_one(studio: Any) -> None:
    page = studio.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    studio.fill()
    studio.make()
    studio.finished()
    until(page, f"{VIDEO}.ended")
    page.keyboard.press("Space")  # the focus went to the stage
    until(page, f"!{VIDEO}.paused")
    page.keyboard.press("Space")
    assert not moving(page)
    page.locator("#make").focus()
    page.keyboard.press("Space")
    assert moving(page)
    page.keyboard.press("Space")
    page.click("#direction .preset >> nth=0")  # a click: the focus is there, Space is the video's
    page.keyboard.press("Space")
    assert moving(page)
    page.keyboard.press("Space")
    page.locator("#stage .scrub").fill("5")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#stage .moment") == "Frame 7 / 36"
    page.locator("#direction summary").last.click()
    page.fill("#transcript", "a")
    page.keyboard.press("End")
    page.keyboard.press("Space")
    assert page.input_value("#transcript") == "a " and not moving(page)
    assert sum(url.endswith("video-synthesis") for url in asked) == 1

    compare = page.locator("#stage [data-do=compare]")
    photograph = page.locator("#stage [data-part=photograph]")
    box = compare.bounding_box()
    page.mouse.move(box["x"] + 10, box["y"] + 10)
    page.mouse.down()
    assert photograph.is_visible()
    page.mouse.up()
    assert photograph.is_hidden()


def test_takes_are_told_apart_renamed_kept_and_deleted(studio: Any) -> None:
    page = studio.page
    studio.fill()
    page.locator("#direction").get_by_role("button", name="Song").click()
    studio.make()
    studio.finished()
    card = page.locator("#history .take")
    assert "voice" in card.inner_text() and "Song" in card.inner_text()
    assert "1.5 s" in card.inner_text()
    # Its last frame, 240 px; until then the photograph, 256 px.
    until(page, "document.querySelector('.take img').naturalWidth === 240")
    card.hover()
    until(page, "document.querySelector('.take video')?.currentTime > 0")
    page.mouse.move(2, 2)
    assert page.locator("#history .take video").count() == 0
    page.click("#history [data-do=rename]")
    page.keyboard.type("Take one")
    page.keyboard.press("Enter")
    page.click("#history [data-do=pin]")
    card.get_by_text("Kept here").wait_for()
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert "Take one" in card.inner_text() and "Kept here" in card.inner_text()
    assert page.inner_text("#stage-title") == "Your video is ready"
    assert str(page.evaluate(f"{VIDEO}.src")).startswith("blob:")
    for _ in range(2):
        page.click("#history [data-do=clear]")
    assert card.count() == 1  # what is to be kept is deleted by itself
    for _ in range(2):
        page.click("#history [data-do=forget]")
    page.locator("#intro").wait_for()


NOTICES = """
  window.notices = [];
  window.Notification = class {
    static permission = "default";
    static async requestPermission() { return (this.permission = "granted"); }
    constructor(title, options) { notices.push([title, options.body]); }
    addEventListener(name, happened) { window.pressNotice = happened; }
    close() {}
  };
  window.looksAway = false;
  Object.defineProperty(document, "hidden", { get: () => looksAway });
"""


@pytest.mark.thorough
def test_who_asked_for_it_is_told_when_a_video_is_ready(studio: Any) -> None:
    page = studio.page
    page.add_init_script(NOTICES)
    page.reload()
    page.wait_for_selector("html[data-ready]")
    studio.fill()
    studio.make()
    page.click("#stage [data-do=notify]")
    page.evaluate("looksAway = true")
    until(page, "notices.length === 1")
    assert page.evaluate("notices[0]") == ["The video is finished.", "voice"]
    page.evaluate("looksAway = false")
    page.evaluate("pressNotice()")
    studio.finished()


def test_a_reload_loses_nothing(studio: Any) -> None:
    page = studio.page
    studio.choose("portrait", "face.png")
    studio.choose("voice", "long.wav")
    studio.verdict("portrait", "good")
    studio.verdict("voice", "good")
    studio.trim_to(3.0)
    page.get_by_role("button", name="News").click()
    page.wait_for_timeout(800)
    page.reload()
    page.wait_for_selector("html[data-ready]")
    studio.verdict("portrait", "good")
    until(page, "document.querySelector('#voice .times').textContent.startsWith('3.0 s')")
    assert page.inner_text("#voice .file-name") == "long.wav"
    assert page.get_by_role("button", name="News").get_attribute("aria-pressed") == "true"
    page.click("#account")  # who signs out leaves nothing behind
    page.wait_for_timeout(300)
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.locator("#portrait .empty").is_visible()


def test_a_picture_that_is_too_tall_is_cropped_at_the_refusal(studio: Any, tmp_path: Any) -> None:
    page = studio.page
    with Image.open(demo_portrait()) as portrait:
        tall = Image.new("RGB", (300, 700), "grey")
        tall.paste(portrait.convert("RGB").resize((300, 300)), (0, 200))
        tall.save(tmp_path / "tall.png")
    page.locator("#portrait input[type=file]").set_input_files(tmp_path / "tall.png")
    studio.verdict("portrait", "bad")
    page.get_by_role("button", name="Crop").click()
    box = page.locator("#crop .crop-box")
    box.focus()
    for _ in range(9):
        page.keyboard.press("ArrowDown")
    page.get_by_role("button", name="Use this part").click()
    assert "good portrait" in studio.verdict("portrait", "good")
    shape = page.evaluate(
        "(({ naturalWidth: w, naturalHeight: h }) => w / h)"
        "(document.querySelector('#portrait img'))"
    )
    assert shape == pytest.approx(3 / 4, abs=0.01)


def test_of_several_faces_the_pressed_one_speaks(studio: Any, tmp_path: Any) -> None:
    page = studio.page
    with Image.open(demo_portrait()) as opened:
        portrait = opened.convert("RGB")
    both = Image.new("RGB", (1024, 512), "grey")
    both.paste(portrait.resize((400, 400)), (0, 0))
    both.paste(portrait, (512, 0))
    both.save(tmp_path / "both.png")
    page.locator("#portrait input[type=file]").set_input_files(tmp_path / "both.png")
    assert "Face 1 of 2 will speak" in studio.verdict("portrait", "good")
    page.get_by_role("button", name="Face 2").click()
    assert "Face 2 of 2 will speak" in studio.verdict("portrait", "good")
    page.click("#show-request")
    assert '"face": "2"' in page.inner_text("#request-code")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Face 1").press("Enter")
    page.click("#show-request")
    assert '"face"' not in page.inner_text("#request-code")
