"""The parsers of a configuration as functions of bytes, as `tests/fuzz/targets.py` has the others."""

from __future__ import annotations

import math

from autoscaler.core.envelope import DIALS
from autoscaler.plugins.assemble import checked
from autoscaler.plugins.registry import Registry
from autoscaler.settings.document import read_yaml
from autoscaler.settings.load import examine
from autoscaler.settings.problem import ConfigError
from autoscaler.settings.tree import Tree
from autoscaler.settings.units import DURATION_RULE, Given
from autoscaler.settings.units import seconds as configured_seconds
from policies import _duration

# Found once: looking for installed plug-ins at every input takes longer than all the rest.
REGISTRY = Registry()
ENVIRON = {"AUTOSCALER_PLATFORM__AUTH__TOKEN": "a-token-from-the-environment"}


def yaml(data: bytes) -> None:
    """The reader of YAML never raises; reading again with marks gives the same."""
    text = data.decode("utf-8", "replace")
    plain, marked = read_yaml(text), read_yaml(text, marks=True)
    assert repr(plain.data) == repr(marked.data)
    assert plain.flaws == marked.flaws


def configuration(data: bytes) -> None:
    """A file becomes settings or a list of problems that can be told."""
    tree = Tree("fuzz.yaml", data.decode("utf-8", "replace"), {})
    if tree.broken:
        assert tree.problems
        return
    settings, faults = examine(tree)
    told = [*tree.problems, *map(tree.problem, faults)]
    assert settings is not None or told, "refused without a word"
    for problem in told:
        assert problem.rule
        str(problem).encode()


def assembly(data: bytes) -> None:
    """A configuration with its policies, guards, signals and sources: a roster, or problems."""
    tree = Tree("fuzz.yaml", data.decode("utf-8", "replace"), ENVIRON)
    if tree.broken:
        return
    try:
        settings, groups = checked(tree, REGISTRY)
    except ConfigError as error:
        assert _told(error)  # noqa: PT017 - the documented refusal, with words
        return
    assert [group.name for group in groups] == list(settings.groups)
    for member in (member for group in groups for member in group.members):
        for limit in (member.limits[dial] for dial in DIALS):
            assert limit.high is None or 0 <= limit.low <= limit.high
        assert all(callable(entry.policy.propose) for entry in member.policies)


def _told(error: ConfigError) -> bool:
    return bool(error.problems) and all(each.rule and str(each) for each in error.problems)


def duration(data: bytes) -> None:
    """Seconds are finite and in range, in the configuration and in expressions."""
    text = data.decode("utf-8", "replace")
    for given in (text, Given(text)):
        try:
            assert abs(configured_seconds(given)) <= 1e15 * 86_400  # 15 digits of days
        except ValueError as error:
            assert str(error) == DURATION_RULE  # noqa: PT017 - the documented refusal
    try:
        found = _duration.seconds(text)
    except ValueError as error:
        assert _duration.RULE in str(error)  # noqa: PT017 - the documented refusal
    else:
        assert math.isfinite(found)
        assert found >= 0
