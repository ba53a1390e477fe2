// What if: another policy set on the last days of one deployment, beside the present one.
import { html, useEffect, useMemo, useSignal } from "./lib.js";
import { get, one, send, url } from "./api.js";
import { Curves } from "./curves.js";
import { number, percent, words } from "./format.js";
import { useGet } from "./load.js";
import { deployment, params, set } from "./route.js";

const ASK_MS = 700;
const DAYS = [1, 3, 7, 14];
const SETS = { current: "as it is", changed: "changed", platform: "the platform alone" };
const SHOWN = [
  ["violations", "requests without room", (v) => percent(v, 2)], ["unserved", "work not served", (v) => percent(v, 2)], ["late", "late by over 10 s", (v) => percent(v, 2)],
  ["time_share", "time short", (v) => percent(v, 2)], ["replica_hours", "replica-hours", number], ["cost_vs_oracle", "cost against an oracle", (v) => `${v.toFixed(2)} x`],
  ["actions_per_day", "changes a day", number], ["thread_changes_per_day", "thread changes a day", number], ["coverage", "forecast held", (v) => percent(v, 1)],
];

const optionName = (name) => words(name.endsWith("_s") ? `${name.slice(0, -2)} (s)` : name);

/** What is laid over the configured policies: each one's kind, and the options that were changed. */
export const laidOver = (policies, edited) =>
  Object.fromEntries(policies.map((p) => [p.name, { kind: p.kind, ...Object.fromEntries(Object.entries(edited[p.name] ?? {}).map(written)) }]));
/** A duration as the configuration has it: window_s: 3 is written window: 3s. */
const written = ([name, value]) => (name.endsWith("_s") && typeof value === "number" ? [name.slice(0, -2), `${value}s`] : [name, value]);

function Fields({ policies, edited, change }) {
  return html`${policies.map((policy) => html`<fieldset key=${policy.name}><legend>${policy.name} <small>${policy.kind}</small></legend>
    ${Object.entries(policy.options).filter(([, v]) => typeof v === "number" || typeof v === "boolean").map(([name, value]) => {
      const now = edited[policy.name]?.[name] ?? value, id = `o-${policy.name}-${name}`;
      return html`<label for=${id} class=${now !== value ? "moved" : ""}>${optionName(name)}
        ${typeof value === "boolean" ? html`<input id=${id} type="checkbox" checked=${now} onChange=${(e) => change(policy.name, name, e.target.checked)} />`
          : html`<input id=${id} type="number" step="any" defaultValue=${value} onInput=${(e) => e.target.value !== "" && change(policy.name, name, Number(e.target.value))} />`}</label>`;
    })}</fieldset>`)}`;
}

function Table({ sets }) {
  const names = Object.keys(SETS).filter((name) => sets[name]);
  const rows = SHOWN.filter(([id]) => names.some((name) => Number.isFinite(sets[name][id])));
  return html`<div class="wide-table"><table class="plain measures"><thead><tr><th>measure</th>${names.map((name) => html`<th class="number">${SETS[name]}</th>`)}</tr></thead>
    <tbody>${rows.map(([id, text, show]) => html`<tr><th scope="row">${text}</th>${names.map((name) => html`<td class="number">${Number.isFinite(sets[name][id]) ? show(sets[name][id]) : "–"}</td>`)}</tr>`)}</tbody></table></div>`;
}

function Result({ result }) {
  return html`<section class="card"><p class="sentence">${result.verdict}</p>
    ${(result.warnings ?? []).map((text) => html`<p class="warn">${text}</p>`)}
    <${Table} sets=${result.sets} /><${Curves} curves=${result.curves} names=${SETS} /></section>`;
}

function useJob() {
  const job = useSignal(null);
  const id = job.value?.id, running = job.value?.state === "queued" || job.value?.state === "running";
  useEffect(() => {
    if (!id || !running) return undefined;
    const timer = setInterval(async () => {
      try { job.value = { ...(await get(`/api/v1/what-if/${encodeURIComponent(id)}`)), id }; }
      catch (error) { job.value = { id, state: "failed", problem: error.message }; }
    }, ASK_MS);
    return () => clearInterval(timer);
  }, [id, running]);
  return [job, running];
}

