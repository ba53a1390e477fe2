// One time axis, three panes: load with its forecast, envelope with every decision, threads.
import { html, useEffect, useRef } from "./lib.js";
import uPlot from "/static/vendor/uplot.js";
import { KINDS, clock, number, times as labelsOf } from "./format.js";

const CURSOR = "deployment";
const MARKS = 250;
const CROWDED_PX = 24;

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** Marks that are drawn: whatever acted or went wrong, the newest where there are too many. */
export function marked(decisions) {
  const acts = decisions.filter((one) => one.kind !== "unchanged" && one.kind !== "recommended" && one.kind !== "held" && one.kind !== "deferred");
  return (acts.length ? acts : decisions.filter((one) => one.kind === "recommended")).slice(0, MARKS);
}

const raised = (one) => {
  const size = (e) => [e.min_replicas, e.max_replicas, e.threads];
  const before = size(one.before), after = size(one.actual ?? one.after);
  const at = before.findIndex((value, place) => value !== after[place]);
  return at < 0 ? 0 : Math.sign(after[at] - before[at]);
};

export function glyph(one) {
  if (one.kind === "applied" || one.kind === "recommended") return { 1: "▲", "-1": "▼", 0: "●" }[raised(one)];
  return KINDS[one.kind]?.[1] ?? "●";
}

const scaleTop = (u, least, most) => [0, most > 0 ? most * 1.12 : 1];

// Replicas and threads are whole numbers, and so are the lines between them.
const WHOLE = [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000, 10_000];

function axes(times, whole) {
  const line = { stroke: color("quiet"), font: "12px system-ui, sans-serif", grid: { stroke: color("grid"), width: 1 }, ticks: { show: false } };
  return [
    { ...line, show: times, size: (u, labels) => (times ? (labels?.some((text) => text.includes("\n")) ? 42 : 26) : 0), values: (u, splits, axis, space, step) => labelsOf(splits, step) },
    { ...line, size: 52, values: (u, splits) => splits.map(number), ...(whole ? { incrs: WHOLE } : {}) },
  ];
}

function options(width, height, { times = false, whole = false }, series, bands, hooks, zoom) {
  return {
    width, height, series: [{}, ...series], bands, axes: axes(times, whole), legend: { show: false }, padding: [12, 24, times ? 0 : 4, 0],
    scales: { x: { time: true }, y: { range: scaleTop } },
    cursor: { sync: { key: CURSOR }, drag: { x: true, y: false }, points: { size: 6 }, focus: { prox: 30 } },
    hooks: { ...hooks, setSelect: [(u) => {
      if (u.select.width < 8) return;
      zoom(u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x"));
      u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    }] },
  };
}

const stepped = () => uPlot.paths.stepped({ align: 1 });
const plain = (label, name, more = {}) => ({ label, stroke: color(name), width: 1.6, points: { show: false }, ...more });

function loadPane(data, width, zoom, hooks) {
  const series = [
    plain("load", "load"), plain("forecast", "forecast", { dash: [5, 3] }), plain("keep", "forecast", { width: 0 }),
    plain("ceiling forecast", "forecast", { width: 0 }), plain("capacity of the floor", "capacity", { paths: stepped() }),
  ];
  const bands = [{ series: [4, 3], fill: color("forecast-soft") }];
  const columns = [data.at, data.load, data.forecast, data.keep, data.ceiling_forecast, data.capacity];
  return [options(width, 190, {}, series, bands, hooks, zoom), columns];
}

function envelopePane(data, width, zoom, hooks) {
  const series = [plain("ceiling", "ceiling", { paths: stepped() }), plain("floor", "floor", { paths: stepped() })];
  const bands = [{ series: [1, 2], fill: color("envelope-soft") }];
  return [options(width, 150, { whole: true }, series, bands, hooks, zoom), [data.at, data.ceiling, data.floor]];
}

function threadPane(data, width, zoom, hooks) {
  return [options(width, 92, { times: true, whole: true }, [plain("threads", "threads", { paths: stepped() })], [], hooks, zoom), [data.at, data.threads]];
}

/** Draws "now" as a line and what lies ahead of it in a lighter ground. */
function nowLine(at) {
  return (u) => {
    const x = Math.round(u.valToPos(at(), "x", true));
    const { left, top, width, height } = u.bbox;
    if (x < left || x > left + width) return;
    u.ctx.save();
    u.ctx.fillStyle = color("ahead");
    u.ctx.fillRect(x, top, left + width - x, height);
    u.ctx.fillStyle = color("quiet");
    u.ctx.fillRect(x, top, 1, height);
    u.ctx.restore();
  };
}

/** Buttons over the envelope, one a decision: they can be clicked, focused and read aloud. */
function pins(u, decisions, picked, pick) {
  u.over.querySelectorAll(".pin").forEach((old) => old.remove());
  const { min, max } = u.scales.x, seen = marked(decisions).filter((one) => one.at >= min && one.at <= max);
  u.over.classList.toggle("dense", seen.length * CROWDED_PX > u.over.clientWidth);
  for (const one of seen) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = `pin ${KINDS[one.kind]?.[0] ?? "calm"}${one.id === picked() ? " on" : ""}`;
    button.textContent = glyph(one);
    button.title = button.ariaLabel = `${clock(one.at)} ${one.kind}: ${one.headline}`;
    button.dataset.decision = one.id;
    button.style.left = `${u.valToPos(one.at, "x")}px`;
    const top = u.valToPos((one.actual ?? one.after).min_replicas, "y");
    button.style.top = `${Math.min(Math.max(top, 8), u.over.clientHeight - 8)}px`;
    button.addEventListener("click", () => pick(one.id));
    u.over.append(button);
  }
}

