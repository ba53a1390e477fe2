"use strict";
// Shared by all plots: the data, the state, numbers and times as text, colours of the scheme.
const DATA = JSON.parse(document.getElementById("data").textContent);
const ALL = "*";
const state = { trace: ALL, actuator: DATA.actuators[0].id, set: "", other: "", sort: "violations", down: false, moment: 0 };
const at = (id) => document.getElementById(id);
const sets = new Map(DATA.sets.map((one) => [one.id, one]));
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const figures = (trace = state.trace) => DATA.figures[state.actuator][trace];
const picture = () => DATA.pictures[`${state.actuator}/${shownTrace()}`];
const shownTrace = () => (state.trace === ALL ? DATA.traces[0] : state.trace);

function make(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function share(value) {
  if (value === undefined) return "–";
  const percent = value * 100;
  if (percent === 0) return "0\u00a0%";
  if (percent < 0.005) return "<\u00a00.01\u00a0%";
  return `${percent.toFixed(percent < 1 ? 2 : percent < 20 ? 1 : 0)}\u00a0%`;
}
const ratio = (value) => (value === undefined ? "–" : `${value.toFixed(2)}×`);
const whole = (value) => (value === undefined ? "–" : value.toLocaleString("en", { maximumFractionDigits: value < 10 ? 1 : 0 }));
const plainNumber = (value) => (value === undefined ? "–" : value.toFixed(2));

function lasting(seconds) {
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

const pad = (number) => String(number).padStart(2, "0");
// A trace without a date counts days from the beginning of its scored part.
function moment(seconds, begins, withSeconds = false) {
  const tail = (h, m, s) => `${pad(h)}:${pad(m)}${withSeconds ? `:${pad(s)}` : ""}`;
  if (begins === null) {
    const rest = Math.floor(seconds % 86400);
    return `day ${Math.floor(seconds / 86400) + 1}, ${tail(Math.floor(rest / 3600), Math.floor((rest % 3600) / 60), rest % 60)}`;
  }
  const date = new Date((begins + seconds) * 1000);
  const day = date.toLocaleDateString("en", { month: "short", day: "numeric", timeZone: "UTC" });
  return `${day}, ${tail(date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds())}`;
}

function timeAxis(begins) {
  const steps = [60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 432000, 604800];
  return {
    stroke: colour("quiet"), grid: { stroke: colour("grid"), width: 1 }, ticks: { show: false }, font: FONT, size: 30,
    splits: (plot, index, low, high) => {
      const wanted = (high - low) / Math.max(2, plot.width / 120);
      const step = steps.find((each) => each >= wanted) || steps.at(-1);
      const shift = begins === null ? 0 : begins % 86400;
      const first = Math.ceil((low + shift) / step) * step - shift;
      const found = [];
      for (let value = first; value <= high; value += step) found.push(value);
      return found;
    },
    values: (plot, splits) => splits.map((value) => {
      const wholeDays = splits.length > 1 && splits[1] - splits[0] >= 86400;
      const text = moment(value, begins);
      return wholeDays ? text.split(",")[0] : text.split(", ")[text.endsWith("00:00") ? 0 : 1];
    }),
  };
}
const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif';
const valueAxis = (extra = {}) => ({
  stroke: colour("quiet"), grid: { stroke: colour("grid"), width: 1 }, ticks: { show: false }, font: FONT, size: 46, ...extra,
});

function unrun(pairs) {
  const values = [];
  for (let index = 0; index < pairs.length; index += 2) for (let n = 0; n < pairs[index + 1]; n += 1) values.push(pairs[index]);
  return values;
}

function sizeOf(node) { return { width: Math.max(200, node.clientWidth), height: node.clientHeight }; }

// --- risk against cost ---------------------------------------------------------------------
const LOWEST = 0.0001; // nothing at all is drawn on the lowest line of the logarithmic scale
const costOf = (found) => found.cost_pooled ?? found.cost_vs_oracle;
function points() {
  return Object.entries(figures()).map(([id, found]) => ({
    id, found, kind: sets.get(id).kind, label: sets.get(id).label,
    x: costOf(found), y: Math.max(LOWEST, found.violations),
  })).sort((a, b) => a.x - b.x);
}
// A set is on the frontier when nobody who may exist is both cheaper and safer.
function frontier(list) {
  let best = Infinity;
  return list.filter((point) => {
    if (point.kind === "ideal" || point.found.violations >= best) return false;
    best = point.found.violations;
    return true;
  });
}

let frontierPlot = null;
function drawFrontier() {
  const host = at("frontier");
  frontierPlot?.destroy();
  host.replaceChildren();
  const list = points();
  const tip = make("div", { className: "tip" });
  const xs = list.map((point) => point.x), ys = list.map((point) => point.y);
  const low = Math.min(0.95, ...xs) * 0.95, high = Math.max(...xs) * 1.12;
  const top = Math.min(1.25, Math.max(0.02, ...ys) * 1.7), bottom = Math.min(0.0007, ...ys) * 0.75;
  const ticks = [0.2, 0.5, 1, 1.25, 1.5, 2, 3, 4, 6, 8, 12, 20, 50].filter((value) => value >= low && value <= high);
  const room = (host.clientWidth - 100) / Math.log(high / low); // marks closer than 40 px would touch
  for (let index = ticks.length - 2; index > 0; index -= 1) if (room * Math.log(ticks[index + 1] / ticks[index]) < 40) ticks.splice(index, 1);
  const small = host.clientWidth < 520;
  frontierPlot = new uPlot({
    ...sizeOf(host), legend: { show: false }, padding: [14, 16, 0, 0],
    cursor: { drag: { x: false, y: false }, points: { show: false }, x: false, y: false },
    scales: { x: { time: false, distr: 3, range: () => [low, high] }, y: { distr: 3, range: () => [bottom, top] } },
    axes: [
      valueAxis({ size: 26, label: small ? "replica-hours over the oracle's  →" : "replica-hours, as a multiple of the oracle's  →  dearer", labelFont: FONT, labelSize: 20, splits: () => ticks, filter: (plot, splits) => splits, values: (plot, splits) => splits.map((value) => `${value}×`) }),
      valueAxis({ size: 74, label: "requests without room  →  riskier", labelFont: FONT, labelSize: 22, splits: () => [0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1].filter((value) => value >= bottom && value <= top), filter: (plot, splits) => splits, values: (plot, splits) => splits.map((value) => (value === LOWEST ? "≈ 0" : share(value))) }),
    ],
    series: [{}, { stroke: "transparent", points: { show: false }, paths: () => null }],
    hooks: {
      draw: [(plot) => drawPoints(plot, list)],
      setCursor: [(plot) => pointAt(plot, list, tip)],
    },
  }, [xs, ys], host);
  frontierPlot.over.append(tip);
  frontierPlot.over.addEventListener("click", () => {
    const near = nearest(frontierPlot, list);
    if (near && near.kind !== "ideal") choose({ set: near.id });
  });
}

function place(plot, point) {
  return { x: plot.valToPos(point.x, "x", true), y: plot.valToPos(point.y, "y", true) };
}

function drawPoints(plot, list) {
  const { ctx } = plot, ratioOf = devicePixelRatio;
  ctx.save();
  ctx.lineWidth = 1.5 * ratioOf;
  ctx.setLineDash([5 * ratioOf, 5 * ratioOf]);
  ctx.strokeStyle = colour("quiet");
  ctx.globalAlpha = 0.6;
  ctx.beginPath();
  frontier(list).map((point) => place(plot, point)).forEach((spot, index) => (index ? ctx.lineTo(spot.x, spot.y) : ctx.moveTo(spot.x, spot.y)));
  ctx.stroke();
  ctx.globalAlpha = 1;
  ctx.setLineDash([]);
  const taken = list.map((point) => { const spot = place(plot, point); return { x: spot.x - 7 * ratioOf, y: spot.y - 7 * ratioOf, w: 14 * ratioOf, h: 14 * ratioOf }; });
  const rank = { yours: 0, ours: 1, today: 2, ideal: 3, peer: 4 };
  for (const point of list) mark(ctx, place(plot, point), point, ratioOf);
  for (const point of [...list].sort((a, b) => rank[a.kind] - rank[b.kind])) label(plot, ctx, point, taken, ratioOf);
  ctx.restore();
}

function mark(ctx, spot, point, unit) {
  const own = colour(point.kind), chosen = point.id === state.set;
  const size = (point.kind === "peer" || point.kind === "ideal" ? 4.5 : 6.5) * unit;
  ctx.beginPath();
  if (point.kind === "today") ctx.rect(spot.x - size * 0.9, spot.y - size * 0.9, size * 1.8, size * 1.8);
  else if (point.kind === "yours") { ctx.moveTo(spot.x, spot.y - size * 1.3); ctx.lineTo(spot.x + size * 1.3, spot.y); ctx.lineTo(spot.x, spot.y + size * 1.3); ctx.lineTo(spot.x - size * 1.3, spot.y); ctx.closePath(); }
  else ctx.arc(spot.x, spot.y, size, 0, 7);
  ctx.fillStyle = point.kind === "peer" || point.kind === "ideal" ? colour("sheet") : own;
  ctx.strokeStyle = own;
  ctx.lineWidth = 2 * unit;
  ctx.fill();
  ctx.stroke();
  if (!chosen) return;
  ctx.beginPath();
  ctx.arc(spot.x, spot.y, size + 6 * unit, 0, 7);
  ctx.lineWidth = 1.5 * unit;
  ctx.stroke();
}

function label(plot, ctx, point, taken, unit) {
  const strong = point.kind === "ours" || point.kind === "yours" || point.kind === "today";
  ctx.font = `${strong ? "600 " : ""}${12 * unit}px system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif`;
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  const spot = place(plot, point), width = ctx.measureText(point.label).width, tall = 15 * unit, gap = 11 * unit;
  const tries = [[gap, 0], [-gap - width, 0], [-width / 2, -gap - 4 * unit], [-width / 2, gap + 4 * unit], [gap, -gap], [gap, gap], [-gap - width, -gap], [-gap - width, gap], [gap, -2 * gap], [gap, 2 * gap], [-width / 2, -2.4 * gap], [-width / 2, 2.4 * gap], [-gap - width, -2 * gap], [-gap - width, 2 * gap], [0, -3.2 * gap], [0, 3.2 * gap]];
  const inside = plot.bbox;
  for (const [dx, dy] of tries) {
    const box = { x: spot.x + dx, y: spot.y + dy - tall / 2, w: width, h: tall };
    if (box.x < inside.left || box.x + width > inside.left + inside.width + 10 * unit) continue;
    if (box.y < inside.top - 6 * unit || box.y + tall > inside.top + inside.height) continue;
    if (taken.some((other) => box.x < other.x + other.w && other.x < box.x + box.w && box.y < other.y + other.h && other.y < box.y + box.h)) continue;
    taken.push(box);
    ctx.fillStyle = strong ? colour(point.kind) : colour("quiet");
    ctx.fillText(point.label, box.x, spot.y + dy);
    return;
  }
}

function nearest(plot, list) {
  const { left, top } = plot.cursor;
  if (left === undefined || left < 0) return null;
  let best = null, least = 26 * 26;
  for (const point of list) {
    const dx = plot.valToPos(point.x, "x") - left, dy = plot.valToPos(point.y, "y") - top;
    if (dx * dx + dy * dy < least) { least = dx * dx + dy * dy; best = point; }
  }
  return best;
}

function pointAt(plot, list, tip) {
  const near = nearest(plot, list);
  plot.over.style.cursor = near ? "pointer" : "default";
  tip.style.display = near ? "block" : "none";
  if (!near) return;
  tip.replaceChildren(make("b", { textContent: near.label }), `${share(near.found.violations)} without room at ${ratio(near.x)}`);
  const x = plot.valToPos(near.x, "x"), y = plot.valToPos(near.y, "y");
  tip.style.left = `${Math.max(0, Math.min(x + 14, plot.over.clientWidth - tip.offsetWidth))}px`;
  tip.style.top = `${Math.max(0, y - tip.offsetHeight - 12)}px`;
}
