"""Schemas of the fleet and of one deployment."""

from __future__ import annotations

from autoscaler.activity import Act
from autoscaler.core.decision import Kind
from autoscaler.core.envelope import DIALS
from autoscaler.core.observation import Absence, Control, Mode
from autoscaler.core.reason import Code
from autoscaler.web.openapi.shapes import (
    ANYTHING,
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
from autoscaler.web.view.chips import STATUSES

MODE = words(mode.value for mode in Mode)
KIND = words(kind.value for kind in Kind)
DIAL = words(dial.value for dial in DIALS)
PAIR = many(WHOLE, minItems=2, maxItems=2)

ENVELOPE = obj(min_replicas=WHOLE, max_replicas=WHOLE, threads=WHOLE)
LOAD = obj(
    signal=TEXT,
    value=maybe(NUMBER),
    at=maybe(TIME),
    missing=maybe(words(why.value for why in Absence)),
)
OVERRIDE = obj(
    id=maybe(TEXT),
    scope=maybe(told(TEXT, "fleet, group:NAME or a deployment's name")),
    control=words(control.value for control in Control),
    dial=maybe(DIAL),
    value=maybe(WHOLE),
    mode=maybe(MODE),
    author=TEXT,
    why=TEXT,
    created_at=maybe(TIME),
    expires_at=maybe(told(NUMBER, "Unix seconds; null: without end")),
)

ROW_FIELDS: dict[str, Schema] = {
    "name": TEXT,
    "group": TEXT,
    "mode": told(MODE, "the mode that holds now"),
    "configured_mode": MODE,
    "state": maybe(told(TEXT, "the platform's own word, such as ACTIVE")),
    "ready": maybe(TRUTH),
    "status": words((*STATUSES,), "the most serious word that holds"),
    "paused": TRUTH,
    "braked": told(TRUTH, "nothing is lowered"),
    "overridden": told(TRUTH, "a value is pinned, a floor raised or a mode changed for a while"),
    "overrides": many(ref("Override")),
    "load": maybe(ref("Load")),
    "load_share": maybe(told(NUMBER, "load over what the guaranteed replicas work on at once")),
    "current": maybe(ref("Envelope")),
    "desired": maybe(ref("Envelope")),
    "limits": obj(min_replicas=PAIR, max_replicas=PAIR, threads=PAIR),
    "outcome": maybe(KIND),
    "reason": maybe(words(code.value for code in Code)),
    "why": TEXT,
    "limited_by": maybe(told(TEXT, "the last guard that shaped or held the plan")),
    "decision": maybe(told(TEXT, "the id of the latest decision, recorded or not")),
    "decided_at": maybe(TIME),
    "changed_at": maybe(TIME),
    "sample_at": maybe(TIME),
    "next_event": maybe(obj(at=TIME, text=TEXT)),
    "cost_per_hour": maybe(told(NUMBER, "compute-seconds per hour of the guaranteed replicas")),
    "risk": maybe(told(NUMBER, "share of the time that demand is to stay within the forecast")),
    "attention": TRUTH,
}

OPTIONS = told(ANYTHING, "the options as they are configured")
DETAIL_FIELDS: dict[str, Schema] = {
    "rid": TEXT,
    "signals": many(
        obj(
            signal=TEXT,
            value=maybe(NUMBER),
            at=maybe(TIME),
            missing=maybe(words(why.value for why in Absence)),
            detail=maybe(TEXT),
        )
    ),
    "changes": many(
        obj(
            at=TIME,
            before=ref("Envelope"),
            after=ref("Envelope"),
            foreign=told(TRUTH, "somebody else made it"),
        )
    ),
    "learned": obj(
        thread_ceiling=maybe(WHOLE),
        startup_s=maybe(SECONDS),
        startups=many(SECONDS),
        startups_of=maybe(TEXT),
        capacity=maybe(
            obj(
                low=told(NUMBER, "requests that one replica was seen to carry, at least"),
                high=told(NUMBER, "and at most: the platform tells no replica count"),
                count=told(WHOLE, "how often it was seen under a queue"),
                threads=WHOLE,
                model_version=maybe(TEXT),
                at=maybe(TIME),
            )
        ),
        chosen=many(
            obj(
                forecast=TEXT,
                tau=NUMBER,
                slo=NUMBER,
                expected=told(NUMBER, "share without room that a replay found at tau"),
                hours=told(NUMBER, "hours that the replay scored"),
                met=told(TRUTH, "whether the replay kept the SLO"),
                at=TIME,
                of_platform=told(NUMBER, "share of the platform's own that the SLO is; 0: given"),
                replicas=maybe(told(NUMBER, "mean replicas that the replay found at tau")),
                alone=maybe(obj(expected=NUMBER, replicas=NUMBER)),
            )
        ),
    ),
    "policies": many(
        obj(
            name=TEXT,
            kind=TEXT,
            shadow=TRUTH,
            dials=many(DIAL),
            when=maybe(ANYTHING),
            options=OPTIONS,
        )
    ),
    "guards": many(obj(name=TEXT, options=OPTIONS)),
    "forecasts": many(
        obj(
            name=TEXT,
            tau=NUMBER,
            coverage=maybe(NUMBER),
            loss_ratio=maybe(NUMBER),
            bias=maybe(NUMBER),
            trials=WHOLE,
            lead_s=SECONDS,
        )
    ),
    "cold_starts": many(obj(at=maybe(TIME), took_s=SECONDS)),
    "cost": obj(
        per_hour=maybe(NUMBER),
        today=maybe(told(NUMBER, "compute-seconds since midnight UTC")),
        month_forecast=maybe(told(NUMBER, "compute-seconds of this month at the last days' pace")),
    ),
    "latest": maybe(ref("Described")),
}

DESCRIBED: Schema = {
    "type": "object",
    "description": "a decision in ready sentences: what was seen, said, planned and done",
    "properties": {
        "id": TEXT,
        "at": TIME,
        "deployment": TEXT,
        "rid": TEXT,
        "group": TEXT,
        "mode": MODE,
        "trace": maybe(TEXT),
        "headline": TEXT,
        "told": TEXT,
        "state": TEXT,
        "envelope_age_s": NUMBER,
        "learned": many(TEXT),
        "before": ref("Envelope"),
        "wanted": ref("Envelope"),
        "after": ref("Envelope"),
        "seen": many(ANYTHING),
        "votes": many(ANYTHING),
        "trail": many(ANYTHING),
        "hold": maybe(ANYTHING),
        "outcome": ANYTHING,
    },
    "required": [
        "id",
        "at",
        "deployment",
        "headline",
        "told",
        "before",
        "wanted",
        "after",
        "outcome",
    ],
}

LINES = (
    *("load", "forecast", "keep", "ceiling_forecast"),
    *("capacity", "floor", "ceiling", "threads"),
)
SERIES = obj(
    **{"from": TIME, "to": TIME, "step_s": SECONDS, "at": many(TIME)},
    **{line: many(maybe(NUMBER)) for line in LINES},
)

SCHEMAS: dict[str, Schema] = {
    "Envelope": ENVELOPE,
    "Load": LOAD,
    "Override": OVERRIDE,
    "Row": obj(**ROW_FIELDS),
    "Deployment": obj(**ROW_FIELDS, **DETAIL_FIELDS),
    "Deployments": obj(
        total=WHOLE,
        counts=by_name(WHOLE),
        deployments=many(ref("Row")),
        next=maybe(TEXT),
    ),
    "Described": DESCRIBED,
    "Decision": obj(
        id=TEXT,
        at=TIME,
        kind=KIND,
        code=words(code.value for code in Code),
        headline=TEXT,
        before=ref("Envelope"),
        after=ref("Envelope"),
        actual=maybe(ref("Envelope")),
        by=maybe(TEXT),
    ),
    "Decisions": obj(decisions=many(ref("Decision")), next=maybe(TEXT)),
    "Series": SERIES,
    "Sparklines": obj(
        **{"from": TIME, "to": TIME, "step_s": SECONDS},
        lines=by_name(many(maybe(NUMBER))),
    ),
    "Overrides": obj(overrides=many(ref("Override"))),
    "Entry": obj(
        seq=WHOLE,
        at=TIME,
        kind=words(act.value for act in Act),
        deployment=maybe(TEXT),
        group=maybe(TEXT),
        actor=TEXT,
        summary=TEXT,
        ref=maybe(told(TEXT, "the decision, override or digest that it tells of")),
        digest=maybe(told(TEXT, "SHA-256 of that")),
        prev=told(TEXT, "the hash of the entry before"),
        hash=TEXT,
    ),
    "Activity": obj(activity=many(ref("Entry")), next=maybe(TEXT)),
}
