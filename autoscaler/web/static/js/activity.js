// Everything that happened: changes, refusals, errors, overrides, reloads.
import { html, useEffect, useSignal } from "./lib.js";
import { get, url } from "./api.js";
import { KINDS, clock, moment, words } from "./format.js";
import { useNow } from "./line.js";
import { beat } from "./live.js";
import { deployment, params, set } from "./route.js";

const PAGE = 100;
// What changed nothing is recorded too, and would bury the rest.
const EVENTFUL = Object.keys(KINDS).filter((kind) => kind !== "unchanged").join(",");
const SETS = [
  ["", "what happened"], ["all", "everything"], ["applied", "changes"], ["refused,failed", "errors"], ["recommended", "recommendations"],
  ["held,deferred", "held back"], ["override_added,override_ended,override_expired,look", "operators"], ["drift", "drift"], ["reload,reload_failed,started,stopped", "the daemon"],
];

function asked(cursor) {
  const want = params.value;
  const day = (name) => { const text = want.get(name); return text ? Date.parse(text) / 1000 : ""; };
  // The address of one entry carries its moment, so that it is found however old it is.
  const when = want.get("when") ?? "";
  const kind = want.get("kind") ?? "";
  return { kind: when || kind === "all" ? "" : kind || EVENTFUL, deployment: want.get("deployment") ?? "", from: when || day("from"), to: when || day("to"), limit: PAGE, cursor };
}

function useActivity(what) {
  const found = useSignal({ what: null, entries: [], next: null, error: null });
  const pulse = beat.value;
  useEffect(() => {
    const abort = new AbortController();
    get(url("/api/v1/activity", asked()), abort.signal).then(
      ({ activity, next }) => {
        const before = found.value;
        const same = before.what === what && before.entries.length > PAGE;
        // What was loaded further down stays; only the top is new.
        const seen = new Set(activity.map((one) => one.seq));
        const entries = same ? [...activity, ...before.entries.filter((one) => !seen.has(one.seq))] : activity;
        found.value = { what, entries, next: same ? before.next : next, error: null };
      },
      (error) => { if (error.name !== "AbortError") found.value = { ...found.value, error }; },
    );
    return () => abort.abort();
  }, [what, pulse]);
  const more = async () => {
    const { activity, next } = await get(url("/api/v1/activity", asked(found.value.next)));
    found.value = { ...found.value, entries: [...found.value.entries, ...activity], next };
  };
  return [found.value, more];
}

function Entry({ one, at }) {
  const [kind, glyph] = KINDS[one.kind] ?? ["calm", "·"];
  const link = one.deployment && KINDS[one.kind] && one.ref && !one.kind.startsWith("override") ? `${deployment(one.deployment)}?decision=${encodeURIComponent(one.ref)}` : one.deployment ? deployment(one.deployment) : null;
  return html`<li id=${`e${one.seq}`} class="entry" data-row>
    <a class="when" href=${`/activity?at=${one.seq}&when=${one.at}`} title=${`${moment(one.at)}, entry ${one.seq}`}>${clock(one.at, at)}</a>
    <span class=${`chip ${kind}`}><span aria-hidden="true">${glyph}</span> ${words(one.kind)}</span>
    <span class="whom">${link ? html`<a href=${link}>${one.deployment}</a>` : one.group ?? ""}</span>
    <span class="text">${one.summary}</span><span class="quiet actor">${one.actor}</span></li>`;
}

export function Activity() {
  const want = params.value, what = JSON.stringify(asked()), [found, more] = useActivity(what), at = useNow(5000);
  const exported = (format) => url("/api/v1/activity", { ...asked(), limit: "", format });
  const kind = want.get("kind") ?? "";
  const only = want.get("at");
  const entries = only ? found.entries.filter((one) => String(one.seq) === only) : found.entries;
  return html`<section class="activity"><h1>Activity</h1>
    <div class="tools">
      <div class="chips" role="group" aria-label="Kind">${SETS.map(([id, text]) => html`
        <button type="button" class=${kind === id ? "chip on" : "chip"} aria-pressed=${kind === id} onClick=${() => set({ kind: id, at: "", when: "" })}>${text}</button>`)}</div>
      <label class="pick">deployment<input type="search" value=${want.get("deployment") ?? ""} placeholder="all" onChange=${(e) => set({ deployment: e.target.value.trim() })} /></label>
      <label class="pick">from<input type="datetime-local" value=${want.get("from") ?? ""} onChange=${(e) => set({ from: e.target.value })} /></label>
      <label class="pick">to<input type="datetime-local" value=${want.get("to") ?? ""} onChange=${(e) => set({ to: e.target.value })} /></label>
      <span class="aside">Export <a download="activity.csv" href=${exported("csv")}>CSV</a> <a download="activity.jsonl" href=${exported("jsonl")}>JSONL</a></span>
    </div>
    ${only && html`<p>Entry ${only} alone. <button type="button" class="link" onClick=${() => set({ at: "", when: "" })}>Show all</button></p>`}
    ${found.error && html`<p class="bad" role="alert">${found.error.message}</p>`}
    <ol class="entries">${entries.map((one) => html`<${Entry} key=${one.seq} one=${one} at=${at} />`)}</ol>
    ${!entries.length && !found.error && html`<p class="quiet">${found.what ? "Nothing of that happened." : "Reading…"}</p>`}
    ${found.next && !only && html`<button type="button" onClick=${more}>Show more</button>`}
  </section>`;
}
