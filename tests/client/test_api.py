"""The calls: what goes over the line, what comes back, and what stays at home."""

from __future__ import annotations

import httpx
import pytest

from portravox.client.api import Report, Verdict, require_writable
from portravox.client.errors import RequestRefused, ServerFailed
from portravox.errors import FileMissing, OutputNotWritable
from tests.client.fake_server import VIDEO, canceled, done, failed, refusal, running, succeeded

LINK = "http://files.example/v.mp4?Signature=x"


@pytest.fixture
def files(tmp_path):
    (tmp_path / "Anna at home.PNG").write_bytes(b"\x89PNG face")
    (tmp_path / "voice.wav").write_bytes(b"RIFF voice")
    return str(tmp_path / "Anna at home.PNG"), str(tmp_path / "voice.wav")


def test_files_are_uploaded_and_named_by_where_they_lie(server, client, files):
    assert client.submit(*files, {"video_fps": 25}) == "task-1"
    (body,) = server.submitted
    assert body["model"] == "liveportrait"
    assert body["parameters"] == {"video_fps": 25}
    picture, voice = body["input"]["image_url"], body["input"]["audio_url"]
    assert server.uploads[picture.removeprefix("oss://")] == b"\x89PNG face"
    assert server.uploads[voice.removeprefix("oss://")] == b"RIFF voice"
    assert picture.endswith("/file.png")
    assert not any(b"Anna" in request.content for request in server.requests)


def test_addresses_go_as_they_are(server, client):
    client.submit("https://h/a.png", "http://h/b.wav", {})
    (request,) = server.requests
    assert "x-dashscope-ossresourceresolve" not in request.headers
    assert server.submitted[0]["input"] == {
        "image_url": "https://h/a.png",
        "audio_url": "http://h/b.wav",
    }


def test_an_upload_named_by_its_address_is_resolved(server, client):
    client.submit("oss://there/a.png", "http://h/b.wav", {})
    assert server.requests[0].headers["x-dashscope-ossresourceresolve"] == "enable"


def test_the_tries_of_a_submission_have_one_idempotency_key(server, client):
    server.faults = [refusal(503, "ModelUnavailable", "later")]
    client.submit("http://h/a", "http://h/b", {})
    client.submit("http://h/a", "http://h/b", {})
    first, again, other = (request.headers["idempotency-key"] for request in server.requests)
    assert first == again != other
    client.submit("http://h/a", "http://h/b", {}, idempotency_key="mine")
    assert server.requests[-1].headers["idempotency-key"] == "mine"


def test_a_webhook_is_named_in_a_header(server, client):
    client.submit("http://h/a", "http://h/b", {}, webhook_url="https://shop.example/hook")
    assert server.requests[0].headers["x-portravox-webhook-url"] == "https://shop.example/hook"
    client.submit("http://h/a", "http://h/b", {})
    assert "x-portravox-webhook-url" not in server.requests[1].headers


def test_an_upload_that_broke_is_made_anew_in_another_place(server, client, files):
    policy = server._policy(httpx.Request("GET", "http://h?action=getPolicy&model=liveportrait"))
    server.faults = [policy, httpx.WriteError("reset")]
    client.submit(files[0], "http://h/b.wav", {})
    assert [key.split("/")[2] for key in server.uploads] == ["1"]


@pytest.mark.parametrize("path", ["/no/such/file.png", "/"])
def test_a_file_that_cannot_be_read_is_named(client, path):
    with pytest.raises(FileMissing, match=f"cannot read {path}"):
        client.submit(path, "http://h/b.wav", {})


def test_detect_tells_the_servers_verdict(client, tmp_path):
    assert client.detect("http://h/good.png") == Verdict(passed=True, message="")
    wall = tmp_path / "wall.png"
    wall.write_bytes(b"bricks")
    assert client.detect(str(wall)) == Verdict(passed=False, message="No human face detected.")


def test_reports_tell_what_the_server_told(server, client):
    server.reports = {
        "a": [running("render", 0.25)],
        "b": [running()],
        "c": [succeeded()],
        "d": [failed()],
        "e": [canceled()],
    }
    assert client.report("a") == Report(task_id="a", status="RUNNING", stage="render", done=0.25)
    assert client.report("b") == Report(task_id="b", status="RUNNING")
    assert client.report("c") == Report(
        task_id="c", status="SUCCEEDED", video_url=LINK, video_s=2.79
    )
    assert client.report("d") == Report(
        task_id="d", status="FAILED", code="InvalidImage.NoHumanFace", message="That is why."
    )
    assert client.report("e").status == "CANCELED"
    assert client.report("f").status == "UNKNOWN"


@pytest.mark.parametrize("body", [{}, {"output": []}, {"output": {"task_status": 5}}])
def test_a_report_without_its_state_is_the_servers_failure(server, client, body):
    server.faults = [done(body)]
    with pytest.raises(ServerFailed, match="an answer without"):
        client.report("a")


def test_ids_cannot_lead_elsewhere(server, client):
    client.report("../uploads?x=1")
    assert server.requests[0].url.raw_path.startswith(b"/api/v1/tasks/..%2Fuploads%3Fx%3D1?")


def test_cancel_says_when_it_is_to_be_forced(server, client):
    server.reports = {"a": [running()]}
    client.cancel("a")
    client.cancel("a", force=True)
    assert server.canceled == ["a", "a force=true"]
    with pytest.raises(RequestRefused, match="UnsupportedOperation"):
        client.cancel("b")


def test_a_video_appears_whole(client, tmp_path):
    target = tmp_path / "v.mp4"
    target.write_bytes(b"an older one")
    assert client.download(LINK, target) == len(VIDEO)
    assert target.read_bytes() == VIDEO
    assert list(tmp_path.iterdir()) == [target]


def test_a_video_that_breaks_off_leaves_what_was_there(server, client, tmp_path):
    target = tmp_path / "v.mp4"
    target.write_bytes(b"an older one")

    def half():
        yield VIDEO[:50]
        raise httpx.ReadError("reset")

    server.faults = [httpx.Response(200, content=half()) for _ in range(5)]
    with pytest.raises(ServerFailed, match=r"lost files\.example"):
        client.download(LINK, target)
    assert target.read_bytes() == b"an older one"
    assert list(tmp_path.iterdir()) == [target]


def test_a_download_is_begun_again(server, client, tmp_path):
    server.faults = [refusal(503, "Busy", "later"), httpx.ReadError("reset")]
    client.download(LINK, tmp_path / "v.mp4")
    assert (tmp_path / "v.mp4").read_bytes() == VIDEO


def test_a_link_that_has_expired_is_refused(server, client, tmp_path):
    server.faults = [refusal(403, "AccessDenied", "Access denied.")]
    with pytest.raises(RequestRefused, match="AccessDenied"):
        client.download(LINK, tmp_path / "v.mp4")
    assert list(tmp_path.iterdir()) == []


def test_our_key_is_not_shown_to_where_the_video_lies(server, client, tmp_path):
    client.download(LINK, tmp_path / "v.mp4")
    assert "authorization" not in server.requests[-1].headers


def test_a_place_for_the_video_is_looked_for_before_waiting(tmp_path):
    require_writable(tmp_path / "v.mp4")
    with pytest.raises(OutputNotWritable, match="folder"):
        require_writable(tmp_path)
    with pytest.raises(OutputNotWritable, match="does not exist"):
        require_writable(tmp_path / "none" / "v.mp4")