function Editor({ row, start, running, days }) {
  const edited = useSignal({}), raw = useSignal(null), wrong = useSignal("");
  const policies = row.policies ?? [];
  const mine = policies.filter((p) => !p.shadow);
  const whole = useMemo(() => laidOver(mine, edited.value), [policies, edited.value]);
  const change = (policy, name, value) => { edited.value = { ...edited.value, [policy]: { ...edited.value[policy], [name]: value } }; raw.value = null; };
  const run = (event) => {
    event.preventDefault();
    try {
      wrong.value = "";
      start(raw.value === null ? whole : JSON.parse(raw.value));
    } catch (error) { wrong.value = `the policy set is not JSON: ${error.message}`; }
  };
  return html`<form class="card editor" onSubmit=${run}>
    <h2>Policies</h2><${Fields} policies=${mine} edited=${edited.value} change=${change} />
    <details><summary>As JSON, laid over the configured policies</summary><p class="quiet">Another policy can be added by its name, and one is left out with null.</p><textarea aria-label="The policy set as JSON" rows="14" spellcheck="false"
      value=${raw.value ?? JSON.stringify(whole, null, 2)} onInput=${(e) => { raw.value = e.target.value; }}></textarea></details>
    ${wrong.value && html`<p class="wrong" role="alert">${wrong.value}</p>`}
    <footer><label class="pick">past<select value=${days} onChange=${(e) => set({ days: e.target.value })}>${DAYS.map((n) => html`<option value=${n}>${n} day${n === 1 ? "" : "s"}</option>`)}</select></label>
      <button class="main" disabled=${running}>Try it</button></footer></form>`;
}

export function WhatIf() {
  const want = params.value, name = want.get("deployment") ?? "", days = Number(want.get("days") ?? 3);
  const { data: fleet } = useGet(url("/api/v1/deployments", { limit: 2000 }), { still: true });
  const { data: row, error } = useGet(name ? one(name) : null, { still: true });
  const [job, running] = useJob();
  const start = async (policies) => {
    try { job.value = { ...(await send("POST", "/api/v1/what-if", { deployment: name, policies, days })), state: "queued", progress: 0 }; }
    catch (problem) { job.value = { id: null, state: "failed", problem: problem.message }; }
  };
  const cancel = () => send("DELETE", `/api/v1/what-if/${encodeURIComponent(job.value.id)}`).catch(() => {});
  const now = job.value;
  return html`<section class="whatif"><h1>What if</h1>
    <div class="tools"><label class="pick" for="which">deployment
      <input id="which" type="search" list="names" value=${name} placeholder="which one" onChange=${(e) => set({ deployment: e.target.value.trim() })} /></label>
      <datalist id="names">${(fleet?.deployments ?? []).map((each) => html`<option value=${each.name} />`)}</datalist>
      ${name && row && html`<a href=${deployment(name)}>see it</a>`}</div>
    ${!name && html`<p class="quiet">Choose a deployment. Its last days are replayed through the same code that decides live, with the present and with changed policies. Nothing is written.</p>`}
    ${error && html`<p class="bad" role="alert">${error.message}</p>`}
    <div class="two">${row && html`<${Editor} key=${name} row=${row} start=${start} running=${running} days=${days} />`}
      <div aria-live="polite">${row && !now && html`<section class="card quiet"><h2>How it works</h2>
          <p>The last days of ${name} are replayed through the same code that decides live: with the present policies, with the changed ones, and with the platform's own scaling alone.</p>
          <p>Nothing is written. Change an option and try it.</p></section>`}
        ${running && html`<section class="card"><p>${now.state === "queued" ? "Waits for its turn" : "Replaying"} <progress max="1" value=${now.progress ?? 0}></progress> ${percent(now.progress ?? 0)}
          <button type="button" class="small" onClick=${cancel}>Cancel</button></p></section>`}
        ${now?.state === "failed" && html`<p class="card bad" role="alert">${now.problem?.detail ?? now.problem}</p>`}
        ${now?.state === "cancelled" && html`<p class="card quiet">Cancelled.</p>`}
        ${now?.state === "done" && html`<${Result} result=${now.result} />`}</div></div>
  </section>`;
}
