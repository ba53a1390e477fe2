"""`pause`, `brake`, `pin`, `floor`, `mode`, `resume`, `look`: what an operator can say.

All of them go through the journal: they work when the daemon is down or does not answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from autoscaler.cli.exits import Exit, leave, told
from autoscaler.cli.options import Config

if TYPE_CHECKING:
    from enum import StrEnum

    from autoscaler.core.envelope import Dial
    from autoscaler.core.observation import Override

Scope = Annotated[
    str | None, typer.Argument(help="A deployment, group:NAME, or fleet.", show_default=False)
]
All = Annotated[bool, typer.Option("--all", help="The whole fleet, instead of a scope.")]
Why = Annotated[str, typer.Option(help="The reason, shown wherever the word is.")]
Lasting = Annotated[
    str | None, typer.Option("--for", help="How long: 30m, 2h, 1d.", show_default=False)
]
Endless = Annotated[bool, typer.Option("--endless", help="Without end, instead of --for.")]
By = Annotated[
    str, typer.Option("--by", help="Who asks for it.", envvar="USER", show_default="the OS user")
]
Given = Annotated[
    list[str],
    typer.Argument(
        metavar="[SCOPE] VALUE", help="A deployment, group:NAME or fleet (or --all); the value."
    ),
]


def pause(
    config: Config,
    why: Why,
    scope: Scope = None,
    everything: All = False,
    lasting: Lasting = None,
    endless: Endless = False,
    by: By = "",
) -> None:
    """Stop changes of a deployment, a group or the fleet; the envelope stays as it is."""
    from autoscaler.core.observation import Control, Override

    where, _ = _taken([scope] if scope else [], everything=everything, value="")
    span = _span(lasting, endless=endless)
    ends = _said(config, where, Override(Control.PAUSE, _author(by), why), span)
    typer.echo(f"{where} is paused {ends}")


def brake(
    config: Config,
    why: Why,
    scope: Scope = None,
    everything: All = False,
    lasting: Lasting = None,
    endless: Endless = False,
    by: By = "",
) -> None:
    """Let nothing be lowered, for an incident; raising goes on."""
    from autoscaler.core.observation import Control, Override

    where, _ = _taken([scope] if scope else [], everything=everything, value="")
    span = _span(lasting, endless=endless)
    ends = _said(config, where, Override(Control.BRAKE, _author(by), why), span)
    typer.echo(f"{where} is not lowered {ends}")


def pin(
    given: Given,
    config: Config,
    why: Why,
    everything: All = False,
    lasting: Lasting = None,
    endless: Endless = False,
    by: By = "",
) -> None:
    """Hold a dial at a number: `autoscaler pin chat min_replicas=8 --for 2h --why launch`."""
    from autoscaler.core.observation import Control, Override

    where, setting = _taken(given, everything=everything, value="DIAL=NUMBER")
    dial, value = _setting(setting)
    word = Override(Control.PIN, _author(by), why, dial=dial, value=value)
    ends = _said(config, where, word, _span(lasting, endless=endless))
    typer.echo(f"{dial.value} of {where} is pinned to {value} {ends}")


def floor(
    given: Given,
    config: Config,
    why: Why,
    everything: All = False,
    lasting: Lasting = None,
    endless: Endless = False,
    by: By = "",
) -> None:
    """Keep a dial at a number or more: `autoscaler floor chat min_replicas=8 --for 2h --why x`."""
    from autoscaler.core.observation import Control, Override

    where, setting = _taken(given, everything=everything, value="DIAL=NUMBER")
    dial, value = _setting(setting)
    word = Override(Control.FLOOR, _author(by), why, dial=dial, value=value)
    ends = _said(config, where, word, _span(lasting, endless=endless))
    typer.echo(f"{dial.value} of {where} is at least {value} {ends}")


def mode(
    given: Given,
    config: Config,
    why: Why,
    everything: All = False,
    lasting: Lasting = None,
    endless: Endless = False,
    by: By = "",
) -> None:
    """Set another mode for a while: `autoscaler mode chat recommend --for 1d --why trial`."""
    from autoscaler.core.observation import Control, Mode, Override

    where, name = _taken(given, everything=everything, value="MODE")
    if name not in set(Mode):
        _usage(f"MODE must be one of {', '.join(Mode)}, got {name!r}{_near(name, Mode)}")
    word = Override(Control.MODE, _author(by), why, mode=Mode(name))
    ends = _said(config, where, word, _span(lasting, endless=endless))
    typer.echo(f"{where} is in mode {name} {ends}")


def resume(
    config: Config,
    scope: Scope = None,
    everything: All = False,
    what: Annotated[
        str, typer.Option(help="What to end: pause, brake, pin, floor, mode, or all.")
    ] = "pause",
    ident: Annotated[
        str | None, typer.Option("--id", help="End the one of this id, whatever it is.")
    ] = None,
    by: By = "",
) -> None:
    """End the pauses of exactly this deployment, group or fleet, or what else stands there."""
    import asyncio

    from autoscaler.core.observation import Control
    from autoscaler.wiring.operate import end, end_one

    if ident is not None:
        with told():
            count = asyncio.run(end_one(config, ident, _author(by)))
        if not count:
            leave(Exit.PROBLEMS, f"nothing of the id {ident!r} is active")
        typer.echo(f"{ident} is ended")
        return
    where, _ = _taken([scope] if scope else [], everything=everything, value="")
    if what != "all" and what not in set(Control):
        _usage(f"--what must be one of {', '.join(Control)} or all, got {what!r}")
    with told():
        count = asyncio.run(
            end(config, where, set(Control) if what == "all" else {Control(what)}, _author(by))
        )
    if not count:
        nothing = "nothing" if what == "all" else f"no {what}"
        leave(Exit.PROBLEMS, f"{nothing} of {where} is active")
    typer.echo(f"{where} goes on ({count} ended)")


def look(
    config: Config, why: Why, scope: Scope = None, everything: All = False, by: By = ""
) -> None:
    """Have the running daemon read and decide a deployment, a group or the fleet now."""
    import asyncio

    from autoscaler.wiring.operate import look as ask
    from autoscaler.wiring.scopes import NotManaged

    where, _ = _taken([scope] if scope else [], everything=everything, value="")
    with told():
        try:
            asyncio.run(ask(config, where, _author(by), why))
        except NotManaged as error:
            leave(Exit.PROBLEMS, str(error))
        except ValueError as error:
            _usage(str(error))
    typer.echo(f"{where} is looked at within 2 s, if the daemon runs")


def _said(config: Config, scope: str, word: Override, span: float | None) -> str:
    """Say it, and tell when it ends."""
    import asyncio

    from autoscaler.wiring.operate import say
    from autoscaler.wiring.scopes import NotManaged

    with told():
        try:
            stands = asyncio.run(say(config, scope, word, span))
        except NotManaged as error:
            leave(Exit.PROBLEMS, str(error))
        except ValueError as error:
            _usage(str(error))
    return ending(stands.override.expires_at)


def ending(expires_at: float | None) -> str:
    """When a word ends, in words."""
    from datetime import UTC, datetime

    if expires_at is None:
        return "without end: remember to resume it"
    return f"until {datetime.fromtimestamp(expires_at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _taken(given: list[str], *, everything: bool, value: str) -> tuple[str, str]:
    """The scope and the value out of the arguments; `value` is its name, empty without one."""
    wanted = ([] if everything else ["SCOPE"]) + ([value] if value else [])
    if len(given) != len(wanted):
        either = " or --all" if not everything and not given else ""
        expected = " and ".join(wanted) or "nothing beside --all"
        _usage(f"expected {expected}{either}, got {' '.join(given) or 'nothing'}")
    scope = "fleet" if everything else given[0]
    return scope, given[-1] if value else ""


def _setting(text: str) -> tuple[Dial, int]:
    from autoscaler.core.envelope import Dial

    name, equals, number = text.partition("=")
    if name not in set(Dial) or not equals:
        dials = ", ".join(Dial)
        _usage(f"expected DIAL=NUMBER with a dial of {dials}, got {text!r}{_near(name, Dial)}")
    if not number.isdecimal():
        _usage(f"{name} must be a whole number, got {number!r}")
    return Dial(name), int(number)


def _span(lasting: str | None, *, endless: bool) -> float | None:
    """Seconds, None for no end. `--for ever` is what `--endless` was called first."""
    from autoscaler.settings.units import seconds

    if endless is (lasting is not None):
        _usage("say either --for, such as --for 2h, or --endless")
    if endless or lasting == "ever":
        return None
    try:
        span = seconds(lasting)
    except ValueError as error:
        leave(Exit.USAGE, f"--for: {error}, or ever")
    if span <= 0:
        leave(Exit.USAGE, f"--for: must be above 0, got {lasting!r}")
    return span


def _author(by: str) -> str:
    import getpass

    try:
        return by or getpass.getuser()
    except (OSError, KeyError):  # no such user, as in many containers
        return "operator"


def _near(name: str, known: type[StrEnum]) -> str:
    import difflib

    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def _usage(words: str) -> NoReturn:
    leave(Exit.USAGE, words)
