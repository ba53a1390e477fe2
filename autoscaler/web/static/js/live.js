// The daemon's stream of events, read with fetch so that a token can go along; and what follows
// from it: what is connected, what time the daemon has, when to look again.
import { batch, signal } from "./lib.js";
import { headers } from "./api.js";

/** "connecting", "live" or "lost"; since when, Unix seconds. */
export const line = signal("connecting");
export const lostAt = signal(null);
/** Rises with every tick, decision, override or reload: whoever shows state looks again. */
export const beat = signal(0);
export const ticks = signal({});
/** The newest entries of activity, newest first; pages that show it put them on top. */
export const news = signal([]);
export const started = signal(null);
const NEWS = 200;
const FIRST_MS = 500, LONGEST_MS = 8000, SILENT_MS = 40_000, BEAT_MS = 1000;

let ahead = 0;
/** The daemon's own time, Unix seconds: this machine's clock may be wrong. */
export const now = () => Date.now() / 1000 + ahead;
export function clockIs(at) { ahead = at - Date.now() / 1000; }

let due = null;
function look() {
  // Many groups tick within a second: one look serves them all.
  due ??= setTimeout(() => { due = null; beat.value += 1; }, due === null && beat.value === 0 ? 0 : BEAT_MS);
}

function heard(kind, data) {
  if (kind === "hello") {
    clockIs(data.at);
    batch(() => { line.value = "live"; lostAt.value = null; started.value = data.started_at; });
    beat.value += 1;
  } else if (kind === "tick") {
    clockIs(Math.max(data.at, now()));
    ticks.value = { ...ticks.value, [data.group]: data };
    look();
  } else if (kind === "activity") {
    news.value = [data, ...news.value].slice(0, NEWS);
    look();
  } else {
    look();
  }
}

/** Parses a stream of server-sent events; calls `heard` with kind, data and id. */
export async function read(stream, tell, alive = () => {}) {
  const decoder = new TextDecoder();
  let rest = "";
  for (const reader = stream.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) return;
    alive();
    rest += decoder.decode(value, { stream: true });
    const blocks = rest.split(/\r?\n\r?\n/);
    rest = blocks.pop();
    for (const block of blocks) event(block, tell);
  }
}

function event(block, tell) {
  let kind = "message", id = null;
  const data = [];
  for (const text of block.split(/\r?\n/)) {
    const at = text.indexOf(":");
    const field = at < 0 ? text : text.slice(0, at);
    const value = at < 0 ? "" : text.slice(at + 1).replace(/^ /, "");
    if (field === "event") kind = value;
    else if (field === "data") data.push(value);
    else if (field === "id") id = value;
  }
  if (data.length) tell(kind, JSON.parse(data.join("\n")), id);
}

/** Listens for ever; after each loss it comes back sooner or later, with jitter. */
export async function listen() {
  let wait = FIRST_MS, last = null;
  for (;;) {
    const abort = new AbortController();
    let watch = setTimeout(() => abort.abort(), SILENT_MS);
    const alive = () => { clearTimeout(watch); watch = setTimeout(() => abort.abort(), SILENT_MS); };
    try {
      const asked = headers({ Accept: "text/event-stream", ...(last ? { "Last-Event-ID": last } : {}) });
      const answer = await fetch("/api/v1/events", { headers: asked, signal: abort.signal, cache: "no-store" });
      if (!answer.ok) throw new Error(`the stream answered ${answer.status}`);
      wait = FIRST_MS;
      await read(answer.body, (kind, data, id) => { last = id ?? last; heard(kind, data); }, alive);
    } catch { /* told below: the line is lost */ }
    clearTimeout(watch);
    lostAt.value ??= now();
    line.value = "lost";
    await new Promise((done) => setTimeout(done, wait * (0.5 + Math.random() / 2)));
    wait = Math.min(LONGEST_MS, wait * 2);
  }
}
