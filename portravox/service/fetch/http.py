"""One request and the head of its answer, over a connection to a checked address.

Flow      fetch.download, webhooks.post -> fetch.http -> fetch.connection
Reads     a FetchUrl, the bytes of a request
Gives     http.client's answer; its body still waits on the line
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse
from typing import cast

from portravox.service.errors import InputDownloadFailed
from portravox.service.fetch.addresses import AddressPolicy
from portravox.service.fetch.connection import BoundedReader, Deadline, Network, connect
from portravox.service.fetch.urls import FetchUrl


@contextlib.contextmanager
def answer_to(
    url: FetchUrl,
    request: bytes,
    *,
    policy: AddressPolicy,
    network: Network,
    deadline: Deadline,
    max_bytes: int,
) -> Iterator[HTTPResponse]:
    """Send a request and read the headers of its answer. Redirects are answers like others.

    request    whole: its line, headers and body
    max_bytes  on the line, headers and framing included

    Raises InputDownloadFailed.
    """
    with contextlib.ExitStack() as stack:
        with as_refusal():
            connection = stack.enter_context(connect(url, policy, network, deadline))
            connection.settimeout(deadline.at_most(network.waits.idle_s))
            connection.sendall(request)
            reader = BoundedReader(
                connection,
                waits=network.waits,
                deadline=deadline,
                max_bytes=max_bytes,
            )
            # All that HTTPResponse does with a socket is `makefile`.
            answer = HTTPResponse(cast(socket.socket, reader))
            stack.callback(answer.close)
            answer.begin()
        yield answer


@contextlib.contextmanager
def as_refusal() -> Iterator[None]:
    """Turn what sockets, TLS and http.client raise into our error, the cause into its reason."""
    try:
        yield
    except (OSError, HTTPException, ValueError) as error:
        # ValueError: http.client on the size of a chunk that is no number.
        raise InputDownloadFailed(f"{error!r:.200}") from error
