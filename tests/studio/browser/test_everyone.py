"""For everyone: both languages, phones, keyboards, screen readers, and those who get dizzy."""

from __future__ import annotations

import re
from typing import Any

import pytest

from benchmarks.page.driving import until

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

SMALL = """[...document.querySelectorAll('button, a, select, summary, input:not([type=file])')]
  .filter((element) => element.checkVisibility() && !element.classList.contains('link'))
  .map((element) => [element.outerHTML.slice(0, 80), element.getBoundingClientRect()])
  .filter(([, { width, height }]) => width > 1 && (height < 32 || width < 32))
  .map(([words]) => words)"""


def states(studio: Any) -> Any:
    """The page in each of its states, one after the other."""
    page = studio.page
    yield "empty"
    studio.choose("portrait", "wall.png")
    studio.verdict("portrait", "bad")
    for summary in page.locator("#direction summary").all():
        summary.click()
    yield "unfit, all options"
    page.locator("#direction .tip").first.click()
    yield "an option explained"
    page.keyboard.press("Escape")
    page.click("#show-request")
    yield "request"
    page.keyboard.press("Escape")
    page.click("#voice [data-do=record]")
    page.locator("#voice .recording").wait_for()
    yield "recording"
    page.click("#voice [data-do=discard]")
    page.click("#account")
    page.click("#account")
    page.locator("#sign-in").wait_for()
    yield "signing in"
    page.keyboard.press("Escape")
    page.locator("#portrait .empty").wait_for()  # signing out emptied the wells
    page.click("#portrait [data-do=camera]")
    page.locator("#camera button:enabled[data-do=shoot]").wait_for()
    yield "camera"
    page.keyboard.press("Escape")


def working_states(studio: Any) -> Any:
    page = studio.page
    studio.fill()
    yield "filled"
    page.click("#go-live")
    page.locator("#live [data-part=video]:visible").wait_for(timeout=60_000)
    yield "live"
    page.click("#live [data-do=stop]")
    studio.make()
    yield "running"
    studio.finished()
    yield "done"
    page.locator("#voice input[type=file]").set_input_files(
        [studio.files / name for name in ("voice.wav", "long.wav")]
    )
    page.click("#trouble button")
    yield "a batch"
    page.click("#batch [data-do=close]")
    for well in ("portrait", "voice"):
        page.click(f"#{well} [data-do=remove]")
    page.click("#voice [data-do=type]")
    page.fill("#voice textarea", "Good morning.")
    yield "typed"
    page.click("#voice [data-do=untype]")


@pytest.mark.parametrize(
    ("width", "locale"),
    [
        (360, "en-US"),
        *(
            pytest.param(width, locale, marks=pytest.mark.thorough)
            for width, locale in [
                (360, "zh-CN"),
                (390, "en-US"),
                (768, "zh-CN"),
                (1280, "en-US"),
                (1920, "zh-CN"),
            ]
        ),
    ],
)
def test_nothing_is_wider_than_the_screen(
    visit: Any, studio_of: Any, width: int, locale: str
) -> None:
    studio = studio_of(visit(width=width, locale=locale))
    for steps in (working_states, states):
        for state in steps(studio):
            assert studio.page.evaluate(OVERFLOW) <= 0, state


@pytest.mark.thorough
def test_what_is_touched_is_large_enough(visit: Any, studio_of: Any) -> None:
    studio = studio_of(visit(width=390, has_touch=True, is_mobile=True))
    for state in working_states(studio):
        assert studio.page.evaluate(SMALL) == [], state


@pytest.mark.parametrize(
    ("locale", "scheme"),
    [
        ("en-US", "light"),
        *(
            pytest.param(locale, scheme, marks=pytest.mark.thorough)
            for locale, scheme in [("en-US", "dark"), ("zh-CN", "light"), ("zh-CN", "dark")]
        ),
    ],
)
def test_axe_finds_nothing(visit: Any, studio_of: Any, locale: str, scheme: str) -> None:
    sync_axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    # axe is put into the page as a script of its own, which our policy would stop.
    studio = studio_of(
        visit(locale=locale, color_scheme=scheme, bypass_csp=True, reduced_motion="reduce")
    )
    for steps in (working_states, states):
        for state in steps(studio):
            found = sync_axe.Axe().run(studio.page).response["violations"]
            told = [(v["id"], [node["html"][:120] for node in v["nodes"]]) for v in found]
            assert told == [], state


def test_the_page_speaks_the_browsers_language_and_the_chosen_one(visit: Any) -> None:
    page = visit(locale="zh-CN")
    assert page.inner_text("#intro h2") == "让肖像开口说话"
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    body = page.inner_text("main")
    page.click("#language")
    assert page.inner_text("#intro h2") == "Make a portrait speak."
    chinese = re.compile(r"[\u4e00-\u9fff]")
    assert not chinese.search(page.inner_text("main"))
    assert len(chinese.findall(body)) > 100
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.inner_text("#intro h2") == "Make a portrait speak."


