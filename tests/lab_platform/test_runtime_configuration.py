"""What the platform reads from a runtime configuration, and with which error it refuses one."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Resources
from autoscaler.lab.platform.errors import ApiError
from autoscaler.lab.platform.model import Config
from autoscaler.lab.platform.scaler import Scaling
from autoscaler.lab.platform.wire import Rules, read_config, shown, written
from tests.fakes.lab_platform import EXAMPLE

BARE = {"minReplicas": 1, "maxReplicas": 2}
SOURCE = "ri.magritte..source.1"
MARKINGS = "DeploymentSourceCannotExportResourceMarkings"
RULES = Rules(max_threads=64, max_gpus=4, gpu_types=("T4",), source_problems={SOURCE: MARKINGS})


def delay(value: int, unit: str = "MINUTES") -> dict[str, Any]:
    return {"value": value, "unit": unit}


def scaling(up: float = 0.75, **more: Any) -> dict[str, Any]:
    return {
        "scaleUpLoadThreshold": up,
        "scaleUpDelay": delay(1),
        "scaleDownDelay": delay(30),
    } | more


def test_the_vendors_example_is_read_and_shown_with_the_fields_it_left_out() -> None:
    config = read_config(EXAMPLE, RULES)
    assert config == Config(Envelope(1, 3, 32), resources=Resources(1.0, 0.25))
    assert shown(EXAMPLE) == EXAMPLE | {"sources": [], "environmentVariables": {}}


def test_unknown_fields_are_kept() -> None:
    assert shown(BARE | {"futureField": {"keep": "me"}})["futureField"] == {"keep": "me"}


def test_omitted_threads_are_thirty_two() -> None:
    assert read_config(BARE, RULES).envelope.threads == 32


@pytest.mark.parametrize(
    ("given", "seconds"),
    [(delay(60, "SECONDS"), 60), (delay(500, "MILLISECONDS"), 0.5), (delay(1, "HOURS"), 3600)],
)
def test_durations_come_in_any_unit(given: dict[str, Any], seconds: float) -> None:
    raw = BARE | {
        "scalingConfiguration": scaling(scaleUpDelay=given, scaleDownDelay=delay(2, "DAYS"))
    }
    assert read_config(raw, RULES).scaling.up_delay_s == seconds


def test_a_lower_up_threshold_pulls_the_default_down_threshold_with_it() -> None:
    raw = BARE | {"scalingConfiguration": scaling(up=0.5)}
    assert read_config(raw, RULES).scaling == Scaling(0.5, 0.5)


@pytest.mark.parametrize(
    ("memory", "gib"),
    [("256MiB", 0.25), ("1GiB", 1), ("1TiB", 1024), ("1048576KiB", 1), ("1GB", 1e9 / 2**30)],
)
def test_memory_is_read_in_any_unit(memory: str, gib: float) -> None:
    assert read_config(BARE | {"memory": memory}, RULES).resources.memory_gib == pytest.approx(gib)


@pytest.mark.parametrize(
    ("extra", "name", "parameters"),
    [
        (
            {"threadCount": 100},
            "ThreadCountTooHigh",
            {"maxThreadCount": 64, "providedThreadCount": 100},
        ),
        ({"gpu": {"count": 9}}, "InvalidGpuCount", {"maxGpuCount": 4, "providedGpuCount": 9}),
        (
            {"gpu": {"count": 0, "type": "T4"}},
            "InvalidGpuCount",
            {"maxGpuCount": 4, "providedGpuCount": 0},
        ),
        (
            {"gpu": {"count": 1, "type": "H100"}},
            "GpuTypeNotAvailable",
            {"requestedGpuType": "H100", "availableGpuTypes": ["T4"]},
        ),
        (
            {"environmentVariables": {"MAX_CONCURRENT_TASKS": "1"}},
            "ReservedEnvironmentVariable",
            {"name": "MAX_CONCURRENT_TASKS"},
        ),
        ({"sources": [SOURCE]}, MARKINGS, {"sourceRid": SOURCE, "resourceRid": "ri.model"}),
    ],
)
def test_documented_refusals(extra: dict[str, Any], name: str, parameters: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as refused:
        read_config(BARE | extra, RULES, "ri.model")
    body = refused.value.body()
    assert refused.value.status == 400
    assert (body["errorCode"], body["errorName"]) == ("INVALID_ARGUMENT", name)
    assert body["parameters"] == parameters
    assert len(body["errorInstanceId"]) == 36


@pytest.mark.parametrize(
    ("extra", "field"),
    [
        ({"minReplicas": 3}, "minReplicas"),
        ({"minReplicas": -1}, "minReplicas"),
        ({"maxReplicas": "2"}, "maxReplicas"),
        ({"maxReplicas": True}, "maxReplicas"),
        ({"threadCount": 0}, "threadCount"),
        ({"cpu": 0}, "cpu"),
        ({"memory": "lots"}, "memory"),
        ({"gpu": 1}, "gpu"),
        ({"sources": "one"}, "sources"),
        ({"scalingConfiguration": 1}, "scalingConfiguration"),
        ({"scalingConfiguration": scaling(scaleUpDelay=delay(31))}, "scalingConfiguration"),
        ({"scalingConfiguration": scaling(scaleDownLoadThreshold=0.9)}, "scalingConfiguration"),
        (
            {"scalingConfiguration": scaling(scaleUpDelay=delay(1, "AGES"))},
            "scalingConfiguration.scaleUpDelay",
        ),
        (
            {"scalingConfiguration": {"scaleUpDelay": delay(1)}},
            "scalingConfiguration.scaleUpLoadThreshold",
        ),
    ],
)
def test_undocumented_refusals_name_the_field(extra: dict[str, Any], field: str) -> None:
    with pytest.raises(ApiError) as refused:
        read_config(BARE | extra, RULES)
    assert (refused.value.status, refused.value.parameters["field"]) == (400, field)


def test_a_refused_environment_does_not_echo_its_values() -> None:
    with pytest.raises(ApiError) as refused:
        read_config(BARE | {"environmentVariables": {"KEY": ["canary-secret"]}}, RULES)
    assert "canary-secret" not in str(refused.value.body())


@given(
    st.integers(0, 50),
    st.integers(0, 50),
    st.integers(1, 64),
    st.integers(0, 600),
    st.integers(0, 6000),
    st.sampled_from([Resources(), Resources(2.0, 16.0), Resources(gpus=2, gpu_type="T4")]),
)
def test_what_is_written_reads_the_same(
    floor: int, more: int, threads: int, up_s: int, down_s: int, resources: Resources
) -> None:
    bounds = Envelope(floor, floor + more, threads)
    config = Config(bounds, Scaling(0.8, 0.4, up_s, up_s + down_s), resources)
    assert read_config(written(config), RULES) == config


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from([*EXAMPLE, "gpu", "scalingConfiguration", "sources"]), inner
            )
        ),
    )
)
def test_any_json_is_read_or_refused_but_never_crashes(raw: Any) -> None:
    with suppress(ApiError):
        assert read_config(raw, RULES).envelope.threads <= RULES.max_threads
