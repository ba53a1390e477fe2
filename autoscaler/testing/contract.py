"""What every policy promises, as a class of tests to inherit from.

Each promise keeps something else possible: replay and backtests need determinism, restarts need
policies without memory, "missing is not zero" keeps an outage of a metric from scaling in, and a
bounded amount of work keeps ten thousand deployments inside one tick.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any, ClassVar

from hypothesis import HealthCheck, given, note, reject, settings
from hypothesis import strategies as st

from autoscaler.codec import decode, decode_observation, encode, encode_observation
from autoscaler.core.envelope import DIALS, Dial
from autoscaler.core.merge import SILENCE, settle
from autoscaler.core.observation import Observation, Series
from autoscaler.core.proposal import Abstain, Answer, Policy, Proposal, fault_of
from autoscaler.core.words import filled
from autoscaler.lab.docs.options import plain
from autoscaler.plugins.options import build_options, option_fields
from autoscaler.testing.bounds import accepts, options_inside, outside
from autoscaler.testing.build import again
from autoscaler.testing.strategies import STRANGER, missing, observations, series
from autoscaler.testing.work import busy_observation, calls_of

LONGEST_SENTENCE = 2000  # a number of 300 digits is long, and no reason to hide it
Check = Callable[..., None]


class PolicyContract:
    """Inherit, name the `policy`, and pytest runs the contract on it.

    `rises_with` names signals of which more must never lead to less of any dial; left out, the
    policy's own attribute of that name counts. `speaks_blind` is for a policy with an answer of
    its own to missing signals; `lowers_blind` for one whose user said what to take instead, so
    that it may even lower without them. `examples` observations are tried per promise. One
    answer may make `most_calls` function calls when every signal that it needs has `samples`
    samples.
    """

    policy: ClassVar[Policy]
    rises_with: ClassVar[tuple[str, ...] | None] = None
    speaks_blind: ClassVar[bool] = False
    lowers_blind: ClassVar[bool] = False
    examples: ClassVar[int] = 100
    samples: ClassVar[int] = 240
    most_calls: ClassVar[int] = 20_000

    def test_it_has_a_valid_answer_to_every_observation(self) -> None:
        """Nothing that can be seen makes it raise, or answer what cannot be acted upon."""

        def check(seen: Observation) -> None:
            fault = fault_of(self.policy.propose(seen))
            _demand(not fault, f"the answer is not valid: {fault}")

        self._for_all(check, observations(self.policy.needs))

    def test_the_same_observation_always_gets_the_same_answer(self) -> None:
        """It keeps no memory: not of other observations, not in itself, not of an order."""

        def check(seen: Observation, other: Observation) -> None:
            first = self.policy.propose(seen)
            self.policy.propose(other)
            _demand(
                self.policy.propose(seen) == first,
                "the answer changed after another observation: it keeps a memory",
            )
            copied = decode_observation(encode_observation(seen))
            _demand(
                again(self.policy).propose(copied) == first,
                "an equal policy gave another answer to an equal observation",
            )

        some = observations(self.policy.needs)
        self._for_all(check, some, some)

    def test_it_leaves_the_observation_and_itself_as_they_were(self) -> None:
        """Other policies and guards read the same observation after it."""

        def check(seen: Observation) -> None:
            shown, options = encode_observation(seen), plain(self.policy)
            self.policy.propose(seen)
            _demand(encode_observation(seen) == shown, "it changed the observation")
            _demand(plain(self.policy) == options, "it changed its own options")

        self._for_all(check, observations(self.policy.needs))

    def test_it_abstains_when_no_signal_has_data(self) -> None:
        """Missing is not zero: without any of its signals a policy has nothing to say."""
        needs = self.policy.needs

        def check(seen: Observation) -> None:
            answer = self.policy.propose(seen)
            _demand(isinstance(answer, Abstain), f"without data it must abstain, it said {answer}")

        if needs and not self.speaks_blind:
            self._for_all(check, observations(needs, absent=needs))

    def test_it_lowers_nothing_while_a_signal_is_missing(self) -> None:
        """Lowering needs all the data; raising does not."""
        needs = self.policy.needs

        def check(seen: Observation, name: str, gone: Any) -> None:
            blind = dataclasses.replace(seen, signals={**seen.signals, name: gone})
            answer = self.policy.propose(blind)
            for dial in DIALS:
                wanted = _wanted(answer, dial, blind)
                _demand(
                    wanted >= blind.envelope[dial],
                    f"with {name} missing it lowers {dial.value} to {wanted}",
                )

        if needs and not self.lowers_blind:
            self._for_all(check, observations(needs), st.sampled_from(needs), missing)

    def test_it_reads_no_signal_that_it_does_not_name(self) -> None:
        """Start-up refuses a signal without a source; that only works for those in `needs`."""

        def check(seen: Observation, more: Series) -> None:
            first = self.policy.propose(seen)
            named = {k: v for k, v in seen.signals.items() if k in self.policy.needs}
            for signals in (named, {**named, STRANGER: more}):
                told = self.policy.propose(dataclasses.replace(seen, signals=signals))
                _demand(told == first, "its answer depends on a signal that is not in `needs`")

        self._for_all(check, observations(self.policy.needs), series())

    def test_more_of_a_signal_that_it_rises_with_never_means_less(self) -> None:
        """A policy that says that it rises with a signal is monotone in it."""
        rises = self.rises_with
        if rises is None:
            rises = tuple(getattr(self.policy, "rises_with", ()))

        def check(seen: Observation, data: st.DataObject) -> None:
            name = data.draw(st.sampled_from(rises))
            calm = seen.signals[name]
            if not isinstance(calm, Series):
                reject()
            more = dataclasses.replace(seen, signals={**seen.signals, name: _raised(calm, data)})
            low, high = self.policy.propose(seen), self.policy.propose(more)
            for dial in DIALS:
                less, most = _wanted(low, dial, seen), _wanted(high, dial, more)
                _demand(most >= less, f"more {name} takes {dial.value} from {less} to {most}")

        if rises:
            known = tuple(dict.fromkeys((*self.policy.needs, *rises)))
            self._for_all(check, observations(known, known=known), st.data())

    def test_its_reasons_are_whole_sentences(self) -> None:
        """Every place of the sentence has its fact, for operators read it during an incident."""

        def check(seen: Observation) -> None:
            reason = self.policy.propose(seen).reason
            try:
                text = filled(reason.sentence, dict(reason.facts)) if reason.facts else str(reason)
            except (LookupError, ValueError, TypeError) as error:
                text = ""
                _demand(False, f"{reason.sentence!r} does not fit {reason.facts}: {error}")  # noqa: FBT003 - always a fault
            _demand(0 < len(text.strip()) <= LONGEST_SENTENCE, f"no readable sentence: {text!r}")

        self._for_all(check, observations(self.policy.needs))

    def test_its_answers_survive_the_journal(self) -> None:
        """The record of a decision can be replayed exactly."""

        def check(seen: Observation) -> None:
            answer = self.policy.propose(seen)
            hint: Any = Answer
            _demand(decode(hint, encode(hint, answer)) == answer, f"JSON changes {answer}")

        self._for_all(check, observations(self.policy.needs))

    def test_its_work_is_bounded(self) -> None:
        """A tick asks every policy of every deployment; counted in calls, not in time."""
        seen = busy_observation(self.policy.needs, self.samples)
        self.policy.propose(seen)  # what is compiled or cached once is not counted
        calls = calls_of(lambda: self.policy.propose(seen))
        _demand(
            calls <= self.most_calls,
            f"one answer makes {calls} calls on {self.samples} samples, over {self.most_calls}",
        )

    def test_options_out_of_range_are_refused(self) -> None:
        """A mistake in a configuration is told at start, with the option's name."""
        found = [
            fault
            for options in options_inside(self.policy)
            for outsider in outside(options)
            if (fault := accepts(options, outsider))
        ]
        _demand(not found, "; ".join(found))

    def test_every_option_is_documented(self) -> None:
        """Its page, the schema and the error messages are made from the fields' metadata."""
        for options in options_inside(self.policy):
            for item in option_fields(type(options)):
                doc = item.metadata.get("doc")
                _demand(bool(doc), f"{item.name} has no doc: field(..., metadata=meta(...))")
                seconds = item.name.endswith("_s")
                _demand(
                    not seconds or item.metadata.get("unit") == "s",
                    f'{item.name} ends in _s, so its unit must be "s"',
                )

    def test_its_options_survive_json(self) -> None:
        """Whatever it can be, a configuration can say."""
        text = json.dumps(plain(self.policy), allow_nan=False)
        found = build_options(type(self.policy), json.loads(text))
        _demand(not found.faults, f"its own options are refused: {found.faults}")
        _demand(found.value == self.policy, f"{text} makes another policy: {found.value}")

    def _for_all(self, check: Check, *strategies: st.SearchStrategy[Any]) -> None:
        """Run the check on many drawn arguments; what fails is shown as JSON too, for replay."""

        def shown(*drawn: Any) -> None:
            for each in drawn:
                if isinstance(each, Observation):
                    note(f"as JSON: {encode_observation(each).decode()}")
            check(*drawn)

        calm = settings(
            max_examples=self.examples,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        )
        # One argument holds all, so that the check may name its own as it likes.
        calm(given(st.tuples(*strategies))(lambda drawn: shown(*drawn)))()


def _demand(kept: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not kept:
        raise AssertionError(otherwise)


def _wanted(answer: Answer, dial: Dial, seen: Observation) -> int:
    """Where the dial would stand if nobody else were asked."""
    bid = answer.bids.get(dial, SILENCE) if isinstance(answer, Proposal) else SILENCE
    return settle(bid, seen.envelope[dial])


def _raised(calm: Series, data: st.DataObject) -> Series:
    """The series with every value at least as high as before."""
    rises = data.draw(
        st.lists(st.floats(0, 500), min_size=len(calm.values), max_size=len(calm.values))
    )
    values = tuple(value + rise for value, rise in zip(calm.values, rises, strict=True))
    return dataclasses.replace(calm, values=values)