def test_what_was_said_is_said_again_in_the_other_language(studio: Any) -> None:
    studio.choose("portrait", "wall.png")
    studio.choose("voice", "voice.wav")
    studio.verdict("portrait", "bad")
    studio.verdict("voice", "good")
    studio.page.click("#language")
    assert "没有找到人脸" in studio.verdict("portrait", "bad")
    assert "音量合适" in studio.verdict("voice", "good")
    assert "还不能用" in studio.page.inner_text("#make-summary")


def test_an_appearance_that_is_chosen_stays(visit: Any) -> None:
    page = visit(color_scheme="light")
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour)
    page.click("#theme")
    page.click("#theme")
    dark = page.evaluate(colour)
    assert dark != light
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.evaluate(colour) == dark


def test_the_whole_way_by_keyboard(studio: Any) -> None:
    page = studio.page
    # From here on the browser hands over its dialogs; told so at the press, it may be too late.
    page.on("filechooser", lambda chooser: None)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"

    def tab_to(selector: str) -> None:
        for _ in range(60):
            if page.evaluate("(s) => document.activeElement.matches(s)", selector):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"no way to {selector}")

    for well, name in (("portrait", "face.png"), ("voice", "voice.wav")):
        tab_to(f"#{well} [data-do=choose]")
        with page.expect_file_chooser() as chooser:
            page.keyboard.press("Enter")
        chooser.value.set_files(studio.files / name)
        studio.verdict(well, "good")
    tab_to("#direction summary")
    page.keyboard.press("Enter")
    tab_to("#direction input[name=template_id]")
    page.keyboard.press("ArrowRight")
    assert page.locator("input[name=template_id][value=active]").is_checked()
    tab_to("#head_move_strength")
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("output[for=head_move_strength]") == "0.65"
    tab_to("#make")
    page.keyboard.press("Enter")
    studio.finished()
    until(page, "document.querySelector('#stage video').ended")
    tab_to("#stage [data-do=play]")
    page.keyboard.press("Space")
    until(page, "!document.querySelector('#stage video').paused")
    tab_to("#stage .scrub")
    page.keyboard.press("Home")
    page.keyboard.press(".")
    assert page.inner_text("#stage .moment") == "Frame 2 / 36"
    page.keyboard.press(",")
    assert page.inner_text("#stage .moment") == "Frame 1 / 36"


@pytest.mark.thorough
def test_who_gets_dizzy_sees_nothing_move(visit: Any, studio_of: Any) -> None:
    studio = studio_of(visit(reduced_motion="reduce"))
    studio.fill()
    studio.make()
    moving = studio.page.evaluate(
        "document.getAnimations().filter((a) => a.effect.getTiming().duration > 1).length"
    )
    assert moving == 0
    studio.page.click("#stage [data-do=cancel]")


@pytest.mark.thorough
def test_a_photograph_from_the_camera(studio: Any) -> None:
    page = studio.page
    page.click("#portrait [data-do=camera]")
    page.locator("#camera button:enabled[data-do=shoot]").wait_for()
    page.click("#camera [data-do=shoot]")
    # The fake camera shows a coloured disc.
    assert "No face was found" in studio.verdict("portrait", "bad")
    assert page.evaluate("document.querySelector('#portrait img').naturalWidth") > 100


def test_presets_and_reset(studio: Any) -> None:
    page = studio.page
    news = page.get_by_role("button", name="News")
    news.click()
    assert news.get_attribute("aria-pressed") == "true"
    assert page.locator("input[name=template_id][value=calm]").is_checked()
    assert page.locator("output[for=head_move_strength]").text_content() == "0.40"
    page.get_by_role("button", name="Reset").click()
    natural = page.get_by_role("button", name="Natural")
    assert natural.get_attribute("aria-pressed") == "true"
    assert page.locator("output[for=head_move_strength]").text_content() == "0.70"
    page.locator("#head_move_strength").evaluate("(input) => input.closest('details').open = true")
    page.locator("#head_move_strength").fill("0.3")
    assert page.inner_text("#direction .changed") == "Your own · Head: 0.3"
    page.click("#direction [data-do=save]")
    page.reload()
    page.wait_for_selector("html[data-ready]")
    news.click()
    page.get_by_role("button", name="Reset").click()
    assert page.locator("output[for=head_move_strength]").text_content() == "0.30"
    page.click("#direction [data-do=unsave]")
    assert natural.get_attribute("aria-pressed") == "true"
