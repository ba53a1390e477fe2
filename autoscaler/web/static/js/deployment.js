// One deployment: what it does, on one time axis, and why.
import { html, useSignal } from "./lib.js";
import { get, mayWrite, one, url } from "./api.js";
import { Charts, glyph } from "./charts.js";
import { Controls } from "./dialog.js";
import { Cost, Learnt, Past, Policies, Signals } from "./facts.js";
import { KINDS, clock, envelope, number, percent, span, words } from "./format.js";
import { useNow } from "./line.js";
import { now } from "./live.js";
import { useAsk, useGet } from "./load.js";
import { Chip } from "./row.js";
import { params, set } from "./route.js";
import { ById, Told } from "./trail.js";

const WINDOWS = [["15m", 900], ["1h", 3600], ["6h", 21_600], ["24h", 86_400], ["3d", 259_200], ["7d", 604_800], ["14d", 1_209_600]];
const NONE = [], ACTS = "applied,recommended,refused,failed";
const POINTS = 600, DECISIONS = 200;
// A share of the window lies ahead, so that the forecast can be seen.
const AHEAD = 0.04, MOST_AHEAD_S = 900;

function useWindow() {
  const want = params.value;
  if (want.get("from") && want.get("to")) return { from: Number(want.get("from")), to: Number(want.get("to")), fixed: true, id: null };
  const [id, size] = WINDOWS.find(([name]) => name === want.get("window")) ?? WINDOWS[1];
  return { size, id, fixed: false };
}

/** Both lists as one, newest first, each decision once. */
function merged(one, other) {
  const by = new Map([...other, ...one].map((each) => [each.id, each]));
  return [...by.values()].sort((a, b) => b.at - a.at);
}

function usePast(name, frame) {
  const fetchIt = async () => {
    const to = frame.fixed ? frame.to : Math.ceil(now() + Math.min(MOST_AHEAD_S, frame.size * AHEAD));
    const from = frame.fixed ? frame.from : to - frame.size;
    const past = `${one(name)}/decisions`;
    // Changes on their own: among thousands of calm decisions the older of them would not be told.
    const [data, all, acts] = await Promise.all([
      get(url(`${one(name)}/series`, { from, to, points: POINTS })),
      get(url(past, { from, to, limit: DECISIONS })),
      get(url(past, { from, to, limit: DECISIONS, kind: ACTS })),
    ]);
    return { data, decisions: merged(all.decisions, acts.decisions) };
  };
  const key = `past ${name} ${frame.fixed ? `${frame.from} ${frame.to}` : frame.id}`;
  const { data: past, error } = useAsk(key, fetchIt);
  return { data: past?.data ?? null, decisions: past?.decisions ?? NONE, error };
}

function Windows({ frame }) {
  return html`<div class="windows" role="group" aria-label="Window">${WINDOWS.map(([id]) => html`
    <button type="button" class=${frame.id === id ? "on" : ""} aria-pressed=${frame.id === id} onClick=${() => set({ window: id, from: "", to: "" })}>${id}</button>`)}
    ${frame.fixed && html`<button type="button" class="on" onClick=${() => set({ from: "", to: "" })}>zoomed ✕</button>`}</div>`;
}

function Timeline({ decisions, picked, pick, at }) {
  const only = useSignal("acts");
  const shown = decisions.filter((one) => only.value === "all" || !["unchanged", "held", "deferred"].includes(one.kind));
  return html`<section class="timeline card"><header><h2>Decisions</h2>
    <div class="windows" role="group" aria-label="Which decisions">${["acts", "all"].map((id) => html`
      <button type="button" class=${only.value === id ? "on" : ""} aria-pressed=${only.value === id} onClick=${() => { only.value = id; }}>${id === "acts" ? "changes" : "all"}</button>`)}</div></header>
    ${shown.length ? html`<ol>${shown.slice(0, 120).map((one) => {
      const [kind] = KINDS[one.kind] ?? ["calm"];
      return html`<li key=${one.id}><button type="button" data-row class=${picked === one.id ? "on" : ""} aria-pressed=${picked === one.id} onClick=${() => pick(one.id)}>
        <time>${clock(one.at, at)}</time><span class=${`mark ${kind}`} aria-hidden="true">${glyph(one)}</span><span class="text"><span class="hidden">${one.kind}: </span>${one.headline}</span></button></li>`;
    })}</ol>` : html`<p class="quiet">Nothing in this window.${only.value === "acts" && decisions.length ? ` ${decisions.length} other decisions.` : ""}</p>`}
  </section>`;
}

