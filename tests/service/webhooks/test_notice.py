"""What a notice says, and what it keeps to itself."""

from __future__ import annotations

import json

import pytest

from portravox.service.tasks.outbox import NoticeFormat
from portravox.service.tasks.states import TaskState
from portravox.service.webhooks.notice import notice_body
from tests.service.webhooks.conftest import ACCOUNT, made_task


def told(form, task):
    return json.loads(notice_body(form, task, delivery_id="d-1", account=ACCOUNT))


def test_success_in_the_standard_form(task):
    assert told(NoticeFormat.STANDARD, task) == {
        "type": "task.succeeded",
        "timestamp": "2025-12-26T03:33:22.455Z",
        "data": {
            "task_id": task.task_id,
            "task_status": "SUCCEEDED",
            "submit_time": "2025-12-26 11:33:02.455",
            "scheduled_time": "2025-12-26 11:33:12.455",
            "end_time": "2025-12-26 11:33:22.455",
            "usage": {"video_duration": 2.79, "video_ratio": "standard"},
        },
    }


def test_failure_in_the_standard_form_says_why():
    why = {"code": "InvalidImage.NoHumanFace", "message": "No human face detected."}
    notice = told(NoticeFormat.STANDARD, made_task(state=TaskState.FAILED, result=None, **why))
    assert notice["type"] == "task.failed"
    assert {name: notice["data"][name] for name in why} == why
    assert "usage" not in notice["data"]


def test_the_form_of_the_originals_event_bus(task):
    assert told(NoticeFormat.CLOUDEVENTS, task) == {
        "specversion": "1.0",
        "id": "d-1",
        "source": "acs.dashscope",
        "type": "dashscope:System:AsyncTaskFinish",
        "time": "2025-12-26T03:33:22.455Z",
        "datacontenttype": "application/json;charset=utf-8",
        "aliyunaccountid": "8",
        "aliyunoriginalaccountid": "7",
        "aliyunregionid": "cn-beijing",
        "aliyuneventbusname": "default",
        "aliyunpublishtime": "2025-12-26T03:33:22.455Z",
        "data": {
            "task_id": task.task_id,
            "task_status": "SUCCEEDED",
            "start_time": "2025-12-26 11:33:12",
            "end_time": "2025-12-26 11:33:22",
            "user_api_unique_key": "apikey:v1:aigc:image2video:video-synthesis:liveportrait",
            "contain_result": False,
            "region": "cn-beijing",
            "request_id": "r-1",
            "api_key_id": "3",
        },
    }


@pytest.mark.parametrize("form", NoticeFormat)
def test_a_task_that_never_began_has_no_beginning(form):
    canceled = made_task(state=TaskState.CANCELED, scheduled_at=None, result=None)
    data = told(form, canceled)["data"]
    assert data["task_status"] == "CANCELED"
    assert "start_time" not in data
    assert "scheduled_time" not in data


@pytest.mark.parametrize("form", NoticeFormat)
def test_a_notice_leads_to_no_file(form, task):
    body = notice_body(form, task, delivery_id="d-1", account=ACCOUNT)
    assert "secret-name" not in body
    assert "http" not in body
