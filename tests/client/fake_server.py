"""A server as a client sees it: enough of the protocol to be talked to, and strict about it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

import httpx

KEY = "sk-0123456789abcdef"
VIDEO = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 40
CAPTIONS = b"1\n00:00:00,000 --> 00:00:01,000\nHello.\n"

Answer = httpx.Response | Exception


@dataclass
class FakeServer:
    """Answers as the original does; `faults` come first, one for each request."""

    key: str = KEY
    host: str = "maker.example"
    faults: list[Answer] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)
    uploads: dict[str, bytes] = field(default_factory=dict)
    submitted: list[dict[str, Any]] = field(default_factory=list)
    reports: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """What each task says, question after question; the last one stays."""

    canceled: list[str] = field(default_factory=list)
    counter: Any = field(default_factory=itertools.count)

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        if self.faults:
            fault = self.faults.pop(0)
            if isinstance(fault, Exception):
                raise fault
            return fault
        path = request.url.path
        if request.url.host == "files.example":
            assert "authorization" not in request.headers, "our key is for nobody else"
            return self._form(request) if request.method == "POST" else self._video(path)
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return refusal(401, "InvalidApiKey", "Invalid API-key provided.")
        routes: dict[tuple[str, str], Callable[[httpx.Request], httpx.Response]] = {
            ("POST", "/api/v1/services/aigc/image2video/video-synthesis"): self._submit,
            ("POST", "/api/v1/services/aigc/image2video/face-detect"): self._detect,
            ("GET", "/api/v1/uploads"): self._policy,
            ("GET", "/api/v1/tasks"): self._list,
        }
        route = routes.get((request.method, path))
        if route is not None:
            return route(request)
        assert path.startswith("/api/v1/tasks/"), path
        return self._cancel(request) if path.endswith("/cancel") else self._task(request)

    def _submit(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["x-dashscope-async"] == "enable"
        body = json.loads(request.content)
        self._check_addresses(body, request)
        self.submitted.append(body)
        task_id = f"task-{len(self.submitted)}"
        return done({"output": {"task_id": task_id, "task_status": "PENDING"}})

    def _detect(self, request: httpx.Request) -> httpx.Response:
        assert "x-dashscope-async" not in request.headers
        body = json.loads(request.content)
        assert body["model"] == "liveportrait-detect"
        self._check_addresses(body, request)
        good = "good" in body["input"]["image_url"]
        message = "" if good else "No human face detected."
        return done({"output": {"pass": good, "message": message}, "usage": {"image_count": 1}})

    def _check_addresses(self, body: dict[str, Any], request: httpx.Request) -> None:
        addresses = body["input"].values()
        for address in addresses:
            if address.startswith("oss://dashscope-instant/"):
                assert address[6:] in self.uploads
        if any(address.startswith("oss://") for address in addresses):
            assert request.headers["x-dashscope-ossresourceresolve"] == "enable"

    def _policy(self, request: httpx.Request) -> httpx.Response:
        assert request.url.params["action"] == "getPolicy"
        assert request.url.params["model"].startswith("liveportrait")
        data = {
            "policy": "cG9saWN5",
            "signature": "c2ln",
            "upload_dir": f"dashscope-instant/1/{next(self.counter)}",
            "upload_host": "http://files.example/in",
            "expire_in_seconds": 300,
            "max_file_size_mb": 100,
            "capacity_limit_mb": 1000,
            "oss_access_key_id": "LTA",
            "x_oss_object_acl": "private",
            "x_oss_forbid_overwrite": "true",
        }
        return done({"data": data})

    def _form(self, request: httpx.Request) -> httpx.Response:
        head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
        parts = list(BytesParser(policy=HTTP).parsebytes(head + request.content).iter_parts())
        names = [part.get_param("name", header="content-disposition") for part in parts]
        assert names[-1] == "file"
        fields = dict(
            zip(
                names,
                (part.get_payload(decode=True).rstrip(b"\r\n") for part in parts),
                strict=True,
            )
        )
        assert fields["policy"] == b"cG9saWN5" and fields["Signature"] == b"c2ln"
        assert fields["OSSAccessKeyId"] == b"LTA" and fields["success_action_status"] == b"200"
        assert fields["x-oss-forbid-overwrite"] == b"true"
        key = fields["key"].decode()
        assert key not in self.uploads
        self.uploads[key] = fields["file"]
        return httpx.Response(200)

    def _task(self, request: httpx.Request) -> httpx.Response:
        task_id = request.url.path.rsplit("/", 1)[1]
        if task_id not in self.reports:
            return done({"output": {"task_id": task_id, "task_status": "UNKNOWN"}})
        reports = self.reports[task_id]
        body = reports.pop(0) if len(reports) > 1 else reports[0]
        return done(body)

    def _cancel(self, request: httpx.Request) -> httpx.Response:
        task_id = request.url.path.split("/")[-2]
        if task_id not in self.reports:
            return refusal(
                400,
                "UnsupportedOperation",
                "Failed to cancel the task, please confirm if the task is in PENDING status.",
            )
        self.canceled.append(f"{task_id} {request.url.params}".strip())
        return done({})

    def _list(self, request: httpx.Request) -> httpx.Response:
        size = int(request.url.params["page_size"])
        status = request.url.params.get("status", "SUCCEEDED")
        row = {"task_id": "task-9", "status": status, "gmt_create": 1745568428109}
        page = {"total": 12, "total_page": -(-12 // size), "page_no": 1, "page_size": size}
        return done({**page, "data": [row]})

    def _video(self, path: str) -> httpx.Response:
        files = {"/v.mp4": VIDEO, "/v.srt": CAPTIONS, "/v.vtt": CAPTIONS}
        return httpx.Response(200, content=files[path])


def done(body: dict[str, Any]) -> httpx.Response:
    return httpx.Response(200, json={"request_id": "r-1", **body})


def refusal(status: int, code: str, message: str, **headers: str) -> httpx.Response:
    body = {"code": code, "message": message, "request_id": "r-1"}
    return httpx.Response(status, json=body, headers=headers)


def pending(position: int | None = None) -> dict[str, Any]:
    output: dict[str, Any] = {"task_status": "PENDING"}
    return {"output": output if position is None else {**output, **ours(None, 0.0, position)}}


def running(stage: str | None = None, progress: float = 0.0) -> dict[str, Any]:
    output: dict[str, Any] = {"task_status": "RUNNING"}
    return {"output": output if stage is None else {**output, **ours(stage, progress, None)}}


def ours(stage: str | None, progress: float, position: int | None) -> dict[str, Any]:
    """What only servers of ours tell."""
    return {"stage": stage, "progress": progress, "queue_position": position}


def succeeded(captions: str | None = None) -> dict[str, Any]:
    """captions: srt or vtt, of a server of ours that knows what is said"""
    results = {"video_url": "http://files.example/v.mp4?Signature=x"}
    if captions is not None:
        results["captions_url"] = f"http://files.example/v.{captions}?Signature=y"
    return {
        "output": {"task_status": "SUCCEEDED", "results": results},
        "usage": {"video_duration": 2.79, "video_ratio": "standard"},
    }


def failed(code: str = "InvalidImage.NoHumanFace") -> dict[str, Any]:
    return {"output": {"task_status": "FAILED", "code": code, "message": "That is why."}}


def canceled() -> dict[str, Any]:
    return {"output": {"task_status": "CANCELED"}}
