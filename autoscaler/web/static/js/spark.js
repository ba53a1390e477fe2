// A sparkline: an SVG path of at most 48 numbers, gaps left open.
import { html, signal } from "./lib.js";
import { get, url } from "./api.js";

const W = 96, H = 26;
const FRESH_MS = 30_000, AT_ONCE = 100, WAIT_MS = 120;
const lines = signal({});
/** How much time the lines show, seconds. */
export const shown = signal(21_600);
const wanted = new Set(), askedAt = new Map();
let due = null;

function want(name) {
  if (performance.now() - (askedAt.get(name) ?? -Infinity) < FRESH_MS) return;
  wanted.add(name);
  // Rows that are scrolled past ask for nothing: only those still wanted after a moment.
  due ??= setTimeout(fetchThem, WAIT_MS);
}

async function fetchThem() {
  const names = [...wanted].slice(0, AT_ONCE);
  wanted.clear();
  due = null;
  for (const name of names) askedAt.set(name, performance.now());
  try {
    const answer = await get(url("/api/v1/sparklines", { names: names.join(",") }));
    shown.value = answer.to - answer.from;
    lines.value = { ...lines.value, ...answer.lines };
  } catch {
    for (const name of names) askedAt.delete(name);
  }
}

/** The path of numbers, null for gaps, in a box of W x H. */
export function path(values, width = W, height = H) {
  const known = values.filter((v) => v !== null);
  if (known.length < 2) return "";
  const most = Math.max(...known), least = Math.min(0, ...known), size = most - least || 1;
  let text = "", pen = false;
  values.forEach((value, at) => {
    if (value === null) { pen = false; return; }
    const x = (at / (values.length - 1)) * width, y = height - 2 - ((value - least) / size) * (height - 4);
    text += `${pen ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = true;
  });
  return text;
}

export function Spark({ name }) {
  want(name);
  const values = lines.value[name];
  return html`<svg class="spark" viewBox=${`0 0 ${W} ${H}`} width=${W} height=${H} aria-hidden="true">
    ${values && html`<path d=${path(values)} />`}</svg>`;
}
