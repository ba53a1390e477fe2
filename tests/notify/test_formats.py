"""What a receiver gets to read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.notify.formats import Format, body_of
from autoscaler.notify.news import State, Topic
from autoscaler.web.api.files import PAGES
from tests.fakes.receiver import message, told

PAGE = "https://autoscaler.acme.internal"
(DEPLOYMENT,) = (page for page in PAGES if "{name}" in page)


def read(form: Format, *news: Any, page: str | None = PAGE) -> Any:
    return json.loads(body_of(message(*news), form, page).content)


@pytest.mark.parametrize("page", [PAGE, None])
@pytest.mark.parametrize("topic", Topic)
def test_the_reference_reader_of_cloudevents_accepts_every_kind(
    topic: Topic, page: str | None
) -> None:
    body = body_of(message(told(topic)), Format.CLOUDEVENTS, page)
    sent = HTTPMessage({"content-type": body.media_type}, body.content)
    event = from_structured_event(sent)
    assert event.get_specversion() == "1.0"
    assert event.get_id() == "msg_1"
    assert event.get_type() == f"foundry-autoscaler.{topic.value}.firing"
    assert event.get_subject() == "chat"
    assert event.get_time() is not None
    data = event.get_data()
    assert isinstance(data, dict)
    assert data["news"][0]["text"] == "the platform answers 503"


def test_one_deployment_is_named_with_a_link_to_it() -> None:
    found = read(Format.JSON, told(name="a b/c"))
    assert found["title"] == "changes fail again and again: a b/c"
    assert found["news"][0]["link"] == f"{PAGE}/d/a%20b%2Fc"
    assert (found["kind"], found["severity"], found["state"]) == ("failing", "critical", "firing")


def test_many_deployments_are_counted() -> None:
    found = read(Format.JSON, told(name="a"), told(name="b", group="batch"))
    assert found["title"] == "changes fail again and again (2 deployments)"
    assert found["groups"] == ["batch", "online"]
    assert found["count"] == 2


def test_what_is_over_says_so_and_is_information() -> None:
    found = read(Format.JSON, told(state=State.RESOLVED))
    assert found["title"].startswith("over: ")
    assert found["severity"] == "info"


def test_slack_gets_text_with_links_and_nothing_that_its_markup_would_read() -> None:
    text = read(Format.SLACK, told(text="<!channel> & <http://evil|here>"))["text"]
    assert "<!channel>" not in text
    assert "&lt;!channel&gt; &amp; &lt;http://evil|here&gt;" in text
    assert f"<{PAGE}/d/chat|chat>" in text
    assert text.endswith(f"<{PAGE}|Open the page>")


def test_slack_without_a_page_has_no_links() -> None:
    assert "<" not in read(Format.SLACK, page=None)["text"]


@pytest.mark.parametrize("form", Format)
@given(text=st.text(max_size=2000), name=st.text(max_size=50))
def test_no_text_breaks_a_body_or_makes_it_long(form: Format, text: str, name: str) -> None:
    body = body_of(message(*[told(text=text, name=name)] * 20), form, PAGE)
    assert json.loads(body.content)
    assert len(body.content) < 200_000


def test_links_lead_to_a_page_that_is_served() -> None:
    link = read(Format.JSON, told(name="chat"))["news"][0]["link"]
    assert link == PAGE + DEPLOYMENT.format(name="chat")
