"""The manifests keep to the "restricted" profile of Kubernetes, and fit the image and the daemon."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from autoscaler.core.observation import Mode
from autoscaler.plugins import check
from tests.container.restricted import breaches

ROOT = Path(__file__).parents[2]
DOCUMENTS = list(
    yaml.safe_load_all((ROOT / "config" / "kubernetes" / "autoscaler.yaml").read_text("utf-8"))
)
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
BY_KIND: dict[str, dict[str, Any]] = {each["kind"]: each for each in DOCUMENTS}
POD: dict[str, Any] = BY_KIND["StatefulSet"]["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]
SETTINGS = yaml.safe_load(BY_KIND["ConfigMap"]["data"]["config.yaml"])
SECRETS = "/run/secrets/autoscaler"


def test_the_pod_breaks_no_rule_of_the_restricted_profile() -> None:
    assert breaches(POD) == []
    labels = BY_KIND["Namespace"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


Edit = Callable[[dict[str, Any], dict[str, Any]], object]
EDITS: dict[str, Edit] = {
    "hostNetwork": lambda pod, _: pod.update(hostNetwork=True),
    "hostPID": lambda pod, _: pod.update(hostPID=True),
    "hostIPC": lambda pod, _: pod.update(hostIPC=True),
    "automountServiceAccountToken": lambda pod, _: pod.pop("automountServiceAccountToken"),
    "volumes.data": lambda pod, _: pod["volumes"].append({"name": "data", "hostPath": {}}),
    "runAsNonRoot": lambda pod, _: pod["securityContext"].pop("runAsNonRoot"),
    "runAsUser": lambda pod, _: pod["securityContext"].update(runAsUser=0),
    "seccompProfile": lambda pod, _: pod["securityContext"].pop("seccompProfile"),
    "sysctls": lambda pod, _: pod["securityContext"].update(sysctls=[{"name": "kernel.msgmax"}]),
    "seLinuxOptions": lambda pod, _: pod["securityContext"].update(seLinuxOptions={"role": "r"}),
    "appArmorProfile": lambda pod, _: pod["securityContext"].update(
        appArmorProfile={"type": "Unconfined"}
    ),
    "windowsOptions": lambda pod, _: pod["securityContext"].update(
        windowsOptions={"hostProcess": True}
    ),
    "allowPrivilegeEscalation": lambda _, own: own.pop("allowPrivilegeEscalation"),
    "readOnlyRootFilesystem": lambda _, own: own.update(readOnlyRootFilesystem=False),
    "privileged": lambda _, own: own.update(privileged=True),
    "procMount": lambda _, own: own.update(procMount="Unmasked"),
    "capabilities.drop": lambda _, own: own["capabilities"].update(drop=["NET_RAW"]),
    "capabilities.add": lambda _, own: own["capabilities"].update(add=["NET_ADMIN"]),
    "hostPort": lambda pod, _: pod["containers"][0]["ports"][0].update(hostPort=9464),
    "resources.limits": lambda pod, _: pod["containers"][0]["resources"]["limits"].pop("memory"),
    "livenessProbe": lambda pod, _: pod["containers"][0].pop("livenessProbe"),
    "readinessProbe": lambda pod, _: pod["containers"][0]["readinessProbe"]["httpGet"].update(
        host="elsewhere"
    ),
}


@pytest.mark.parametrize("rule", EDITS)
def test_each_rule_notices_a_pod_that_breaks_it(rule: str) -> None:
    pod = deepcopy(POD)
    EDITS[rule](pod, pod["containers"][0]["securityContext"])
    assert breaches(pod) == [rule]


def test_there_is_one_daemon_and_the_old_one_ends_before_the_new_one_starts() -> None:
    spec = BY_KIND["StatefulSet"]["spec"]
    assert spec["replicas"] == 1
    assert spec["serviceName"] == BY_KIND["Service"]["metadata"]["name"]
    labels = spec["template"]["metadata"]["labels"]
    assert spec["selector"]["matchLabels"] == labels == BY_KIND["Service"]["spec"]["selector"]
    (claim,) = spec["volumeClaimTemplates"]
    assert claim["spec"]["accessModes"] == ["ReadWriteOncePod"]


def test_the_pod_fits_the_image() -> None:
    (user,) = re.findall(r"^USER (\d+):\1$", DOCKERFILE, re.MULTILINE)
    own = POD["securityContext"]
    assert {own["runAsUser"], own["runAsGroup"], own["fsGroup"]} == {int(user)}
    (volume,) = re.findall(r"^VOLUME (\S+)$", DOCKERFILE, re.MULTILINE)
    places = {each["name"]: each["mountPath"] for each in CONTAINER["volumeMounts"]}
    assert places["data"] == volume
    assert SETTINGS["journal"]["url"].startswith(f"sqlite:///{volume}/")
    assert f'CMD ["run", "--config", "{CONTAINER["args"][-1]}"]' in DOCKERFILE
    assert CONTAINER["args"][-1] == f"{places['config']}/config.yaml"
    assert not re.search(r":latest$|^[^:]+$", CONTAINER["image"])


def test_only_the_data_and_the_scratch_can_be_written_to() -> None:
    kinds = {each["name"]: each for each in POD["volumes"]}
    for mount in CONTAINER["volumeMounts"]:
        fixed = {"configMap", "secret"} & kinds.get(mount["name"], {}).keys()
        assert bool(fixed) == mount.get("readOnly", False)
    assert kinds["secrets"]["secret"]["defaultMode"] & 0o007 == 0
    assert kinds["scratch"]["emptyDir"]["sizeLimit"]


def test_the_configuration_in_the_manifest_is_valid_and_changes_nothing_yet(
    tmp_path: Path,
) -> None:
    secret = tmp_path / "client_secret"
    secret.write_text("a-secret", encoding="utf-8")
    secret.chmod(0o440)
    file = tmp_path / "config.yaml"
    text = BY_KIND["ConfigMap"]["data"]["config.yaml"]
    assert f"{SECRETS}/{secret.name}" in text
    file.write_text(text.replace(SECRETS, str(tmp_path)), encoding="utf-8")
    settings, groups = check(file, {})
    assert {member.mode for group in groups for member in group.members} == {Mode.RECOMMEND}
    assert settings.web.host == "0.0.0.0"  # noqa: S104 - the probes and Prometheus come from outside
    (port,) = (port["containerPort"] for port in CONTAINER["ports"])
    assert settings.web.port == port == BY_KIND["Service"]["spec"]["ports"][0]["port"]
    assert f"EXPOSE {port}" in DOCKERFILE
    service = BY_KIND["Service"]["metadata"]
    assert f"{service['name']}.{service['namespace']}.svc" in settings.web.allowed_hosts
    ends_in_s = POD["terminationGracePeriodSeconds"]
    assert ends_in_s > settings.platform.timeouts.write + 1
