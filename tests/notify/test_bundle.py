"""Thousands of deployments, a handful of messages."""

from __future__ import annotations

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from autoscaler.notify.bundle import SHOWN, Bundles
from autoscaler.notify.news import State, Topic
from tests.fakes.receiver import told

topics, states = st.sampled_from(Topic), st.sampled_from(State)


def bundles(wait_s: float = 10.0, interval_s: float = 300.0) -> Bundles:
    numbers = count(1)
    return Bundles(wait_s, interval_s, lambda: f"msg_{next(numbers)}")


def test_the_first_news_waits_for_others_of_its_kind() -> None:
    made = bundles()
    made.take(told(name="a"), 0.0)
    assert made.ready(9.9) == []
    made.take(told(name="b"), 9.9)
    (message,) = made.ready(10.0)
    assert [one.deployment for one in message.examples] == ["a", "b"]


def test_two_thousand_deployments_make_one_message_that_counts_them() -> None:
    made = bundles()
    for number in range(2000):
        made.take(told(name=f"d{number}", group=f"g{number % 20}"), 0.0)
    (message,) = made.ready(10.0)
    assert (message.count, len(message.examples), message.beyond) == (2000, SHOWN, 1980)
    assert len(message.groups) == 20


def test_what_comes_after_a_message_waits_for_the_interval() -> None:
    made = bundles()
    made.take(told(), 0.0)
    assert len(made.ready(10.0)) == 1
    made.take(told(), 20.0)
    assert made.ready(309.0) == []
    assert len(made.ready(310.0)) == 1


def test_kinds_do_not_wait_for_each_other_and_neither_does_an_end() -> None:
    made = bundles()
    made.take(told(), 0.0)
    made.take(told(Topic.BLIND), 0.0)
    made.take(told(state=State.RESOLVED), 0.0)
    found = [(m.topic, m.state) for m in made.ready(10.0)]
    assert found == [
        (Topic.FAILING, State.FIRING),
        (Topic.BLIND, State.FIRING),
        (Topic.FAILING, State.RESOLVED),
    ]


@given(st.lists(st.tuples(topics, states, st.floats(0, 1)), max_size=200))
def test_nothing_is_lost_and_no_kind_is_told_more_than_once_in_an_interval(
    moves: list[tuple[Topic, State, float]],
) -> None:
    made, now, messages = bundles(), 0.0, []
    for topic, state, step in moves:
        now += step
        made.take(told(topic, state), now)
        messages += made.ready(now)
    messages += made.ready(float("inf"))
    assert sum(m.count for m in messages) == len(moves)
    kinds = [(m.topic, m.state) for m in messages]
    assert all(kinds.count(kind) <= 2 for kind in kinds)
