"""Every promise of the contract has somebody who breaks it, and is caught."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings

from autoscaler.core.envelope import Dial
from autoscaler.core.observation import Absence, Missing, Observation
from autoscaler.core.options import check_options, meta
from autoscaler.core.proposal import Answer, Bid, Proposal, missing
from autoscaler.core.reason import Code, because
from autoscaler.testing import PolicyContract, built


@pytest.fixture(autouse=True)
def found_is_enough() -> Iterator[None]:
    """Shrinking would make a fault easier to read, and nobody reads these."""
    before = settings.default
    settings.register_profile("found is enough", before, phases=[Phase.explicit, Phase.generate])
    settings.load_profile("found is enough")
    yield
    settings.register_profile("as before", before)
    settings.load_profile("as before")


REASON = because(Code.LOAD_ABOVE_TARGET, "a test wants it")


@dataclass(frozen=True)
class Honest:
    """Keeps every promise."""

    signal: str = field(default="jobs", metadata=meta("jobs"))
    share: float = field(default=0.5, metadata=meta("a share", gt=0, le=1))

    def __post_init__(self) -> None:
        check_options(self)

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.signal,)

    @property
    def rises_with(self) -> tuple[str, ...]:
        return (self.signal,)

    def propose(self, seen: Observation) -> Answer:
        series = seen.signal(self.signal)
        if isinstance(series, Missing):
            return missing(self.signal, series)
        return wants(min(1000, max(0, math.ceil(min(series.last, 1e6) * self.share))))


def wants(floor: int) -> Answer:
    return Proposal({Dial.MIN_REPLICAS: Bid(want=floor)}, REASON)


class Raises(Honest):
    def propose(self, seen: Observation) -> Answer:
        if not seen.health.is_ready:
            raise RuntimeError("not thought of")
        return super().propose(seen)


class AnswersHalves(Honest):
    def propose(self, seen: Observation) -> Answer:
        return Proposal({Dial.MIN_REPLICAS: Bid(want=2.5)}, REASON)  # type: ignore[arg-type]  # wrong on purpose


class Remembers(Honest):
    calls: list[float] = []  # noqa: RUF012 - the mistake that is to be caught

    def propose(self, seen: Observation) -> Answer:
        self.calls.append(seen.at)
        return wants(len(self.calls) % 7)


class Scribbles(Honest):
    def propose(self, seen: Observation) -> Answer:
        signals: Any = seen.signals
        signals["scribble"] = Missing(Absence.EMPTY)
        return super().propose(seen)


class TakesMissingForZero(Honest):
    def propose(self, seen: Observation) -> Answer:
        answer = super().propose(seen)
        return answer if isinstance(answer, Proposal) else wants(0)


class Peeks(Honest):
    def propose(self, seen: Observation) -> Answer:
        others = sorted(name for name in seen.signals if name not in self.needs)
        return wants(9) if others else super().propose(seen)


class Falls(Honest):
    def propose(self, seen: Observation) -> Answer:
        series = seen.signal(self.signal)
        if isinstance(series, Missing):
            return missing(self.signal, series)
        return wants(100 - math.ceil(max(0, min(series.last, 100))))


class Mumbles(Honest):
    def propose(self, seen: Observation) -> Answer:
        return Proposal({}, because(Code.LOAD_ABOVE_TARGET, "{jobs} jobs in {window}", jobs=3))


class Toils(Honest):
    def propose(self, seen: Observation) -> Answer:
        series = seen.signal(self.signal)
        if isinstance(series, Missing):
            return missing(self.signal, series)
        return wants(sum(max(a, b) > 1e9 for a in series.values for b in series.values))


@dataclass(frozen=True)
class Lax(Honest):
    """Forgets to check its options."""

    def __post_init__(self) -> None:
        return


@dataclass(frozen=True)
class Anonymous(Honest):
    """Refuses without a word about which option it is."""

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError("out of range")


@dataclass(frozen=True)
class Fragile(Honest):
    """Stumbles over its own check."""

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise TypeError("out of range")


@dataclass(frozen=True)
class Terse(Honest):
    """Has an option that nobody can look up."""

    margin: float = 0.0


@dataclass(frozen=True)
class Unsayable(Honest):
    """Has an option that no configuration can say."""

    table: Any = field(default=frozenset({("a", 1)}), metadata=meta("pairs"))


BREAKERS = {
    Raises: "test_it_has_a_valid_answer_to_every_observation",
    AnswersHalves: "test_it_has_a_valid_answer_to_every_observation",
    Remembers: "test_the_same_observation_always_gets_the_same_answer",
    Scribbles: "test_it_leaves_the_observation_and_itself_as_they_were",
    TakesMissingForZero: "test_it_abstains_when_no_signal_has_data",
    Peeks: "test_it_reads_no_signal_that_it_does_not_name",
    Falls: "test_more_of_a_signal_that_it_rises_with_never_means_less",
    Mumbles: "test_its_reasons_are_whole_sentences",
    Toils: "test_its_work_is_bounded",
    Anonymous: "test_options_out_of_range_are_refused",
    Fragile: "test_options_out_of_range_are_refused",
    Lax: "test_options_out_of_range_are_refused",
    Terse: "test_every_option_is_documented",
    Unsayable: "test_its_options_survive_json",
}


PROMISES = sorted(name for name in vars(PolicyContract) if name.startswith("test_"))


def contract_of(policy: Any) -> PolicyContract:
    made: PolicyContract = type("C", (PolicyContract,), {"policy": policy, "examples": 60})()
    return made


@pytest.mark.parametrize("promise", PROMISES)
def test_an_honest_policy_passes(promise: str) -> None:
    getattr(contract_of(Honest()), promise)()


@pytest.mark.parametrize("breaker", BREAKERS, ids=lambda each: each.__name__)
def test_a_broken_promise_is_caught(breaker: type[Honest]) -> None:
    with pytest.raises((AssertionError, RuntimeError)):
        getattr(contract_of(breaker()), BREAKERS[breaker])()


def test_missing_taken_for_zero_is_caught_where_it_lowers() -> None:
    with pytest.raises(AssertionError, match="missing it lowers min_replicas to 0"):
        contract_of(TakesMissingForZero()).test_it_lowers_nothing_while_a_signal_is_missing()


def test_a_policy_is_built_as_a_configuration_would() -> None:
    assert built("target_load", window="5m") == built("target_load", window_s=300)


def test_a_wrong_option_is_told_with_its_rule() -> None:
    with pytest.raises(ValueError, match=r"policy target_load: target must be at most 1, got 7"):
        built("target_load", target=7)


def test_an_unknown_policy_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match=r"there are: .*target_load"):
        built("no_such_policy", tmp_path)
