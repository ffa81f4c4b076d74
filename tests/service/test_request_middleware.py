"""Ids of requests: UUIDs as RFC 9562 has them, each its own."""

from __future__ import annotations

import uuid

from portravox.service.request_middleware import _new_id


def test_ids_are_random_uuids_of_version_4() -> None:
    ids = {_new_id() for _ in range(2000)}
    assert len(ids) == 2000
    for name in ids:
        parsed = uuid.UUID(name)
        assert (parsed.version, parsed.variant) == (4, uuid.RFC_4122)
        assert str(parsed) == name
