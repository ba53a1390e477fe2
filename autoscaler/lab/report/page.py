"""The report: one HTML file that holds everything it needs and asks no network for anything."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from autoscaler import __version__
from autoscaler.lab.backtest import Actuator
from autoscaler.lab.fromconfig import CONFIGURED, FORECAST
from autoscaler.lab.report.figures import bounds, plain, pooled_of, world_of
from autoscaler.lab.report.picture import Picture
from autoscaler.lab.report.study import ALONE, Study

HERE = Path(__file__).parent
ALL = "*"

SHORT = {
    Actuator.DIRECT: "what was asked for, at once",
    Actuator.ENVELOPE_EVICT: "the platform; a ceiling evicts",
    Actuator.ENVELOPE_LINGER: "the platform; replicas linger",
}
LABELS = {
    "oracle": "Oracle (knows the future)",
    "static_peak": "Static at past peak",
    ALONE: "Platform alone",
    "aws_tracking_70%": "AWS target tracking 70 %",
    "aws_predictive_70%": "AWS-like predictive 70 %",
    "aws_both_50%": "AWS tracking + predictive 50 %",
    "aws_both_70%": "AWS tracking + predictive 70 %",
    "kpa_70%": "Knative KPA 70 %",
    "hpa_40%": "Kubernetes HPA 40 %",
    "hpa_50%": "Kubernetes HPA 50 %",
    "hpa_70%": "Kubernetes HPA 70 %",
}


def write_report(path: Path, study: Study, warnings: Sequence[str] = ()) -> int:
    """Write the report; its size in bytes. Needs at least one finished trace."""
    text = render(payload_of(study, warnings))
    data = text.encode()
    path.write_bytes(data)
    return len(data)


def render(payload: dict[str, Any]) -> str:
    """The page with its data, styles and scripts inside."""
    # "</" would end the script element that the data is written into.
    data = json.dumps(payload, separators=(",", ":"), allow_nan=False).replace("</", "<\\/")
    parts = {
        "title": escape(str(payload["title"])),
        "plot_css": _file("vendor/uPlot.min.css"),
        "css": _file("report.css"),
        "plot_js": _file("vendor/uPlot.iife.min.js"),
        "js": "\n".join(_file(f"{name}.js") for name in SCRIPTS),
        "data": data,
    }
    page = _file("report.html")
    for name, text in parts.items():
        page = page.replace(f"<!--{name}-->", text, 1)
    return page


SCRIPTS = ("draw", "trace", "table", "report")


def payload_of(study: Study, warnings: Sequence[str] = ()) -> dict[str, Any]:
    """Everything that the page shows, in plain JSON."""
    finished = study.finished()
    return {
        "title": "Autoscaling backtest",
        "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "version": __version__,
        "complete": study.complete,
        "world": world_of(study),
        "warnings": list(warnings),
        "traces": finished,
        "sets": _sets(study),
        "actuators": [{"id": a.value, "title": SHORT[a]} for a in study.actuators],
        "figures": {a.value: _figures(study, a, finished) for a in study.actuators},
        "intervals": {
            a.value: {name: bounds(found) for name, found in pooled_of(study, a).items()}
            for a in study.actuators
        },
        "pictures": {
            f"{actuator.value}/{trace}": _picture(picture)
            for (actuator, trace), picture in study.pictures.items()
            if trace in finished
        },
    }


def _figures(study: Study, actuator: Actuator, finished: Sequence[str]) -> dict[str, Any]:
    rows = study.results[actuator].traces
    each = {
        trace: {name: _rounded(found.as_dict()) for name, found in rows[trace].items()}
        for trace in finished
    }
    pooled = pooled_of(study, actuator)
    return {ALL: {name: _rounded(plain(found)) for name, found in pooled.items()}} | each


def _rounded(numbers: dict[str, float]) -> dict[str, float]:
    return {name: float(f"{value:.5g}") for name, value in numbers.items()}


def _sets(study: Study) -> list[dict[str, str]]:
    first = next(iter(study.results[study.actuators[0]].traces.values()))
    return [{"id": name, "label": label_of(name), "kind": kind_of(name)} for name in first]


def label_of(name: str) -> str:
    """A set's name for people."""
    if name in LABELS:
        return LABELS[name]
    if name == FORECAST:
        return "Forecast (ours)"
    if name.startswith(f"{FORECAST}_"):
        return f"Forecast at {name.removeprefix(FORECAST + '_')}"
    if name == CONFIGURED:
        return "Your configuration"
    return f"Yours: {name.removeprefix(CONFIGURED + ':')}" if name.startswith(CONFIGURED) else name


def kind_of(name: str) -> str:
    """yours, ours, today, ideal or peer."""
    if name.startswith(CONFIGURED):
        return "yours"
    if name.startswith(FORECAST):
        return "ours"
    return {"oracle": "ideal", ALONE: "today"}.get(name, "peer")


def _picture(picture: Picture) -> dict[str, Any]:
    return {
        "begins": picture.begins_at,
        "every": picture.every_s,
        "high": picture.load_high,
        "low": picture.load_low,
        "sets": picture.sets,
    }


def _file(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
