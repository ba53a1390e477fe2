"""Finding plug-ins: by file name, by entry point, in directories; broken ones are told apart."""

from __future__ import annotations

import dataclasses
import gc
import sys
import weakref
from pathlib import Path

import pytest

from autoscaler.core.guards import GUARDS
from autoscaler.plugins import PluginError, json_schema, policy_types, source_kinds
from autoscaler.plugins.options import build_options
from autoscaler.plugins.registry import GUARD_TYPES, Registry

POLICY = '''
from __future__ import annotations
from dataclasses import dataclass, field
from autoscaler.core.observation import Observation
from autoscaler.core.options import check_options, meta
from autoscaler.core.proposal import Abstain, Answer
from autoscaler.core.reason import Code, because

@dataclass(frozen=True, slots=True)
class Helper:
    at: int = 0

@dataclass(frozen=True, slots=True)
class Own:
    """A policy of a user."""
    share: float = field(default=0.5, metadata=meta("a share", gt=0, le=1))
    def __post_init__(self) -> None:
        check_options(self)
    @property
    def needs(self) -> tuple[str, ...]:
        return ()
    def propose(self, seen: Observation) -> Answer:
        return Abstain(because(Code.WITHIN_TOLERANCE, "never"))
'''


def policy_file(folder: Path, text: str = POLICY, name: str = "own.py") -> Path:
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    path.chmod(0o644)
    return path


def error_of(folder: Path, text: str) -> str:
    policy_file(folder, text)
    with pytest.raises(PluginError) as caught:
        Registry([str(folder)]).policy("own")
    return str(caught.value)


def test_every_file_of_the_package_is_a_policy_under_its_name() -> None:
    files = {path.stem for path in (Path(__file__).parents[2] / "policies").glob("[!_]*.py")}
    assert files <= policy_types().keys()
    assert all(dataclasses.is_dataclass(cls) for cls in policy_types().values())


def test_sources_are_the_modules_that_offer_one() -> None:
    kinds = source_kinds()
    assert {"prometheus", "openmetrics"} <= kinds.keys()
    assert "kind" not in kinds


def test_guards_are_known_by_their_file() -> None:
    assert list(GUARD_TYPES.values()) == list(GUARDS)
    assert "freshness" in GUARD_TYPES


def test_a_file_in_a_directory_is_a_policy(tmp_path: Path) -> None:
    policy_file(tmp_path / "mine")
    cls = policy_types([str(tmp_path / "mine")])["own"]
    assert cls.__name__ == "Own"
    assert "policy.own" in json_schema([str(tmp_path / "mine")])["$defs"]


def test_only_what_is_asked_for_is_imported(tmp_path: Path) -> None:
    policy_file(tmp_path / "mine", "raise RuntimeError\n")
    registry = Registry([str(tmp_path / "mine")])
    assert "own" in registry.policies()
    assert registry.policy("target_load").__name__ == "TargetLoad"


def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    policy_file(tmp_path / "mine")
    assert Registry([str(tmp_path / "mine")]).policy("own").__name__ == "Own"
    policy_file(tmp_path / "mine", POLICY.replace("class Own", "class Newer"))
    assert Registry([str(tmp_path / "mine")]).policy("own").__name__ == "Newer"


@pytest.mark.fault(53)
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "must hold one public dataclass with `propose`, it holds none"),
        (
            POLICY + "\n@dataclass(frozen=True)\nclass Two:\n    def propose(self, seen): ...\n",
            "it holds Own, Two",
        ),
        (
            POLICY.replace("frozen=True, slots=True)\nclass Own", "slots=True)\nclass Own"),
            "must be frozen: @dataclass(frozen=True)",
        ),
        (
            POLICY.replace("share: float", "shadow: float"),
            "has an option 'shadow', which is every entry's own",
        ),
        (
            "import nothing_of_this_name\n",
            "policy 'own' cannot be loaded: ModuleNotFoundError: No module named 'nothing_of_this_name'",
        ),
        ("def broken(:\n", "policy 'own' cannot be loaded: SyntaxError"),
    ],
)
def test_a_file_that_is_no_policy_says_why(tmp_path: Path, text: str, message: str) -> None:
    before = set(sys.modules)
    assert message in error_of(tmp_path / "mine", text)
    assert not [name for name in set(sys.modules) - before if name.startswith("autoscaler_policy_")]


def test_what_everybody_may_write_to_is_not_loaded(tmp_path: Path) -> None:
    file = policy_file(tmp_path / "mine")
    file.chmod(0o646)
    with pytest.raises(PluginError, match=rf"everybody may write to {file}: run chmod o-w {file}"):
        Registry([str(tmp_path / "mine")])
    file.chmod(0o644)
    (tmp_path / "mine").chmod(0o777)
    with pytest.raises(PluginError, match="everybody may write to"):
        Registry([str(tmp_path / "mine")])


def test_a_reload_lets_go_of_the_classes_before(tmp_path: Path) -> None:
    policy_file(tmp_path / "mine")

    def loaded() -> weakref.ref[type]:
        cls = Registry([str(tmp_path / "mine")]).policy("own")
        assert dataclasses.asdict(build_options(cls, {"share": 0.25}).value) == {"share": 0.25}
        return weakref.ref(cls)

    before = [loaded() for _ in range(3)]
    gc.collect()
    assert [one() for one in before[:-1]] == [None, None]


def test_a_directory_that_is_none_says_so(tmp_path: Path) -> None:
    file = policy_file(tmp_path / "mine")
    with pytest.raises(PluginError, match="No such file or directory"):
        Registry([str(tmp_path / "absent")])
    with pytest.raises(PluginError, match="is no directory"):
        Registry([str(file)])


def test_a_name_cannot_be_taken_twice(tmp_path: Path) -> None:
    policy_file(tmp_path / "mine", name="target_load.py")
    with pytest.raises(PluginError, match="the name 'target_load' is taken"):
        Registry([str(tmp_path / "mine")])
