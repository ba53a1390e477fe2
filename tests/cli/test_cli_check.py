"""`autoscaler check` and the exit codes of everything that reads a configuration."""

from __future__ import annotations

import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.daemon import SECRET, Stage, autoscaler, stage
from tests.fakes.prometheus import free_port

BROKEN = """\
platform:
  url: https://acme.example
  auth: {client_id: me, client_secret_file: /nowhere/secret}
groups:
  online:
    interval: 15 parsecs
"""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as made:
        yield made


async def test_a_good_configuration_is_told_in_one_line(world: Stage) -> None:
    told = await world.site.cli("check")
    assert (told.code, told.err) == (0, "")
    assert told.out == f"{world.site.file} is valid: 1 group(s), 1 deployment(s)\n"


@pytest.mark.fault(54)
@pytest.mark.parametrize("command", ["check", "run", "explain chat", "resume chat"])
async def test_a_bad_configuration_ends_with_78_and_tells_every_place(
    tmp_path: Path, command: str
) -> None:
    file = tmp_path / "autoscaler.yaml"
    file.write_text(BROKEN, encoding="utf-8")
    told = await autoscaler(*command.split(), "--config", str(file), folder=tmp_path)
    assert (told.code, told.out) == (78, "")
    assert f"{file}:3:45: platform.auth.client_secret_file:" in told.err
    assert f"{file}:6:15: groups.online.interval: must be a duration" in told.err
    assert "got '15 parsecs'" in told.err
    assert "Traceback" not in told.err


async def test_a_configuration_that_is_not_there_ends_with_78(tmp_path: Path) -> None:
    told = await autoscaler("check", "--config", "none.yaml", folder=tmp_path)
    assert told.code == 78
    assert "none.yaml" in told.err


async def test_a_check_online_tells_what_would_be_done_and_writes_nothing(world: Stage) -> None:
    world.knob.jobs = 100.0
    world.platform.catch_up()
    told = await world.site.cli("check", "--online")
    assert (told.code, told.err) == (0, "")
    head, row = told.out.splitlines()[1:]
    assert head.split() == ["deployment", "state", "now", "would", "be", "outcome", "why"]
    assert " ".join(row.split()).startswith("chat ACTIVE 1..2 x 32 7..11 x 32 recommended ")
    assert world.puts == []
    assert not world.site.journal.exists()


async def test_a_check_online_speaks_json_to_scripts(world: Stage) -> None:
    told = await world.site.cli("check", "--online", "--json")
    found = json.loads(told.out)
    assert found["online"]["problems"] == []
    (chat,) = found["online"]["deployments"]
    assert (chat["deployment"], chat["mode"], chat["state"]) == ("chat", "recommend", "ACTIVE")


async def test_a_platform_that_is_away_ends_a_check_online_with_3(world: Stage) -> None:
    world.site.tree["platform"]["url"] = f"http://127.0.0.1:{free_port()}"
    world.site.write()
    told = await world.site.cli("check", "--online")
    assert told.code == 3
    assert "problem: chat: not read:" in told.err


async def test_a_source_that_is_away_ends_a_check_online_with_3(world: Stage) -> None:
    world.site.tree["sources"]["gateway"]["url"] = f"http://127.0.0.1:{free_port()}/metrics"
    world.site.write()
    told = await world.site.cli("check", "--online")
    assert told.code == 3
    assert "problem: chat: signal in_flight is source_failed" in told.err


async def test_a_budget_for_a_gpu_without_a_rate_is_refused_in_clear_words(world: Stage) -> None:
    """Nobody finds out weeks later that a budget has never held anything."""
    world.platform.deployments["chat"].raw["gpu"] = {"count": 1, "type": "NVIDIA_WARP9"}
    policies = world.site.tree["defaults"]["policies"]
    policies["cost"] = {"kind": "budget", "compute_seconds": 1e6}
    world.site.write()
    told = await world.site.cli("check", "--online")
    assert told.code == 3
    assert "problem: chat: policy cost: GPU type NVIDIA_WARP9 has no rate (known: " in told.err
    assert "gpu_rates" in told.err
    policies["cost"]["gpu_rates"] = {"NVIDIA_WARP9": 2.5}
    world.site.write()
    told = await world.site.cli("check", "--online")
    assert (told.code, told.err) == (0, "")


async def test_a_refused_secret_ends_a_check_online_with_3_and_stays_secret(world: Stage) -> None:
    wrong = "canary-of-another-platform-77"
    (world.site.folder / "client-secret").write_text(wrong, encoding="utf-8")
    told = await world.site.cli("check", "--online")
    assert told.code == 3
    assert "refused client 'simulated-client'" in told.err
    assert wrong not in told.out + told.err
    assert SECRET not in told.out + told.err


async def test_a_secret_that_everybody_may_read_is_refused(world: Stage) -> None:
    secret = world.site.folder / "client-secret"
    secret.chmod(stat.S_IRUSR | stat.S_IROTH)
    told = await world.site.cli("check")
    assert told.code == 78
    assert "chmod 600" in told.err
