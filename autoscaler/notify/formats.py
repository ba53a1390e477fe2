"""A message as a body: CloudEvents 1.0, Slack's shape, or plain JSON.

CloudEvents: https://github.com/cloudevents/spec, v1.0.2, JSON event format, structured mode.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from autoscaler.notify.message import Message
from autoscaler.notify.news import News, Severity, State

TYPE = "foundry-autoscaler.{topic}.{state}"
SOURCE = "/foundry-autoscaler"
LONGEST = 500
"""Characters of one sentence that are sent."""
SLACK_LINES = 10


class Format(StrEnum):
    """The shape of a body."""

    CLOUDEVENTS = "cloudevents"
    SLACK = "slack"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Body:
    """What is posted."""

    media_type: str
    content: bytes


def body_of(message: Message, form: Format, page: str | None) -> Body:
    """The message in a format. `page` is where the daemon's page is, None if nobody said."""
    media_type, shape = _FORMATS[form]
    return Body(media_type, json.dumps(shape(message, page)).encode("ascii"))


def _plain(message: Message, page: str | None) -> dict[str, Any]:
    return {
        "id": message.id,
        "at": message.at,
        "kind": message.topic.value,
        "state": message.state.value,
        "severity": message.severity.word,
        "title": message.title,
        "count": message.count,
        "groups": list(message.groups),
        "news": [_news(one, page) for one in message.examples],
        "not_shown": message.beyond,
        "link": page,
    }


def _news(one: News, page: str | None) -> Mapping[str, Any]:
    return {
        "at": one.at,
        "text": one.text[:LONGEST],
        "deployment": one.deployment or None,
        "group": one.group or None,
        "decision": one.decision or None,
        "link": _link(one, page),
    }


def _link(one: News, page: str | None) -> str | None:
    if page is None or not one.deployment:
        return page
    return f"{page}/d/{quote(one.deployment, safe='')}"


def _cloudevent(message: Message, page: str | None) -> dict[str, Any]:
    event = {
        "specversion": "1.0",
        "id": message.id,
        "source": page or SOURCE,
        "type": TYPE.format(topic=message.topic.value, state=message.state.value),
        "time": datetime.fromtimestamp(message.at, UTC).isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": _plain(message, page),
    }
    only = message.examples[0].deployment if message.count == 1 else ""
    return event | ({"subject": only} if only else {})


def _slack(message: Message, page: str | None) -> dict[str, Any]:
    lines = [f"{_SIGNS[message.state, message.severity]} *{_escaped(message.title)}*"]
    for one in message.examples[:SLACK_LINES]:
        link = _link(one, page)
        name = _escaped(one.deployment)
        whose = f"<{link}|{name}>: " if name and link else f"{name}: " if name else ""
        lines.append(f"- {whose}{_escaped(one.text[:LONGEST])}")
    more = message.count - min(len(message.examples), SLACK_LINES)
    if more:
        lines.append(f"- and {more} more")
    if page is not None:
        lines.append(f"<{page}|Open the page>")
    return {"text": "\n".join(lines)}


def _escaped(text: str) -> str:
    """As Slack asks for: the three characters that mean something in its markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


_SIGNS = {
    (state, severity): ":white_check_mark:"
    if state is State.RESOLVED
    else {
        Severity.INFO: ":information_source:",
        Severity.WARNING: ":warning:",
        Severity.CRITICAL: ":rotating_light:",
    }[severity]
    for state in State
    for severity in Severity
}

_FORMATS: Mapping[Format, tuple[str, Callable[[Message, str | None], dict[str, Any]]]] = {
    Format.CLOUDEVENTS: ("application/cloudevents+json; charset=utf-8", _cloudevent),
    Format.SLACK: ("application/json", _slack),
    Format.JSON: ("application/json", _plain),
}
