// One deployment in the fleet's table.
import { html } from "./lib.js";
import { KINDS, STATUS, brief, clock, number, percent, reach, short, words } from "./format.js";
import { deployment } from "./route.js";
import { Spark } from "./spark.js";

export const COLUMNS = [
  ["status", "Status"], ["name", "Deployment"], ["load", "Load"], ["spark", "6 h"], ["envelope", "Replicas"], ["threads", "Threads"],
  ["decision", "Last decision"], ["changed", "Changed"], ["sample", "Sample"], ["event", "Next event"], ["cost", "Cost/h"], ["risk", "Risk"],
];

export function Chip({ status }) {
  const [kind, glyph] = STATUS[status] ?? ["calm", "·"];
  return html`<span class=${`chip ${kind}`}><span aria-hidden="true">${glyph}</span> ${status}</span>`;
}

function Load({ row }) {
  if (!row.load) return html`<span class="quiet">no signal</span>`;
  if (row.load.value === null) return html`<span class="bad">no data${" "}<small>${words(row.load.missing)}</small></span>`;
  const share = row.load_share;
  const kind = share === null ? "" : share > 1 ? "bad" : share > 0.85 ? "warn" : "good";
  return html`<span title=${`${words(row.load.signal)} ${number(row.load.value)}`}>${short(row.load.value)}${" "}<small>${share === null ? "" : percent(share)}</small></span>
    <span class=${`bar ${kind}`} aria-hidden="true"><i style=${{ width: `${Math.min(100, 100 * (share ?? 0))}%` }}></i></span>`;
}

function Envelope({ row }) {
  if (!row.current) return html`<span class="quiet">unknown</span>`;
  const most = Math.max(row.limits.max_replicas[1] ?? 0, row.current.max_replicas, 1);
  const share = (value) => `${(100 * Math.min(value, most)) / most}%`;
  const moves = row.desired && reach(row.desired) !== reach(row.current);
  return html`<span class="numbers">${reach(row.current)}${moves && html`<span class="to"> → ${reach(row.desired)}</span>`}</span>
    <span class="track" aria-hidden="true"><i class="roof" style=${{ width: share(row.current.max_replicas) }}></i><i class="floor" style=${{ width: share(row.current.min_replicas) }}></i></span>`;
}

function Decision({ row }) {
  const [kind, glyph] = KINDS[row.outcome] ?? ["calm", "…"];
  return html`<span class=${`mark ${kind}`} aria-hidden="true">${glyph}</span>
    <span class="why" title=${row.why}><span class="hidden">${row.outcome ? `${row.outcome}: ` : ""}</span>${row.why}</span>`;
}

export function Row({ row, at, index, top }) {
  const age = row.sample_at === null ? null : at - row.sample_at;
  const late = row.load?.missing || age > 120;
  return html`<div class=${row.attention ? "fr attention" : "fr"} role="row" data-row aria-rowindex=${index + 2} style=${{ transform: `translateY(${top}px)` }}>
    <div role="cell" class="c-status"><${Chip} status=${row.status} />${row.limited_by && html`<small title="what holds or limits it">held by ${words(row.limited_by)}</small>`}</div>
    <div role="cell" class="c-name"><a href=${deployment(row.name)}>${row.name}</a>
      <small>${row.group} · ${words(row.mode)}${row.state && row.state !== "ACTIVE" ? ` · ${words(row.state.toLowerCase())}` : row.ready === false ? " · not ready" : ""}</small></div>
    <div role="cell" class="c-load"><${Load} row=${row} /></div>
    <div role="cell" class="c-spark"><${Spark} name=${row.name} /></div>
    <div role="cell" class="c-envelope"><${Envelope} row=${row} /></div>
    <div role="cell" class="c-threads">${row.current?.threads ?? "–"}${row.desired && row.current && row.desired.threads !== row.current.threads && html`<span class="to"> → ${row.desired.threads}</span>`}</div>
    <div role="cell" class="c-decision"><${Decision} row=${row} /></div>
    <div role="cell" class="c-changed">${row.changed_at ? brief(at - row.changed_at) : html`<span class="quiet">never</span>`}</div>
    <div role="cell" class=${late ? "c-sample late" : "c-sample"}>${age === null ? "never" : brief(age)}</div>
    <div role="cell" class="c-event">${row.next_event ? html`<span title=${row.next_event.text}>${clock(row.next_event.at, at, false)}<small>${row.next_event.text}</small></span>` : html`<span class="quiet">–</span>`}</div>
    <div role="cell" class="c-cost" title="compute-seconds per hour of the floor">${short(row.cost_per_hour)}</div>
    <div role="cell" class="c-risk" title="share of the time that demand stays within the forecast">${row.risk === null ? "–" : percent(row.risk, row.risk > 0.99 ? 1 : 0)}</div>
  </div>`;
}
