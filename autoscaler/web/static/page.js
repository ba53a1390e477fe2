// The page: polls the API, keeps one table row per deployment, and never builds HTML from text.

import { ago, element, number, panels } from "/detail.js";

const EVERY_MS = 2000;
const MOST = 500;
const $ = (id) => document.getElementById(id);
const body = document.querySelector("#fleet tbody");
const rows = new Map();
const open = new Set();
let heardAt = null;
let serverNow = Date.now() / 1000;

const STATES = { ACTIVE: "good", STARTING: "accent", DEGRADED: "warn", FAILED: "bad", DISABLED: "" };
const OUTCOMES = {
  applied: ["good", "✓"], recommended: ["accent", "→"], deferred: ["warn", "…"],
  held: ["warn", "‖"], refused: ["bad", "✕"], failed: ["bad", "✕"], unchanged: ["", "="],
};
const MODES = { apply: "good", raise_only: "accent", recommend: "", observe: "" };
const LABELS = ["Deployment", "Mode", "State", "Load", "Replicas", "Threads", "Decision", "Sample"];

const get = async (path) => {
  const answer = await fetch(path, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
  return answer.json();
};

const words = (text) => text.replaceAll("_", " ");
const chip = (kind, text) => element("span", { class: `chip ${kind}` }, text);

function replicas(row) {
  const now = row.current;
  if (!now) return ["unknown"];
  const parts = [`${now.min_replicas}–${now.max_replicas}`];
  const then = row.desired;
  if (then && (then.min_replicas !== now.min_replicas || then.max_replicas !== now.max_replicas)) {
    parts.push(element("span", { class: "to" }, ` → ${then.min_replicas}–${then.max_replicas}`));
  }
  const most = row.limits.max_replicas[1] ?? Math.max(now.max_replicas, 1);
  const share = (value) => `${Math.min(100, (100 * value) / Math.max(most, 1))}%`;
  const track = element("span", { class: "track", "aria-hidden": "true" });
  for (const [kind, value] of [["roof", now.max_replicas], ["floor", now.min_replicas]]) {
    const bar = element("i", { class: kind });
    bar.style.width = share(value);
    track.append(bar);
  }
  return [...parts, track];
}

function threads(row) {
  if (!row.current) return ["unknown"];
  const then = row.desired ? row.desired.threads : row.current.threads;
  const moved = then === row.current.threads ? "" : ` → ${then}`;
  return [`${row.current.threads}${moved}`];
}

function decision(row) {
  if (!row.outcome) return [element("span", { class: "text" }, row.why)];
  const [kind, glyph] = OUTCOMES[row.outcome] ?? ["", ""];
  const when = element("small", {}, row.changed_at ? `changed ${ago(serverNow - row.changed_at)} ago` : "never changed");
  return [chip(kind, `${glyph} ${row.outcome}`), element("span", { class: "text" }, row.why), when];
}

function load(row) {
  if (!row.load) return ["–"];
  const shown = row.load.value === null ? chip("bad", "no data") : number(row.load.value);
  return [shown, element("small", {}, words(row.load.signal))];
}

function sample(row) {
  if (!row.load || row.load.at === null) return ["never"];
  const age = serverNow - row.load.at;
  return [element("span", { class: row.load.missing ? "late" : "" }, age < 0 ? "forecast" : ago(age))];
}

function state(row) {
  if (!row.state) return [chip("", "unknown")];
  const kind = STATES[row.state] ?? "warn";
  const shown = [chip(kind, words(row.state.toLowerCase()))];
  if (row.ready === false && row.state === "ACTIVE") shown.push(element("small", {}, "not ready"));
  return shown;
}

function mode(row) {
  const shown = [chip(MODES[row.mode] ?? "", words(row.mode))];
  if (row.paused) shown.push(" ", chip("warn", "‖ paused"));
  return shown;
}

function makeRow(name) {
  const button = element("button", { class: "name", type: "button", "aria-expanded": "false" }, name);
  const group = element("small");
  const cells = LABELS.map((label) => element("td", { role: "cell", "data-label": label }));
  cells[0].append(button, group);
  for (const at of [3, 5, 7]) cells[at].classList.add("number");
  const line = element("tr", { role: "row", class: "row" }, ...cells);
  const made = { line, cells, group, button, last: "", extra: null };
  button.addEventListener("click", () => toggle(name, made));
  return made;
}

function toggle(name, made) {
  if (open.delete(name)) {
    made.extra?.remove();
    made.extra = made.shown = null;
    made.button.setAttribute("aria-expanded", "false");
  } else {
    open.add(name);
    unfold(name, made);
  }
  remember();
}

function unfold(name, made) {
  made.extra = element("tr", { role: "row", class: "more" },
    element("td", { role: "cell", colspan: String(LABELS.length) }, "loading"));
  made.line.after(made.extra);
  made.button.setAttribute("aria-expanded", "true");
  refresh(name, made);
}

// What is searched and what is open stands in the address, so that it can be sent to somebody.
function remember() {
  const said = new URLSearchParams();
  const text = $("search").value.trim();
  if (text) said.set("search", text);
  for (const name of open) said.append("open", name);
  history.replaceState(null, "", said.size ? `?${said}` : location.pathname);
}

async function refresh(name, made) {
  try {
    const one = await get(`/api/v1/deployments/${encodeURIComponent(name)}`);
    if (!made.extra || made.shown === one.decision) return;
    made.shown = one.decision;
    made.extra.firstChild.replaceChildren(panels(one, serverNow));
  } catch (error) {
    made.extra?.firstChild.replaceChildren(String(error.message));
  }
}

function fill(cell, parts) {
  const wrapped = element("div", {}, ...parts);
  if (cell.innerHTML !== wrapped.outerHTML) cell.replaceChildren(wrapped);
}

function drawRow(row, made) {
  made.line.classList.toggle("attention", Boolean(row.attention));
  made.group.textContent = row.group;
  const parts = [mode, state, load, replicas, threads, decision, sample];
  parts.forEach((part, at) => fill(made.cells[at + 1], part(row)));
  made.cells[4].firstChild.className = "replicas";
  made.cells[6].firstChild.className = "why";
}

function drawFleet(list) {
  const seen = new Set();
  let before = null;
  for (const row of list.deployments) {
    seen.add(row.name);
    const fresh = !rows.has(row.name);
    if (fresh) rows.set(row.name, makeRow(row.name));
    const made = rows.get(row.name);
    drawRow(row, made);
    const place = before ? before.nextSibling : body.firstChild;
    if (place !== made.line) body.insertBefore(made.line, place);
    if (made.extra) made.line.after(made.extra);
    if (fresh && open.has(row.name)) unfold(row.name, made);
    before = made.extra ?? made.line;
  }
  for (const [name, made] of rows) {
    if (seen.has(name)) continue;
    made.line.remove();
    made.extra?.remove();
    rows.delete(name);
  }
  const shown = list.deployments.length;
  $("count").textContent = shown < list.total ? `${shown} of ${list.total}: narrow the search` : `${shown} shown`;
  $("empty").hidden = shown > 0;
  $("empty").textContent = $("search").value ? "Nothing matches." : "No deployment is managed yet.";
}

function tile(label, value, alarm = false) {
  return element("li", { class: alarm ? "alarm" : "" }, element("b", {}, String(value)), element("span", {}, label));
}

function drawStatus(status) {
  const outcomes = status.outcomes ?? {};
  const tiles = [
    tile("deployments", status.deployments ?? 0),
    tile("attention", status.attention ?? 0, status.attention > 0),
  ];
  for (const kind of ["applied", "recommended", "deferred", "held", "refused", "failed", "unchanged"]) {
    if (outcomes[kind]) tiles.push(tile(kind, outcomes[kind], kind === "failed" || kind === "refused"));
  }
  $("tiles").replaceChildren(...tiles);
  const groups = (status.groups ?? []).map((group) => {
    const tick = group.last_tick_at ? `tick ${ago(status.at - group.last_tick_at)} ago` : "no tick yet";
    return `${group.name} every ${ago(group.interval_s)}, ${tick}`;
  });
  const up = status.started_at ? `up ${ago(status.at - status.started_at)}` : "";
  $("about").textContent = [`version ${status.version ?? "unknown"}`, up, ...groups].filter(Boolean).join(" · ");
}

function pulse(kind, text) {
  $("pulse").className = kind;
  if ($("pulse-text").textContent !== text) $("pulse-text").textContent = text;
}

async function poll() {
  try {
    const search = encodeURIComponent($("search").value.trim());
    const [status, list] = await Promise.all([
      get("/api/v1/status"),
      get(`/api/v1/deployments?limit=${MOST}&search=${search}`),
    ]);
    serverNow = status.at ?? Date.now() / 1000;
    heardAt = Date.now();
    drawStatus(status);
    drawFleet(list);
    const shown = [...open].filter((name) => rows.has(name));
    await Promise.all(shown.map((name) => refresh(name, rows.get(name))));
    pulse("live", "live");
  } catch (error) {
    const since = heardAt === null ? "" : `, last heard ${ago((Date.now() - heardAt) / 1000)} ago`;
    pulse("lost", `no answer from the daemon${since}`);
  }
}

let timer = null;
async function turn() {
  clearTimeout(timer);
  if (!document.hidden) await poll();
  clearTimeout(timer);
  timer = setTimeout(turn, EVERY_MS);
}

const asked = new URLSearchParams(location.search);
$("search").value = asked.get("search") ?? "";
for (const name of asked.getAll("open")) open.add(name);
$("search").addEventListener("input", () => {
  remember();
  clearTimeout(timer);
  timer = setTimeout(turn, 150);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== $("search")) {
    event.preventDefault();
    $("search").focus();
  }
});
document.addEventListener("visibilitychange", () => document.hidden || turn());
turn();
