"""Schemas of the daemon itself."""

from __future__ import annotations

from autoscaler.web.openapi.shapes import (
    NUMBER,
    SECONDS,
    TEXT,
    TIME,
    TRUTH,
    WHOLE,
    Schema,
    by_name,
    many,
    maybe,
    obj,
    ref,
    told,
    words,
)

CONFIGURATION: dict[str, Schema] = {
    "digest": maybe(TEXT),
    "loaded_at": maybe(TIME),
    "reload_failed_at": maybe(TIME),
    "problem": maybe(TEXT),
}

STATUS = obj(
    version=TEXT,
    at=TIME,
    started_at=TIME,
    healthy=TRUTH,
    unhealthy=many(told(TEXT, "a sentence")),
    leader=TRUTH,
    deployments=WHOLE,
    attention=WHOLE,
    outcomes=by_name(WHOLE),
    modes=by_name(WHOLE),
    groups=many(
        obj(
            name=TEXT,
            interval_s=SECONDS,
            deployments=WHOLE,
            last_tick_at=maybe(TIME),
            lag_s=maybe(SECONDS),
            took_s=maybe(SECONDS),
        )
    ),
    decisions_per_minute=NUMBER,
    changes_today=told(WHOLE, "made by the daemon since midnight UTC"),
    lateness_s=maybe(SECONDS),
    loop_lag_s=SECONDS,
    journal_up=TRUTH,
    sources=obj(up=WHOLE, total=WHOLE),
    writes=obj(
        room=told(WHOLE, "writes that fit into the next minute"),
        pace_per_second=NUMBER,
        breaker_open=TRUTH,
        waiting=WHOLE,
    ),
    budgets=many(obj(group=TEXT, kind=TEXT, left=NUMBER, of=NUMBER)),
    controls=obj(active=WHOLE, fleet=many(ref("Override"))),
    pause_file=maybe(told(TEXT, "the reason in the pause file, when there is one")),
    configuration=obj(**CONFIGURATION),
)

HEALTH = obj(
    sources=many(
        obj(
            name=TEXT,
            kind=TEXT,
            up=maybe(TRUTH),
            last_ok_at=maybe(TIME),
            last_error=maybe(TEXT),
            last_error_at=maybe(TIME),
            outcomes=by_name(WHOLE),
            p50_s=maybe(SECONDS),
        )
    ),
    platform=obj(
        requests=by_name(WHOLE),
        retries=by_name(WHOLE),
        waited_s=SECONDS,
        pace_per_second=NUMBER,
        breaker_open=TRUTH,
        clock_skew_s=maybe(told(NUMBER, "our clock ahead of the platform's, seconds")),
        last_error=maybe(TEXT),
        last_error_at=maybe(TIME),
        last_ok_at=maybe(TIME),
    ),
    loop=obj(
        lag_s=SECONDS,
        ticks=many(
            obj(
                group=TEXT,
                at=TIME,
                took_s=SECONDS,
                lag_s=SECONDS,
                decisions=WHOLE,
                changed=WHOLE,
            )
        ),
    ),
    journal=obj(up=TRUTH, bytes=maybe(WHOLE), decisions=maybe(WHOLE), place=TEXT),
    config=obj(file=TEXT, **CONFIGURATION, changed=many(told(TEXT, "a dotted name"))),
)

SESSION = obj(
    role=words(("anonymous", "viewer", "operator")),
    write_enabled=TRUTH,
    auth=words(("none", "bearer", "oidc", "mtls")),
    author=maybe(TEXT),
)

PROBLEM: Schema = {
    "type": "object",
    "description": "RFC 9457",
    "properties": {
        "type": TEXT,
        "title": TEXT,
        "status": WHOLE,
        "detail": TEXT,
        "parameter": TEXT,
        "field": TEXT,
        "value": {},
        "rule": TEXT,
        "did_you_mean": many(TEXT),
    },
    "required": ["type", "title", "status", "detail"],
}

SCHEMAS: dict[str, Schema] = {
    "Status": STATUS,
    "Health": HEALTH,
    "Session": SESSION,
    "Problem": PROBLEM,
    "Document": {"type": "object", "required": ["openapi", "paths"]},
}
