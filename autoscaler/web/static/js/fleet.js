// The fleet: every deployment, problems on top, as many rows as fit the window and no more.
import { html, useLayoutEffect, useMemo, useRef, useSignal } from "./lib.js";
import { get, mayWrite, session, url } from "./api.js";
import { Controls } from "./dialog.js";
import { STATUS, brief, number, words } from "./format.js";
import { useNow } from "./line.js";
import { useAsk } from "./load.js";
import { COLUMNS, Row } from "./row.js";
import { params, set } from "./route.js";
import { shown } from "./spark.js";

const PAGE = 2000;
const SPARE = 6;
const ORDER = Object.keys(STATUS);
const rank = (row) => ORDER.indexOf(row.status);
const nameOf = (row) => row.name;

const SORTS = {
  status: (row) => [row.attention ? 0 : 1, rank(row)], name: () => [0], load: (row) => [-(row.load_share ?? -1)],
  envelope: (row) => [-(row.current?.min_replicas ?? -1)], threads: (row) => [-(row.current?.threads ?? -1)],
  decision: (row) => [row.outcome ?? ""], changed: (row) => [-(row.changed_at ?? 0)], sample: (row) => [row.sample_at ?? 0],
  event: (row) => [row.next_event?.at ?? Infinity], cost: (row) => [-(row.cost_per_hour ?? -1)], risk: (row) => [-(row.risk ?? -1)],
};

function sorted(rows, by, down) {
  const key = SORTS[by] ?? SORTS.status;
  const keyed = rows.map((row) => [key(row), row]);
  const sign = down ? -1 : 1;
  keyed.sort(([a, one], [b, other]) => {
    for (let at = 0; at < a.length; at += 1) if (a[at] !== b[at]) return sign * (a[at] < b[at] ? -1 : 1);
    const order = nameOf(one) < nameOf(other) ? -1 : 1;
    return by === "name" ? sign * order : order;
  });
  return keyed.map(([, row]) => row);
}

const matches = (row, text) =>
  [row.name, row.group, row.mode, row.state, row.status, row.outcome, row.why].some((t) => t && String(t).toLowerCase().includes(text));

let before = null;

/** The whole fleet, page after page; the same object as before when nothing changed. */
async function everybody() {
  const pages = [await get(url("/api/v1/deployments", { limit: PAGE }))];
  while (pages.at(-1).next) pages.push(await get(url("/api/v1/deployments", { limit: PAGE, cursor: pages.at(-1).next })));
  const same = before && before.pages.length === pages.length && pages.every((page, at) => page === before.pages[at]);
  if (!same) before = { pages, rows: pages.flatMap((page) => page.deployments) };
  return before;
}

function Chips({ rows, picked }) {
  const counts = {};
  for (const row of rows) counts[row.status] = (counts[row.status] ?? 0) + 1;
  const pick = (status) => set({ status: picked === status ? "" : status });
  return html`<div class="chips" role="group" aria-label="Filter by status">
    <button type="button" class=${picked ? "chip" : "chip on"} aria-pressed=${!picked} onClick=${() => set({ status: "" })}>all <b>${number(rows.length)}</b></button>
    ${ORDER.filter((status) => counts[status] || status === picked).map((status) => html`
      <button type="button" key=${status} class=${`chip ${STATUS[status][0]} ${picked === status ? "on" : ""}`} aria-pressed=${picked === status}
        onClick=${() => pick(status)}><span aria-hidden="true">${STATUS[status][1]}</span> ${status} <b>${number(counts[status] ?? 0)}</b></button>`)}
  </div>`;
}

function Pick({ name, values, value }) {
  if (values.length < 2 && !value) return null;
  return html`<label class="pick">${name}<select value=${value} onChange=${(e) => set({ [name]: e.target.value })}>
    <option value="">all</option>${values.map((one) => html`<option value=${one}>${words(one)}</option>`)}</select></label>`;
}

function Head({ by, down }) {
  const turn = (column) => set(by === column ? { order: down ? "" : "desc" } : { sort: column === "status" ? "" : column, order: "" });
  return html`<div class="fr head" role="row">${COLUMNS.map(([id, text]) => html`
    <div role="columnheader" class=${`c-${id}`} aria-sort=${by === id ? (down ? "descending" : "ascending") : undefined}>
      ${SORTS[id] ? html`<button type="button" onClick=${() => turn(id)}>${text}<span aria-hidden="true">${by === id ? (down ? " ▾" : " ▴") : ""}</span></button>` : id === "spark" ? brief(shown.value) : text}
    </div>`)}</div>`;
}

