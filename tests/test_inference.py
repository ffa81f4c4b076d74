"""A network is read once, answers alike from every thread, and says what is wrong with it."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from portravox.errors import ModelUnavailable
from portravox.inference import Network, open_network


class Refusing:
    """A session that takes nothing."""

    def get_outputs(self):
        return []

    def get_modelmeta(self):
        return type("Meta", (), {"custom_metadata_map": {"version": "3"}})()

    def run(self, *_):
        raise RuntimeError("wrong shape\nand a page of details")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ModelUnavailable, match=r"nobody\.onnx"):
        open_network(tmp_path / "nobody.onnx")


@pytest.mark.parametrize("content", [b"", b"not a network", bytes(range(256)) * 40])
def test_a_broken_file_is_named(tmp_path, capfd, content):
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelUnavailable, match=r"broken\.onnx"):
        open_network(path)
    assert capfd.readouterr() == ("", "")


def test_what_could_not_be_opened_is_tried_again(tmp_path):
    path = tmp_path / "late.onnx"
    for _ in range(2):
        with pytest.raises(ModelUnavailable, match="is not in"):
            open_network(path)
    path.write_bytes(b"something")
    with pytest.raises(ModelUnavailable, match="broken"):
        open_network(path)


def test_without_onnxruntime_the_error_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ModelUnavailable, match="onnxruntime does not load"):
        open_network(tmp_path / "any.onnx")


def test_a_failing_run_is_told_in_one_line():
    network = Network("some.onnx", Refusing())
    assert network.metadata["version"] == "3"
    with pytest.raises(ModelUnavailable, match=r"^the network some\.onnx failed: wrong shape$"):
        network.run(log_mel=np.zeros((1, 2), np.float32))


@pytest.fixture(scope="module")
def model_file() -> Path:
    from portravox.articulation.acoustic_model import ARTICULATION_MODEL

    if not ARTICULATION_MODEL.is_file():
        pytest.skip("the articulation model is not trained yet")
    return ARTICULATION_MODEL


def test_threads_that_ask_at_once_get_the_same_network(model_file):
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(lambda _: open_network(model_file), range(16)))
    assert all(network is opened[0] for network in opened)
    assert open_network(model_file, threads=2) is not opened[0]


def test_threads_that_run_it_at_once_get_the_same_answer(model_file):
    network = open_network(model_file)
    log_mel = np.random.default_rng(2).normal(0.0, 1.0, (1, 300, 80)).astype(np.float32)
    alone = network.run(log_mel=log_mel)
    with ThreadPoolExecutor(4) as pool:
        for answer in pool.map(lambda _: network.run(log_mel=log_mel), range(8)):
            assert all(np.array_equal(answer[name], alone[name]) for name in network.outputs)


def test_a_wrong_shape_is_our_error(model_file, capfd):
    with pytest.raises(ModelUnavailable):
        open_network(model_file).run(log_mel=np.zeros((1, 5, 3), np.float32))
    assert capfd.readouterr() == ("", "")
