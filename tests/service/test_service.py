from __future__ import annotations

from pathlib import Path

from portravox.service.keys import ApiKeys
from portravox.service.limits import Limits
from portravox.service.service import SHARE, limits_in_queue
from portravox.service.settings import ServiceSettings


def test_a_key_alone_has_the_whole_queue_and_several_have_shares_of_it(tmp_path: Path) -> None:
    settings = ServiceSettings(data_dir=tmp_path)
    keys = ApiKeys(settings.keys_file)
    first, _ = keys.create("a", limits=Limits(max_pending=7))
    assert limits_in_queue(keys, settings, first.key_id).share == 1.0
    second, _ = keys.create("b")
    for key in (first, second):
        assert limits_in_queue(keys, settings, key.key_id).share == SHARE
    assert limits_in_queue(keys, settings, first.key_id).max_pending == 7
    keys.revoke(second.key_id)
    assert limits_in_queue(keys, settings, first.key_id).share == 1.0


def test_without_keys_nobody_looks_for_their_file(tmp_path: Path) -> None:
    settings = ServiceSettings(data_dir=tmp_path, no_keys=True, max_queued_per_key=3)
    settings.keys_file.write_text("{")  # damaged, and of no account
    limits = limits_in_queue(ApiKeys(settings.keys_file), settings, "0")
    assert (limits.max_pending, limits.share) == (3, 1.0)
