"""All dashboards by file name, as the JSON that Grafana imports."""

from __future__ import annotations

import json
from collections.abc import Mapping

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards import cost, daemon, deployment, fleet, forecast

BUILT = {
    "fleet": fleet.build,
    "deployment": deployment.build,
    "daemon": daemon.build,
    "cost": cost.build,
    "forecast": forecast.build,
}


def pages() -> Mapping[str, str]:
    """The text of each file."""
    return {f"{name}.json": text(build()) for name, build in BUILT.items()}


def text(board: Dashboard) -> str:
    """A dashboard as JSON; every panel has an id of its own, counted from 1."""
    made = board.build()
    for number, panel in enumerate(made.panels or (), 1):
        panel.id_val = number
    return json.dumps(made, cls=JSONEncoder, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
