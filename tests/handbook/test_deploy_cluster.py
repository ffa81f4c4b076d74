"""What stands in deploy/ for many machines fits together, and fits what Portravox takes."""

from __future__ import annotations

import copy
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from portravox.service.routes import health
from portravox.service.settings import ServiceSettings
from tests.handbook.examples import take

DEPLOY = Path(__file__).parents[2] / "deploy"
SCHEMAS = os.environ.get("PORTRAVOX_KUBERNETES_SCHEMAS", "")
"""Folder of the package kubernetes-validate, which has Kubernetes' own schemas: 100 MB."""

KUBERNETES = sorted((DEPLOY / "kubernetes").glob("*.yaml"))


def objects() -> list[dict[str, Any]]:
    found = []
    for file in KUBERNETES:
        for document in yaml.safe_load_all(file.read_text()):
            found += document["items"] if document["kind"] == "List" else [document]
    return found


def with_schemas() -> list[dict[str, Any]]:
    """Those that Kubernetes itself knows: a ScaledObject is KEDA's."""
    return [each for each in objects() if "." not in each["apiVersion"].removesuffix(".k8s.io/v1")]


def containers() -> list[dict[str, Any]]:
    return [
        container
        for each in objects()
        if each["kind"] == "Deployment"
        for container in each["spec"]["template"]["spec"]["containers"]
    ]


def test_every_object_says_what_it_is():
    names = set()
    for each in objects():
        assert {"apiVersion", "kind", "metadata", "spec"} <= set(each)
        assert re.fullmatch("[a-z0-9-]{1,63}", each["metadata"]["name"])
        names.add((each["kind"], each["metadata"]["name"]))
    assert len(names) == len(objects())


@pytest.mark.skipif(not SCHEMAS, reason="runs in `make manifests`")
@pytest.mark.parametrize("version", ["1.27", "1.32", "1.37"])
def test_objects_are_valid_by_the_schemas_of_kubernetes(version: str):
    """Strictly: a property that the schema does not name is a mistake, too."""
    sys.path.append(SCHEMAS)
    try:
        import kubernetes_validate
    finally:
        sys.path.remove(SCHEMAS)
    kinds = set()
    for each in with_schemas():
        kubernetes_validate.validate(each, version, strict=True)
        kinds.add(each["kind"])
    assert kinds >= {"Deployment", "Service", "PodDisruptionBudget", "PersistentVolumeClaim"}
    broken = copy.deepcopy(next(each for each in with_schemas() if each["kind"] == "Deployment"))
    broken["spec"]["replica"] = 3
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, version, strict=True)


def test_selectors_find_the_pods_they_mean():
    labels = [
        each["spec"]["template"]["metadata"]["labels"]
        for each in objects()
        if each["kind"] == "Deployment"
    ]
    for each in objects():
        selector = each["spec"].get("selector")
        if selector is None:
            continue
        wanted = selector.get("matchLabels", selector)
        assert sum(wanted.items() <= pod.items() for pod in labels) == 1, each["metadata"]


def test_probes_ask_for_paths_that_are_served():
    served = {route.path for route in health.ROUTES}
    asked = [
        container[probe]["httpGet"]["path"]
        for container in containers()
        for probe in ("startupProbe", "livenessProbe", "readinessProbe")
        if probe in container
    ]
    assert len(asked) == 3 and set(asked) <= served


def test_commands_and_settings_are_those_that_there_are():
    compose = yaml.safe_load((DEPLOY / "compose.distributed.yaml").read_text())
    ours = [compose["services"][role] for role in ("api", "worker")]
    environments = [service["environment"] for service in ours]
    environments += [{pair["name"]: pair["value"] for pair in each["env"]} for each in containers()]
    known = {f"PORTRAVOX_{name.upper()}" for name in ServiceSettings.model_fields}
    for environment in environments:
        assert set(environment) <= known | {"PORTRAVOX_SECRETS_DIR"}
    for arguments in [each["command"] for each in ours] + [each["args"] for each in containers()]:
        take(["portravox", *arguments])


def test_secrets_are_called_as_settings_are():
    compose = yaml.safe_load((DEPLOY / "compose.distributed.yaml").read_text())
    for role in ("api", "worker"):
        for name in compose["services"][role]["secrets"]:
            assert name.removeprefix("portravox_") in ServiceSettings.model_fields
            assert name in compose["secrets"]


def test_mounts_name_volumes():
    for each in objects():
        if each["kind"] != "Deployment":
            continue
        pod = each["spec"]["template"]["spec"]
        volumes = {volume["name"] for volume in pod["volumes"]}
        for container in pod["containers"]:
            assert {mount["name"] for mount in container["volumeMounts"]} == volumes


def test_pods_are_given_longer_to_end_than_a_worker_drains():
    drain_s = ServiceSettings.model_fields["drain_s"].default
    for each in objects():
        if each["metadata"]["name"] == "portravox-worker" and each["kind"] == "Deployment":
            assert each["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > drain_s
