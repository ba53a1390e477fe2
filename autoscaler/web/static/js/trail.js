// A decision's whole trail: seen, said, merged, guarded, planned, written, answered.
import { html } from "./lib.js";
import { KINDS, clock, envelope, moment, number, span, words } from "./format.js";
import { useGet } from "./load.js";

const DIAL = { min_replicas: "floor", max_replicas: "ceiling", threads: "threads" };
const dial = (name) => DIAL[name] ?? words(name);

function Seen({ told }) {
  return html`<section><h3>Seen</h3><table class="plain"><tbody>
    <tr><th scope="row">deployment</th><td>${words(told.state?.toLowerCase())}, envelope ${envelope(told.before)}</td><td class="quiet">${span(told.envelope_age_s)} old</td></tr>
    ${told.seen.map((one) => html`<tr class=${one.missing ? "bad" : ""}><th scope="row">${words(one.name)}</th>
      <td>${one.missing ? html`no data: ${words(one.missing)}${one.detail ? `, ${one.detail}` : ""}` : number(one.value)}${one.complete === false ? " (partial)" : ""}</td>
      <td class="quiet">${one.age_s === null ? "never" : one.age_s < 0 ? `${span(-one.age_s)} ahead` : `${span(one.age_s)} old`}</td></tr>`)}
  </tbody></table></section>`;
}

function Said({ votes }) {
  if (!votes.length) return null;
  return html`<section><h3>Said by the policies</h3><ul class="said">${votes.map((one) => html`
    <li class=${one.shadow ? "shadow" : one.kind === "abstain" ? "quiet" : ""}><b>${one.policy}</b>${one.shadow ? " (shadow, not counted)" : ""}:${" "}${one.kind === "abstain" ? "abstains" : Object.entries(one.bids).map(([name, bid]) => `${dial(name)} ${bid}`).join("; ")}
      <span class="because">${one.sentence}</span></li>`)}</ul></section>`;
}

function Trail({ told }) {
  return html`<section><h3>Trail</h3>
    ${told.trail.length ? html`<ol class="trail">${told.trail.map((step) => html`
      <li><span class="move">${dial(step.dial)} ${step.before} → ${step.after}</span> <span class="by">${words(step.by)}</span>
        <span class="because">${step.sentence}</span></li>`)}</ol>` : html`<p class="quiet">No dial was moved.</p>`}
    ${told.hold && html`<p class="held"><b>Held by ${words(told.hold.by)}:</b> ${told.hold.sentence}</p>`}
  </section>`;
}

function Ending({ told }) {
  const out = told.outcome, [kind, mark] = KINDS[out.kind] ?? ["calm", "·"];
  return html`<section><h3>Plan and outcome</h3><table class="plain"><tbody>
    <tr><th scope="row">plan</th><td>${envelope(told.before)} → <b>${envelope(told.after)}</b></td></tr>
    <tr><th scope="row">wanted</th><td>${envelope(told.wanted)}</td></tr>
    <tr><th scope="row">outcome</th><td><span class=${`chip ${kind}`}><span aria-hidden="true">${mark}</span> ${out.kind}</span> ${out.sentence} <span class="quiet">(${out.code})</span></td></tr>
    ${out.status && html`<tr><th scope="row">PUT</th><td>answered ${out.status}${out.took_s === null ? "" : ` in ${out.took_s.toFixed(2)} s`}</td></tr>`}
    ${out.actual && html`<tr><th scope="row">read back</th><td>${envelope(out.actual)}</td></tr>`}
  </tbody></table></section>`;
}

/** The trail of a decision that is at hand. */
export function Told({ told }) {
  return html`<article class="told" aria-label="Decision">
    <header><h2>${clock(told.at)} <small title=${moment(told.at)}>${told.mode ? words(told.mode) : ""} · ${told.id}</small></h2>
      <p class="sentence">${told.headline}</p>${told.told && html`<p>${told.told}</p>`}</header>
    <div class="sections"><${Seen} told=${told} /><${Said} votes=${told.votes} /><${Trail} told=${told} /><${Ending} told=${told} /></div>
  </article>`;
}

/** The trail of a decision by its id. */
export function ById({ id }) {
  const { data, error } = useGet(`/api/v1/decisions/${encodeURIComponent(id)}`, { still: true });
  if (error) return html`<p class="bad">This decision cannot be shown: ${error.message}</p>`;
  return data ? html`<${Told} told=${data} />` : html`<p class="quiet">Reading the decision…</p>`;
}
