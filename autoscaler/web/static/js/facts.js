// What belongs to a deployment beside its curve: policies, guards, learnt facts, cost, history.
import { html } from "./lib.js";
import { clock, envelope, number, percent, short, span, words } from "./format.js";

function value(one) {
  if (one === null || one === undefined) return "–";
  if (typeof one === "number") return number(one);
  if (typeof one === "object") return JSON.stringify(one);
  return String(one);
}

function Options({ options }) {
  const pairs = Object.entries(options ?? {}).filter(([, one]) => one !== null && !(Array.isArray(one) && !one.length));
  if (!pairs.length) return html`<p class="quiet">no options</p>`;
  return html`<dl class="options">${pairs.map(([name, one]) => html`<div><dt>${words(name)}</dt><dd>${value(one)}</dd></div>`)}</dl>`;
}

function Part({ title, items, render, open = false }) {
  return html`<details class="card" open=${open}><summary>${title} <b>${items.length}</b></summary>${items.map(render)}</details>`;
}

export function Policies({ row }) {
  return html`<${Part} title="Policies" open items=${row.policies ?? []} render=${(one) => html`
    <section class=${one.shadow ? "part shadow" : "part"} key=${one.name}><h3>${one.name} <small>${one.kind}${one.shadow ? " · shadow: shown, not counted" : ""}</small></h3>
      ${one.when && html`<p class="quiet">when ${value(one.when)}</p>`}<${Options} options=${one.options} /></section>`} />
    <${Part} title="Guards" items=${row.guards ?? []} render=${(one) => html`
      <section class="part" key=${one.name}><h3>${words(one.name)}</h3><${Options} options=${one.options} /></section>`} />`;
}

function carried(one) {
  const each = one.low === one.high ? number(one.low) : `${number(one.low)} to ${number(one.high)}`;
  return `${each} requests of ${one.threads} threads (seen ${one.count} times)`;
}

export function Learnt({ row, at }) {
  const known = row.learned ?? {}, capacity = known.capacity;
  return html`<section class="card"><h2>Learnt</h2><dl class="pairs">
    <dt>thread ceiling</dt><dd>${value(known.thread_ceiling ?? null)}</dd>
    <dt>start-up time</dt><dd>${known.startup_s ? `${span(known.startup_s)} (p95 of ${known.startups?.length ?? 0})` : "not yet"}</dd>
    <dt>capacity of a replica</dt><dd>${capacity ? carried(capacity) : "not yet"}</dd>
  </dl>
  ${(known.chosen ?? []).map((one) => html`<h3>risk of ${one.forecast}, chosen ${clock(one.at, at)}</h3><dl class="pairs">
    <dt>tau</dt><dd>${one.tau}, for at most ${percent(one.slo, 2)} without room${one.of_platform ? ` (${percent(one.of_platform)} of the platform's own)` : ""}</dd>
    <dt>${number(one.hours)} h replayed</dt><dd>${one.met ? "" : "missed it: "}${percent(one.expected, 2)}${one.replicas ? `, ${number(one.replicas)} replicas` : ""}</dd>
    ${one.alone && html`<dt>platform alone</dt><dd>${percent(one.alone.expected, 2)}, ${number(one.alone.replicas)} replicas</dd>`}
  </dl>`)}
  ${(row.forecasts ?? []).map((one) => html`<h3>${one.name === "forecast" ? "forecast" : `forecast ${one.name}`}</h3><dl class="pairs">
    <dt>stays within</dt><dd>${percent(one.coverage, 1)} of the time, ${percent(one.tau, 1)} asked</dd>
    <dt>loss against a naive one</dt><dd>${one.loss_ratio === null ? "–" : `${one.loss_ratio.toFixed(2)} x`}</dd>
    <dt>bias</dt><dd>${percent(one.bias, 1)}</dd><dt>looks ahead</dt><dd>${span(one.lead_s)}</dd></dl>`)}
  </section>`;
}

export function Cost({ row }) {
  const cost = row.cost ?? {};
  return html`<section class="card"><h2>Cost <small>compute-seconds of the floor</small></h2><dl class="pairs">
    <dt>an hour, now</dt><dd>${short(cost.per_hour)}</dd><dt>today</dt><dd>${short(cost.today)}</dd>
    <dt>this month, at this rate</dt><dd>${short(cost.month_forecast)}</dd></dl></section>`;
}

export function Signals({ row }) {
  return html`<section class="card"><h2>Signals</h2><table class="plain"><tbody>${(row.signals ?? []).map((one) => html`
    <tr class=${one.missing ? "bad" : ""}><th scope="row">${words(one.signal)}</th>
      <td>${one.missing ? `no data: ${words(one.missing)}` : number(one.value)}</td><td class="quiet">${one.at ? clock(one.at) : "never"}</td></tr>`)}</tbody></table></section>`;
}

export function Past({ row, at }) {
  const drift = (row.changes ?? []).filter((one) => one.foreign), starts = row.cold_starts ?? [];
  return html`<section class="card"><h2>Changed by others</h2>
    ${drift.length ? html`<ul class="lines">${drift.map((one) => html`<li>${clock(one.at, at)} ${envelope(one.before)} → ${envelope(one.after)}</li>`)}</ul>` : html`<p class="quiet">nobody else has changed it</p>`}
    <h2>Cold starts</h2>
    ${starts.length ? html`<ul class="lines">${starts.slice(0, 8).map((one) => html`<li>${one.at ? clock(one.at, at) : "earlier"}: ${span(one.took_s)}</li>`)}</ul>` : html`<p class="quiet">none was timed yet</p>`}
  </section>`;
}