const NAMES = { load: "load", forecast: "forecast", keep: "keep", ceiling_forecast: "peak forecast", capacity: "capacity of the floor", floor: "floor", ceiling: "ceiling", threads: "threads" };

function Legend({ box }) {
  return html`<dl class="legend" ref=${box}>${Object.entries(NAMES).filter(([id]) => id !== "keep").map(([id, text]) => html`
    <div class=${`k-${id}`}><dt><i aria-hidden="true"></i>${text}</dt><dd data-of=${id}>–</dd></div>`)}<div class="when"><dt class="hidden">at</dt><dd data-of="at">–</dd></div></dl>`;
}

function tellCursor(box, data) {
  return (u) => {
    const place = u.cursor.idx ?? lastKnown(data);
    for (const item of box.current?.querySelectorAll("[data-of]") ?? []) {
      const column = data()[item.dataset.of];
      item.textContent = item.dataset.of === "at" ? clock(column?.[place]) : number(column?.[place] ?? null);
    }
  };
}

function lastKnown(data) {
  const load = data().load;
  for (let at = load.length - 1; at >= 0; at -= 1) if (load[at] !== null) return at;
  return load.length - 1;
}

/** `data` is the answer of /series, `decisions` those in the window, `now` the daemon's time. */
export function Charts({ data, decisions, picked, pick, zoom, now }) {
  const box = useRef(), legend = useRef(), kept = useRef({ plots: [] });
  Object.assign(kept.current, { data, decisions, picked, pick, zoom, now });
  useEffect(() => {
    const state = kept.current, place = box.current;
    const draw = () => {
      state.plots.forEach((u) => u.destroy());
      const width = place.clientWidth, at = nowLine(() => state.now);
      const hooks = { drawClear: [at], setCursor: [tellCursor(legend, () => state.data)] };
      const zoomed = (from, to) => state.zoom(from, to);
      const marks = (u) => pins(u, state.decisions, () => state.picked, (id) => state.pick(id));
      const panes = [loadPane(state.data, width, zoomed, hooks), envelopePane(state.data, width, zoomed, { ...hooks, draw: [marks] }), threadPane(state.data, width, zoomed, hooks)];
      state.plots = panes.map(([option, columns], at2) => new uPlot(option, columns, place.children[at2]));
      tellCursor(legend, () => state.data)({ cursor: {} });
    };
    draw();
    const sizes = new ResizeObserver(() => { if (place.clientWidth !== state.plots[0]?.width) draw(); });
    sizes.observe(place);
    addEventListener("themechange", draw);
    state.redraw = draw;
    return () => {
      sizes.disconnect();
      removeEventListener("themechange", draw);
      state.plots.forEach((u) => u.destroy());
      state.plots = [];
    };
  }, []);
  useEffect(() => {
    const [load, envelope, threads] = kept.current.plots;
    if (!load) return;
    load.setData([data.at, data.load, data.forecast, data.keep, data.ceiling_forecast, data.capacity]);
    envelope.setData([data.at, data.ceiling, data.floor]);
    threads.setData([data.at, data.threads]);
    tellCursor(legend, () => data)({ cursor: {} });
  }, [data]);
  // false: a whole redraw before the first one would forget the scales.
  useEffect(() => { kept.current.plots[1]?.redraw(false); }, [decisions, picked]);
  return html`<div class="charts" role="group" aria-label="Load, envelope and threads over time">
    <${Legend} box=${legend} />
    <div ref=${box}><div class="pane" data-pane="load"></div><div class="pane" data-pane="envelope"></div><div class="pane" data-pane="threads"></div></div>
  </div>`;
}
