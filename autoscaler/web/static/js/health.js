// How the daemon itself does: sources, platform, loop, journal, configuration.
import { html } from "./lib.js";
import { clock, number, span, words } from "./format.js";
import { useNow } from "./line.js";
import { useGet } from "./load.js";

const when = (at, now) => (at === null || at === undefined ? "never" : `${clock(at, now)} (${span(now - at)} ago)`);
const Up = ({ up }) => html`<span class=${`chip ${up ? "good" : "bad"}`}><span aria-hidden="true">${up ? "✓" : "✕"}</span> ${up ? "up" : "down"}</span>`;
const counts = (of) => Object.entries(of ?? {}).filter(([, n]) => n).map(([name, n]) => `${words(name)} ${number(n)}`).join(", ") || "none";

/** Each group's newest tick, and how long its recent ones took. */
function groups(ticks) {
  const by = new Map();
  for (const tick of ticks) by.set(tick.group, [...(by.get(tick.group) ?? []), tick]);
  return [...by].sort().map(([name, of]) => {
    const newest = of.reduce((a, b) => (a.at > b.at ? a : b)), took = of.map((one) => one.took_s).sort((a, b) => a - b);
    return { name, at: newest.at, count: of.length, median: took[took.length >> 1], longest: took.at(-1), late: Math.max(...of.map((one) => one.lag_s ?? 0)) };
  });
}

function Ticks({ ticks }) {
  return html`<div class="wide-table" tabindex="0" role="group" aria-label="Ticks by group"><table class="plain ticks"><thead><tr><th>group</th><th>last tick</th><th class="number">median</th><th class="number">longest</th><th class="number">late</th></tr></thead>
    <tbody>${groups(ticks).map((one) => html`<tr title=${`the last ${one.count} ticks`}><th scope="row">${one.name}</th><td>${clock(one.at)}</td>
      <td class="number">${ms(one.median)}</td><td class="number">${ms(one.longest)}</td><td class="number">${ms(one.late)}</td></tr>`)}</tbody></table></div>`;
}
const ms = (seconds) => (seconds < 1 ? `${Math.round(1000 * seconds)} ms` : `${seconds.toFixed(1)} s`);

function Pairs({ of }) {
  return html`<dl class="pairs">${of.map(([name, value, bad]) => html`<dt>${name}</dt><dd class=${bad ? "bad" : ""}>${value}</dd>`)}</dl>`;
}

export function Health() {
  const { data, error } = useGet("/api/v1/health"), at = useNow();
  if (!data) return html`<section class="empty">${error ? html`<h2>The health cannot be read</h2><p>${error.message}</p>` : html`<p>Reading…</p>`}</section>`;
  const { sources, platform, loop, journal, config } = data;
  return html`<section class="health"><h1>Health</h1>
    <section class="card"><h2>Sources</h2><div class="wide-table" tabindex="0" role="group" aria-label="Sources"><table class="plain"><thead><tr><th>source</th><th>state</th><th>last good answer</th><th>last error</th><th>queries</th><th>median</th></tr></thead>
      <tbody>${sources.map((one) => html`<tr><th scope="row">${one.name} <small>${one.kind}</small></th><td><${Up} up=${one.up} /></td><td>${when(one.last_ok_at, at)}</td>
        <td>${one.last_error ?? "–"}</td><td>${counts(one.outcomes)}</td><td>${one.p50_s === null ? "–" : `${Math.round(1000 * one.p50_s)} ms`}</td></tr>`)}</tbody></table></div></section>
    <div class="cards">
      <section class="card"><h2>Platform</h2><${Pairs} of=${[
        ["breaker", platform.breaker_open ? "open: nothing is asked" : "closed", platform.breaker_open], ["pace", `${number(platform.pace_per_second)} requests a second`],
        ["waited for the pace", span(platform.waited_s)], ["last good answer", when(platform.last_ok_at, at)], ["last error", platform.last_error ?? "none", platform.last_error],
        ["requests", counts(platform.requests)], ["retries", counts(platform.retries)]]} /></section>
      <section class="card"><h2>Loop</h2><${Pairs} of=${[["lag", `${Math.round(1000 * (loop.lag_s ?? 0))} ms`, loop.lag_s > 0.25]]} /><${Ticks} ticks=${loop.ticks ?? []} /></section>
      <section class="card"><h2>Journal</h2><${Pairs} of=${[["state", journal.up ? "records" : "cannot record: nothing is written to the platform", !journal.up],
        ["size", journal.bytes === null ? "–" : `${number(journal.bytes / 1048576)} MiB`], ["decisions kept", number(journal.decisions)], ["place", journal.place]]} /></section>
      <section class="card"><h2>Configuration</h2><${Pairs} of=${[["file", config.file], ["mark", config.digest], ["taken over", when(config.loaded_at, at)],
        ["last reload", config.reload_failed_at && config.reload_failed_at > (config.loaded_at ?? 0) ? `failed ${when(config.reload_failed_at, at)}: ${config.problem ?? ""}` : "good", config.reload_failed_at > (config.loaded_at ?? 0)],
        ["changed then", (config.changed ?? []).join(", ") || "nothing"]]} /></section>
    </div></section>`;
}