/** Rows as they were drawn before, where nothing of them changed: scrolling draws new ones alone. */
function useDrawn() {
  const drawn = useRef(new Map());
  return (list, first, tall, at) => {
    const next = new Map();
    const shown = list.map((row, place) => {
      const top = (first + place) * tall, old = drawn.current.get(row.name);
      const same = old && old.row === row && old.top === top && old.at === at;
      const kept = same ? old : { row, top, at, node: html`<${Row} key=${row.name} row=${row} at=${at} index=${first + place} top=${top} />` };
      next.set(row.name, kept);
      return kept.node;
    });
    drawn.current = next;
    return shown;
  };
}

/** Which rows are in sight, from the scroller's place and size. */
function useWindow(scroller, count) {
  const sight = useSignal({ first: 0, last: 40, tall: 44 });
  useLayoutEffect(() => {
    const box = scroller.current;
    if (!box) return undefined;
    let tall = 44;
    const measure = () => {
      const first = Math.max(0, Math.floor(box.scrollTop / tall) - SPARE);
      const last = Math.ceil((box.scrollTop + box.clientHeight) / tall) + SPARE;
      const old = sight.value;
      if (old.first !== first || old.last !== last || old.tall !== tall) sight.value = { first, last, tall };
    };
    // Asking for a style makes the browser settle all of them: only when the size changes.
    const resized = () => { tall = parseFloat(getComputedStyle(box).getPropertyValue("--row")) || tall; measure(); };
    resized();
    box.addEventListener("scroll", measure, { passive: true });
    const sizes = new ResizeObserver(resized);
    sizes.observe(box);
    return () => { box.removeEventListener("scroll", measure); sizes.disconnect(); };
  }, [count === null]);
  return sight;
}

export function Fleet() {
  const { data, error } = useAsk("fleet", everybody), scroller = useRef(), draw = useDrawn(), at = Math.floor(useNow());
  const rows = data?.rows ?? null, want = params.value;
  const list = useMemo(() => {
    if (!rows) return null;
    const text = (want.get("q") ?? "").trim().toLowerCase();
    const keep = ["status", "group", "mode"].map((name) => [name, want.get(name)]).filter(([, value]) => value);
    const left = rows.filter((row) => keep.every(([name, value]) => row[name] === value) && (!text || matches(row, text)));
    return sorted(left, want.get("sort") ?? "status", want.get("order") === "desc");
  }, [rows, want]);
  const sight = useWindow(scroller, list === null ? null : 1).value;
  if (!rows) return html`<section class="empty">${error ? html`<h2>The fleet cannot be read</h2><p>${error.message}</p>` : html`<p>Reading the fleet…</p>`}</section>`;
  const { first, last, tall } = sight;
  const groups = [...new Set(rows.map((row) => row.group))].sort(), modes = [...new Set(rows.map((row) => row.mode))].sort();
  return html`<section class="fleet" aria-label="Fleet">
    <h1 class="hidden">Fleet</h1>
    <div class="tools">
      <label class="hidden" for="search">Search deployments</label>
      <input id="search" type="search" placeholder="Search  ( / )" autocomplete="off" spellcheck="false" value=${want.get("q") ?? ""} onInput=${(e) => set({ q: e.target.value })} />
      <${Chips} rows=${rows} picked=${want.get("status") ?? ""} />
      <${Pick} name="group" values=${groups} value=${want.get("group") ?? ""} />
      <${Pick} name="mode" values=${modes} value=${want.get("mode") ?? ""} />
      <span class="count" role="status">${number(list.length)} shown</span>
      ${mayWrite() ? html`<${Controls} where=${want.get("group") ? `group:${want.get("group")}` : "fleet"} few />`
        : session.value.write_enabled && html`<span class="hint">sign in to steer</span>`}
    </div>
    <div class="scroller" ref=${scroller} tabindex="0" role="table" aria-label="Deployments, problems first" aria-rowcount=${list.length + 1}>
      <div role="rowgroup"><${Head} by=${want.get("sort") ?? "status"} down=${want.get("order") === "desc"} /></div>
      <div role="rowgroup" class="rows" style=${{ height: `${list.length * tall}px` }}>
        ${draw(list.slice(first, last), first, tall, at)}
      </div>
      ${!list.length && html`<p class="none">${rows.length ? "Nothing fits." : "No deployment is managed yet."} <button type="button" class="link" onClick=${() => set({ q: "", status: "", group: "", mode: "" })}>Show all</button></p>`}
    </div>
  </section>`;
}
