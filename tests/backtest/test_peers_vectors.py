from __future__ import annotations

import json
from pathlib import Path

import pytest

from autoscaler.lab.backtest.aws import Predictive
from autoscaler.lab.backtest.peers import Hpa, Kpa, PlatformAlone, hpa_replicas
from autoscaler.lab.backtest.plant import Actuator
from autoscaler.lab.backtest.simulate import Sight, World, simulate

VECTORS = Path(__file__).parents[1] / "vectors"
HPA = json.loads((VECTORS / "hpa.json").read_text("utf-8"))
KNATIVE = json.loads((VECTORS / "knative.json").read_text("utf-8"))
AWS = json.loads((VECTORS / "aws.json").read_text("utf-8"))


def hpa_cases() -> list[object]:
    return [
        pytest.param(case, id=case["id"])
        for case in HPA["replica_calc"]
        if case["kind"].endswith("average")
        and "current" in case["semantics"]
        # One case saturates at the largest 32-bit number; no simulation comes near it.
        and case["expected_replicas"] < 2**31 - 1
        # One tolerance for both directions is all that the comparison uses.
        and case["tolerance_up"] == case["tolerance_down"]
    ]


@pytest.mark.parametrize("case", hpa_cases())
def test_the_simulated_hpa_answers_as_the_real_one(case: dict[str, object]) -> None:
    values = case["values"]
    assert isinstance(values, list)
    found = hpa_replicas(
        float(sum(values)),
        float(str(case["target"])),
        int(str(case["current_replicas"])),
        float(str(case["tolerance_up"])),
    )
    assert found == case["expected_replicas"]


def kpa_cases() -> list[object]:
    def plain(entry: dict[str, list[dict[str, object]]]) -> bool:
        # Scale to zero, activation scale and the delay window are options the comparison leaves
        # at their defaults.
        specs = entry["specs"]
        return (
            not entry["delay_window"]
            and len(specs) == 1
            and bool(specs[0]["reachable"])
            and specs[0]["activation_scale"] in {0, 1}
            and not any(step["metric_error"] for step in entry["steps"])
        )

    return [pytest.param(each, id=each["name"]) for each in KNATIVE["scale"] if plain(each)]


@pytest.mark.parametrize("entry", kpa_cases())
def test_the_simulated_kpa_answers_as_the_real_one(
    entry: dict[str, list[dict[str, object]]],
) -> None:
    spec, first = entry["specs"][0], entry["steps"][0]
    kpa = Kpa(
        target=float(str(spec["target"])),
        stable_s=float(str(spec["stable_window_s"])),
        panic_threshold=float(str(spec["panic_threshold"])),
        max_up=float(str(spec["max_up"])),
        max_down=float(str(spec["max_down"])),
    )
    since = first["panic_since_before"]
    kpa._panic_since = None if since is None else float(str(since))
    kpa._most_in_panic = int(str(first["max_panic_before"]))
    for step in entry["steps"]:
        expected = step["expect"]
        assert isinstance(expected, list)
        if not expected[2]:
            continue
        found = kpa.decide(
            float(str(step["t"])),
            float(str(step["stable"])),
            float(str(step["panic"])),
            int(str(step["ready"])),
        )
        assert found == expected[0]


def hpa_sight(loads: list[float]) -> Sight:
    return Sight(loads, [1] * len(loads), [1] * len(loads))


def test_the_hpa_lowers_to_the_most_it_wanted_in_five_minutes() -> None:
    hpa = Hpa(0.5)
    assert hpa.prepare([10.0], World()) == 20
    for step in range(0, 30, 2):
        assert hpa.look(step, hpa_sight([10.0 if step == 0 else 1.0])).min_replicas == 20
    assert hpa.look(30, hpa_sight([1.0])).min_replicas == 2


def test_the_hpa_raises_by_at_most_four_or_double() -> None:
    hpa = Hpa(1.0)
    hpa.prepare([2.0], World())
    assert hpa.look(0, hpa_sight([50.0])).min_replicas == 6
    assert hpa.look(2, hpa_sight([50.0])).min_replicas == 12


@pytest.mark.parametrize("case", AWS["predictive_never_scales_in"])
def test_the_predictive_floor_never_removes_what_tracking_holds(case: dict[str, int]) -> None:
    class Held:
        target, every_s = 1.0, 60.0

        def prepare(self, past: object, world: World) -> int:
            return case["actual"]

        def resized(self, step: int, sight: Sight, current: int) -> int:
            return current

    hour = [float(case["forecast"])] * 360
    scaler = Predictive(target=1.0, tracking=Held())  # type: ignore[arg-type]  # a fake that never moves
    scaler.prepare(hour * 24, World())
    sight = Sight(hour * 24, [1] * 8640, [1] * 8640)
    assert scaler.look(8640, sight).min_replicas == case["expect"]


def test_the_platform_alone_is_the_same_under_every_actuator() -> None:
    demand = [0.5] * 100 + [3.0] * 400 + [0.2] * 800
    # A simulated look comes one step after the platform's own, at each move anew.
    sizes = [
        list(simulate(demand, 0, PlatformAlone(), World(actuator=each)).paid)
        for each in (Actuator.DIRECT, Actuator.ENVELOPE_LINGER)
    ]
    late = sum(one != other for one, other in zip(*sizes, strict=True))
    assert max(sizes[0]) == max(sizes[1]) > 3
    assert late <= 0.03 * len(demand)
