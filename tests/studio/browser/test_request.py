"""The request as code: run as it is shown, it does what the page does."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from typing import Any

import pytest

from portravox.cli.app import run


def shown(page: Any, kind: str) -> str:
    page.get_by_role("tab", name=kind, exact=True).click()
    code: str = page.inner_text("#request-code")
    return code


@pytest.mark.thorough
def test_curl_and_python_submit_and_the_command_is_one(
    studio: Any, server: Any, tmp_path: Any
) -> None:
    page = studio.page
    studio.fill()
    page.locator("#direction").get_by_role("button", name="Song").click()
    page.locator("#direction summary").last.click()
    page.fill("#seed", "11")
    page.press("#seed", "Tab")
    page.fill("#transcript", 'It\'s "papa", $HOME.')
    page.check("input[name=quality][value=draft]")
    page.click("#show-request")
    curl, python = shown(page, "curl"), shown(page, "Python")
    assert server.key not in curl + python
    environment = {**os.environ, "DASHSCOPE_API_KEY": server.key}
    answered = subprocess.run(
        ["bash", "-c", curl.replace("curl ", "curl --silent ", 1)],
        env=environment,
        capture_output=True,
        check=True,
        timeout=20,
    )
    assert json.loads(answered.stdout)["output"]["task_status"] == "PENDING"
    printed = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", python],
        env=environment,
        capture_output=True,
        check=True,
        timeout=60,
        text=True,
    )
    assert printed.stdout.strip().startswith(server.url)
    command = shown(page, "CLI")
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("tab", name="curl").get_attribute("aria-selected") == "true"
    words = shlex.split(command.replace("\\\n", " "))
    assert words[:2] == ["portravox", "animate"]
    assert "--template-id active" in command and "--seed 11" in command
    assert words[words.index("--transcript") + 1] == 'It\'s "papa", $HOME.'
    assert "--quality draft" in command
    files = {"face.png": studio.files / "face.png", "voice.wav": studio.files / "voice.wav"}
    files["video.mp4"] = tmp_path / "video.mp4"
    assert run([str(files.get(word, word)) for word in words[1:]]) == 0
    assert (tmp_path / "video.mp4").stat().st_size > 0


def test_before_there_are_files_it_shows_where_they_go(studio: Any) -> None:
    page = studio.page
    page.click("#show-request")
    assert "https://example.com/face.jpg" in shown(page, "curl")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("#request [data-do=copy]")
    page.locator("#request [data-do=copy]", has_text="Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.inner_text("#request-code")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "show-request"


def test_words_are_quoted_for_the_shell(studio: Any) -> None:
    module = "document.querySelector('script[type=module]').src.replace('app.js', 'request.js')"
    names = ["plain.png", "my face.png", "it's me.png", "$HOME`id`.png", "面 孔.png"]
    words = studio.page.evaluate(
        f"(names) => import({module}).then(({{ quoted }}) => names.map(quoted))", names
    )
    echoed = subprocess.run(
        ["bash", "-c", "printf '%s\\n' " + " ".join(words)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert echoed.stdout.splitlines() == names
