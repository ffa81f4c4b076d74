"""Connections of slow clients: cut before they add up.

Flow      uvicorn -> connections.PatientProtocol -> app
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADERS_TIME_S = 10.0
"""How long a client may take for the headers of a request, the first of a connection or a later
one. uvicorn by itself waits for ever. Our choice."""


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's own, with an end to its patience."""

    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._be_patient()

    def connection_lost(self, exc: Exception | None) -> None:
        self._have_headers()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._be_patient()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._have_headers()
        super().on_headers_complete()

    def _be_patient(self) -> None:
        self._have_headers()
        self._patience = self.loop.call_later(HEADERS_TIME_S, self._cut)

    def _have_headers(self) -> None:
        if self._patience is not None:
            self._patience.cancel()

    def _cut(self) -> None:
        self.transport.abort()
