"""`check` tells what an orderly stop leaves behind, and when there is no time for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoscaler.wiring.validate import validate
from tests.fakes.configuration import ENVIRON, text_of, written

END = "  on_shutdown: {min_replicas: 4, within: 10s}\n"


def fleet(size: int) -> str:
    rid = "ri.foundry-ml-live.main.live-deployment"
    members = "".join(f"      d{n}: {{rid: {rid}.d{n}}}\n" for n in range(size))
    return f"groups:\n  online:\n    deployments:\n{members}"


@pytest.mark.parametrize(
    ("size", "told"),
    [
        (2, "an orderly stop raises d0, d1 to its on_shutdown, and lowers nothing"),
        (
            9,
            (
                "an orderly stop raises d0, d1, d2 and 6 more to its on_shutdown, "
                "and lowers nothing\n"
                "warning: on_shutdown is declared for 9 deployments, and the pace lets 5 be "
                "written within 10 s; the others stay as they are"
            ),
        ),
    ],
)
def test_what_is_declared_for_the_end_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, told: str
) -> None:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    defaults = (
        "defaults:\n"
        "  signals:\n    running_jobs: {source: prom, query: up}\n"
        "  policies:\n    load: {kind: target_load, target: 0.7}\n" + END
    )
    said = validate(written(tmp_path, text_of(defaults=defaults, groups=fleet(size))))
    assert said.split("\n", 1)[1] == told
