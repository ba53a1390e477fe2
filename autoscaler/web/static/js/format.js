// Numbers and times as people read them. Unknown is a dash, never a zero.
const DASH = "–";
const pad = (n) => String(n).padStart(2, "0");

/** A number with about three significant digits; 1234 becomes 1,234. */
export function number(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return DASH;
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString("en");
  if (size >= 100 || Number.isInteger(value)) return String(Math.round(value));
  return size >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** A short number for tight places: 12 400 becomes 12.4k. */
export function short(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return DASH;
  const size = Math.abs(value);
  for (const [least, sign] of [[1e9, "G"], [1e6, "M"], [1e4, "k"]]) {
    if (size >= least) return `${number(value / (least === 1e4 ? 1e3 : least))}${sign}`;
  }
  return number(value);
}

/** A share 0..1 as a percentage. */
export const percent = (share, digits = 0) =>
  share === null || share === undefined ? DASH : `${(100 * share).toFixed(digits)} %`;

/** Seconds as the largest two units that matter: 42 s, 7 min, 3 h 5 min, 2 d 4 h. */
export function span(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return DASH;
  const s = Math.max(0, Math.round(seconds));
  if (s < 100) return `${s} s`;
  const minutes = Math.round(s / 60);
  if (minutes < 100) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 36) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return hours % 24 ? `${Math.floor(hours / 24)} d ${hours % 24} h` : `${hours / 24} d`;
}

/** The same in one unit, for columns: 42s, 7m, 3h, 2d. */
export function brief(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return DASH;
  const s = Math.max(0, Math.round(seconds));
  if (s < 100) return `${s}s`;
  if (s < 5940) return `${Math.round(s / 60)}m`;
  return s < 129_600 ? `${Math.round(s / 3600)}h` : `${Math.round(s / 86_400)}d`;
}

const sameDay = (one, other) => one.toDateString() === other.toDateString();

/** The clock time of a moment, with the day when it is another one. */
export function clock(at, now = Date.now() / 1000, seconds = true) {
  if (at === null || at === undefined) return DASH;
  const then = new Date(at * 1000);
  const time = `${pad(then.getHours())}:${pad(then.getMinutes())}${seconds ? `:${pad(then.getSeconds())}` : ""}`;
  return sameDay(then, new Date(now * 1000)) ? time : `${day(at)} ${time}`;
}

/** Labels of a time axis; where it crosses days, the first one of each day has it below. */
export function times(splits, step) {
  const days = splits.map(day), crosses = days[0] !== days.at(-1);
  return splits.map((at, n) => {
    const then = new Date(at * 1000), seconds = step < 60 ? `:${pad(then.getSeconds())}` : "";
    const text = step >= 86_400 ? days[n] : `${pad(then.getHours())}:${pad(then.getMinutes())}${seconds}`;
    return crosses && step < 86_400 && days[n] !== days[n - 1] ? `${text}\n${days[n]}` : text;
  });
}

/** The day of a moment: 28 Nov. */
export const day = (at) =>
  new Date(at * 1000).toLocaleDateString("en-GB", { day: "numeric", month: "short" });

/** The whole moment with the zone, for titles. */
export const moment = (at) => (at === null || at === undefined ? "" :
  `${new Date(at * 1000).toLocaleString("en-GB")} (${Intl.DateTimeFormat().resolvedOptions().timeZone})`);

/** Words of a code: data_stale becomes data stale. */
export const words = (code) => String(code ?? "").replaceAll("_", " ");

/** floor–ceiling of an envelope. */
export const reach = (envelope) =>
  envelope ? `${envelope.min_replicas}–${envelope.max_replicas}` : DASH;

/** floor–ceiling × threads. */
export const envelope = (one) => (one ? `${reach(one)} × ${one.threads}` : DASH);

export const STATUS = {
  failed: ["bad", "✕"], refused: ["bad", "✕"], blind: ["bad", "?"], stale: ["warn", "⌛"],
  paused: ["hold", "⏸"], braked: ["hold", "⤓"], overridden: ["hold", "✎"], limited: ["warn", "⊓"],
  waiting: ["calm", "…"], moving: ["move", "↕"], ok: ["good", "✓"],
};

export const KINDS = {
  applied: ["good", "✓"], recommended: ["move", "→"], deferred: ["warn", "…"], held: ["warn", "‖"],
  refused: ["bad", "✕"], failed: ["bad", "✕"], unchanged: ["calm", "="], drift: ["warn", "≠"],
  override_added: ["hold", "✎"], override_ended: ["hold", "✎"], override_expired: ["hold", "⌛"],
  look: ["calm", "◎"], reload: ["calm", "↻"], reload_failed: ["bad", "↻"],
  started: ["calm", "▶"], stopped: ["calm", "■"], pruned: ["calm", "✂"],
};

export const CONTROLS = {
  pause: "Paused", brake: "No lowering", pin: "Pinned", floor: "Floor raised", mode: "Mode changed",
};

/** What an operator's word does, in a few words. */
export function control(word) {
  const dial = words(word.dial).replace("min replicas", "floor").replace("max replicas", "ceiling");
  if (word.control === "pin") return `${dial} pinned to ${word.value}`;
  if (word.control === "floor") return `${dial} at least ${word.value}`;
  if (word.control === "mode") return `mode ${words(word.mode)}`;
  return (CONTROLS[word.control] ?? words(word.control)).toLowerCase();
}

/** fleet, group:NAME or a deployment in words. */
export const scope = (text) =>
  text === "fleet" ? "the whole fleet" : text.startsWith("group:") ? `group ${text.slice(6)}` : text;

/** When a word ends. */
export const until = (word, now) =>
  word.expires_at === null ? "without end" : `until ${clock(word.expires_at, now, false)} (${span(word.expires_at - now)} left)`;
