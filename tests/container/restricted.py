"""The "restricted" Pod Security Standard of Kubernetes 1.34 as a function, and two rules of ours.

https://kubernetes.io/docs/concepts/security/pod-security-standards/ lists the rules by field; the
names here are the fields. Baseline, which restricted contains, is included.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Spec = Mapping[str, Any]

ALLOWED_VOLUMES = frozenset(
    ("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim")
) | {"projected", "secret"}
_PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
_SECCOMP = ("RuntimeDefault", "Localhost")
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")


def breaches(pod: Spec) -> list[str]:
    """The fields of a pod's spec that break the profile, or one of our own two rules."""
    own = pod.get("securityContext", {})
    found = [name for name in ("hostNetwork", "hostPID", "hostIPC") if pod.get(name)]
    found += list(_volumes(pod))
    found += list(_context(own))
    found += (
        [] if pod.get("automountServiceAccountToken") is False else ["automountServiceAccountToken"]
    )
    for kind in _CONTAINERS:
        for container in pod.get(kind, ()):
            found += _container(container, own)
    return found


def _volumes(pod: Spec) -> Iterator[str]:
    for volume in pod.get("volumes", ()):
        kinds = volume.keys() - {"name"}
        if not kinds or not kinds <= ALLOWED_VOLUMES:
            yield f"volumes.{volume['name']}"


def _context(context: Spec) -> Iterator[str]:
    """What must not be there, in the context of a pod or of a container."""
    if context.get("seLinuxOptions", {}).keys() & {"user", "role"}:
        yield "seLinuxOptions"
    if context.get("appArmorProfile", {}).get("type", "RuntimeDefault") not in _SECCOMP:
        yield "appArmorProfile"
    if context.get("windowsOptions", {}).get("hostProcess"):
        yield "windowsOptions"
    if context.get("procMount", "Default") != "Default":
        yield "procMount"
    if context.get("sysctls"):
        yield "sysctls"
    if context.get("privileged"):
        yield "privileged"
    if context.get("runAsUser") == 0:
        yield "runAsUser"


def _container(container: Spec, pod: Spec) -> Iterator[str]:
    context = container.get("securityContext", {})
    yield from _context(context)
    both = {**pod, **context}
    if both.get("runAsNonRoot") is not True:
        yield "runAsNonRoot"
    if both.get("seccompProfile", {}).get("type") not in _SECCOMP:
        yield "seccompProfile"
    if context.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation"
    yield from _capabilities(context.get("capabilities", {}))
    if any(port.get("hostPort") for port in container.get("ports", ())):
        yield "hostPort"
    yield from _ours(container, context)


def _capabilities(said: Spec) -> Iterator[str]:
    if "ALL" not in said.get("drop", ()):
        yield "capabilities.drop"
    if set(said.get("add", ())) - {"NET_BIND_SERVICE"}:
        yield "capabilities.add"


def _ours(container: Spec, context: Spec) -> Iterator[str]:
    """Beyond the standard: a tree that cannot be written to, limits, probes of the pod itself."""
    if context.get("readOnlyRootFilesystem") is not True:
        yield "readOnlyRootFilesystem"
    if not {"cpu", "memory"} <= container.get("resources", {}).get("limits", {}).keys():
        yield "resources.limits"
    for name in _PROBES:
        asked = container.get(name, {}).get("httpGet", {})
        if not asked or "host" in asked:
            yield name
