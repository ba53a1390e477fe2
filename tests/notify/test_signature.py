"""Standard Webhooks, held to the scheme's own verifier."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from autoscaler.notify.signature import key_of, signed
from tests.fakes.receiver import WEBHOOK_SECRET

bodies = st.text(max_size=200).map(lambda text: text.encode("utf-8", "ignore"))
keys = st.binary(min_size=24, max_size=64)


def written(key: bytes) -> str:
    return "whsec_" + base64.b64encode(key).decode("ascii")


@given(bodies, keys)
def test_the_schemes_own_verifier_accepts_what_we_sign(body: bytes, key: bytes) -> None:
    secret = written(key)
    headers = signed("msg_1", time.time(), body, key_of(secret))
    Webhook(secret).verify(body, headers, json_parse=False)


@given(bodies, keys)
def test_a_body_that_was_changed_on_the_way_is_refused(body: bytes, key: bytes) -> None:
    headers = signed("msg_1", time.time(), body, key)
    with pytest.raises(WebhookVerificationError):
        Webhook(written(key)).verify(body + b"!", headers, json_parse=False)


def test_another_secret_is_refused() -> None:
    headers = signed("msg_1", time.time(), b"{}", key_of(WEBHOOK_SECRET))
    with pytest.raises(WebhookVerificationError):
        Webhook(written(b"B" * 32)).verify(b"{}", headers)


@pytest.mark.parametrize(
    "secret",
    ["", "hunter2", "whsec_", "whsec_hunter2!", written(b"x" * 23), written(b"x" * 65)],
)
def test_a_secret_of_another_shape_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_ and the base64 of") as caught:
        key_of(secret)
    assert "hunter2" not in str(caught.value)