function Head({ name, row, at }) {
  const age = row.sample_at === null ? null : at - row.sample_at;
  return html`<header class="who"><div><h1>${name} <${Chip} status=${row.status} /></h1>
    <p class="quiet">${row.group} · ${words(row.mode)}${row.mode !== row.configured_mode ? ` (configured: ${words(row.configured_mode)})` : ""} ·
      ${row.state ? ` ${words(row.state.toLowerCase())}${row.ready ? ", ready" : ", not ready"}` : " not read yet"} · <span class="rid">${row.rid}</span></p></div>
    <dl class="big">
      <div><dt>load</dt><dd>${row.load?.value === null ? "no data" : number(row.load?.value)}<small>${row.load_share === null ? "" : `${percent(row.load_share)} of the floor`}</small></dd></div>
      <div><dt>floor–ceiling × threads</dt><dd>${envelope(row.current)}<small>${envelope(row.desired) !== envelope(row.current) ? `→ ${envelope(row.desired)}` : "as wanted"}</small></dd></div>
      <div><dt>sample</dt><dd class=${age > 120 ? "bad" : ""}>${age === null ? "never" : span(age)}<small>old</small></dd></div>
      ${row.limited_by && html`<div><dt>limited by</dt><dd>${words(row.limited_by)}</dd></div>`}
    </dl></header>`;
}

export function Deployment({ name }) {
  const { data: row, error } = useGet(one(name));
  const frame = useWindow(), past = usePast(name, frame), at = useNow();
  const picked = params.value.get("decision") ?? "";
  const pick = (id) => set({ decision: id === picked ? "" : id });
  const zoom = (from, to) => set({ from: Math.round(from), to: Math.round(to), window: "" });
  if (!row) {
    const near = error?.problem?.did_you_mean ?? [];
    return html`<section class="empty">${error ? html`<h2>${error.message}</h2>${near.map((other) => html`<p><a href=${`/d/${encodeURIComponent(other)}`}>${other}</a></p>`)}` : html`<p>Reading ${name}…</p>`}</section>`;
  }
  return html`<section class="deployment">
    <p class="path"><a href="/">Fleet</a> › ${name}</p>
    <${Head} name=${name} row=${row} at=${at} />
    ${row.latest && html`<p class="now"><b>${row.latest.headline}</b>${row.latest.told && html`<span class="told">${row.latest.told}</span>`}</p>`}
    ${mayWrite() && html`<${Controls} where=${name} row=${row} />`}
    <div class="card"><div class="bar-row"><${Windows} frame=${frame} /><a class="aside" href=${`/what-if?deployment=${encodeURIComponent(name)}`}>What if…</a></div>
      ${past.data ? html`<${Charts} data=${past.data} decisions=${past.decisions} picked=${picked} pick=${pick} zoom=${zoom} now=${Math.round(at)} />`
        : html`<p class="quiet">${past.error ? past.error.message : "Reading the past…"}</p>`}</div>
    <div class="two">
      <${Timeline} decisions=${past.decisions} picked=${picked} pick=${pick} at=${at} />
      <div class="card why" aria-live="polite">${picked ? html`<${ById} key=${picked} id=${picked} />`
        : row.latest ? html`<${Told} told=${row.latest} />` : html`<p class="quiet">It was not decided upon yet.</p>`}</div>
    </div>
    <div class="cards"><${Signals} row=${row} /><${Learnt} row=${row} at=${at} /><${Cost} row=${row} /><${Past} row=${row} at=${at} /></div>
    <div class="cards wide"><${Policies} row=${row} /></div>
  </section>`;
}
