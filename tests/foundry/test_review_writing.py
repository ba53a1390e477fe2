from __future__ import annotations

from autoscaler.core.decision import Kind
from autoscaler.core.envelope import Envelope
from autoscaler.foundry.pacing import REQUESTS_PER_WRITE, Turn
from tests.fakes.foundry import RID, bench, error


async def test_a_second_attempt_is_paid_for_before_it_reads() -> None:
    async with bench() as b:
        paid: list[int] = []
        afford = Turn.afford

        async def counted(turn: Turn, requests: int) -> None:
            await afford(turn, requests)
            paid.append(turn.paid)

        b.stack.next("PUT", error(400, "ThreadCountTooHigh", maxThreadCount=48))
        Turn.afford = counted  # type: ignore[method-assign,assignment]  # looked at, not changed
        try:
            outcome = await b.platform.apply(RID, Envelope(1, 3, 32), Envelope(2, 6, 64))
        finally:
            Turn.afford = afford  # type: ignore[method-assign]  # as it was
        assert outcome.kind is Kind.APPLIED
        assert paid == [REQUESTS_PER_WRITE, REQUESTS_PER_WRITE]
        assert b.stack.methods() == ["GET", "PUT", "GET", "PUT", "GET"]
