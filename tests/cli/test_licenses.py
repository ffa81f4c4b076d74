"""portravox licenses: in words, as JSON, as CycloneDX."""

from __future__ import annotations

import json


def test_packages_and_models_are_listed_with_licences_and_what_they_carry(run):
    told = run("licenses")
    assert told.status == 0
    assert "numba 0." in told.out and "BSD-2-Clause" in told.out
    assert "carries FFmpeg" in told.out
    assert "face_landmark_with_attention.tflite" in told.out


def test_another_version_than_the_locked_one_is_told(run, monkeypatch):
    monkeypatch.setattr("portravox.components.version", lambda name: "0.0.1")
    assert "(installed: 0.0.1)" in run("licenses").out


def test_scanners_get_cyclonedx_and_programs_json(run):
    bill = json.loads(run("licenses", "--sbom").out)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    entries = {each["name"]: each for each in run("licenses", "--json").json["components"]}
    assert entries["av"]["carries"].startswith("FFmpeg")
    assert entries["av"]["installed_version"] == entries["av"]["version"]
