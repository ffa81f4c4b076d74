"""One attempt to deliver a notice, to an address that a stranger wrote.

Flow      webhooks.deliver -> webhooks.post -> fetch.http

Pictures are fetched under the same rules: the name is looked up once, each address is judged, the
judged one is called, no proxy is asked. A redirect is not followed, and nothing of the
answer is read but its status.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from portravox import __version__
from portravox.service.errors import InputDownloadFailed
from portravox.service.fetch.addresses import ANYWHERE, AddressPolicy
from portravox.service.fetch.connection import Deadline, Network, Waits
from portravox.service.fetch.http import answer_to
from portravox.service.fetch.urls import FetchUrl, parse_url
from portravox.service.schemas import Account
from portravox.service.storage.signing import SigningKeys
from portravox.service.tasks.outbox import Delivery
from portravox.service.tasks.queue import Task
from portravox.service.webhooks.notice import notice_body
from portravox.service.webhooks.sign import signature_headers, webhook_secrets

WAITS = Waits(connect_s=5.0, first_byte_s=10.0, idle_s=10.0, total_s=15.0)
"""Standard Webhooks advises 15 to 30 s for an attempt."""

_HEAD_BYTES = 1 << 16
"""Of an answer's head. Our choice."""

_log = logging.getLogger("portravox.webhooks")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSender:
    """Everything an attempt needs; threads may share it."""

    signing: SigningKeys
    account: Account
    policy: AddressPolicy = field(default_factory=AddressPolicy)
    """For addresses that clients name."""

    token: str | None = field(default=None, repr=False)
    """What the operator's own receiver knows us by, as receivers of the original's events do."""

    network: Network = field(default_factory=lambda: Network(waits=WAITS))

    def post(self, delivery: Delivery, task: Task, at: float) -> int | None:
        """Try once; gives the status of the answer, or None where there was none.

        Waits while it works, 15 s at most.
        """
        webhook = delivery.webhook
        body = notice_body(
            webhook.format, task, delivery_id=delivery.delivery_id, account=self.account
        )
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            **signature_headers(
                webhook_secrets(self.signing, delivery.tenant),
                delivery_id=delivery.delivery_id,
                at=at,
                body=body,
            ),
        }
        if webhook.by_operator and self.token is not None:
            headers["x-eventbridge-signature-token"] = self.token
        host = "?"
        try:
            url = parse_url(webhook.url)
            host = url.host
            answering = answer_to(
                url,
                _request(url, headers, body.encode()),
                policy=ANYWHERE if webhook.by_operator else self.policy,
                network=self.network,
                deadline=Deadline(self.network.waits.total_s),
                max_bytes=_HEAD_BYTES,
            )
            with answering as answer:
                return answer.status
        except InputDownloadFailed as error:
            # The host alone: what follows may hold the receiver's password.
            _log.warning(
                "no answer from %s: %s", host, error.reason, extra={"task_id": task.task_id}
            )
            return None


def _request(url: FetchUrl, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = {
        "Host": url.host_header,
        "User-Agent": f"portravox/{__version__}",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Connection": "close",
        "Content-Length": str(len(body)),
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {url.target} HTTP/1.1\r\n{head}\r\n".encode("ascii") + body
