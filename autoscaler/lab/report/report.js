// Put together: choices, verdict, redrawing.
const KIND_ORDER = ["yours", "ours", "today", "peer"];

function choose(change) {
  Object.assign(state, change);
  if (!("moment" in change)) state.moment = 0;
  for (const name of ["trace", "actuator", "set", "other"]) at(name).value = state[name];
  history.replaceState(null, "", `#${new URLSearchParams({ trace: state.trace, actuator: state.actuator, set: state.set, other: state.other })}`);
  drawAll();
}

function drawAll() {
  verdict();
  drawFrontier();
  drawTiles();
  drawTrace();
  drawWorst();
  drawTable();
}

// The claim is made from the numbers on show, and says so when a peer is better.
function verdict() {
  const mine = figures()[state.set], one = sets.get(state.set);
  const rivals = points().filter((point) => point.kind === "peer" || point.kind === "today");
  const safe = rivals.filter((point) => point.found.violations <= mine.violations * 1.0001).sort((a, b) => a.x - b.x)[0];
  const cheap = rivals.filter((point) => point.x <= costOf(mine) * 1.0001).sort((a, b) => a.found.violations - b.found.violations)[0];
  const head = [make("b", { textContent: one.label }), ` leaves ${share(mine.violations)} of the requests without room, at ${ratio(costOf(mine))} the oracle's replica-hours. `];
  const tail = [];
  if (one.kind === "peer" || one.kind === "today") tail.push("");
  else if (safe && safe.x < costOf(mine)) tail.push(`${firm(safe.label)} is safer and cheaper here.`);
  else if (safe) tail.push(`The cheapest other that is as safe, ${firm(safe.label)}, needs ${Math.round((safe.x / costOf(mine) - 1) * 100)}\u00a0% more.`);
  else if (cheap) tail.push(`No other is as safe; at no more cost, ${firm(cheap.label)} leaves ${share(cheap.found.violations)}.`);
  else tail.push("No other is as safe, and none is as cheap.");
  at("verdict").replaceChildren(...head, ...tail);
  at("frontier-note").textContent = `${state.trace === ALL ? (DATA.traces.length > 1 ? `${DATA.traces.length} loads, pooled` : DATA.traces[0]) : state.trace}. Down and to the left is better; the dashed line joins those that nobody beats on both.`;
}

const firm = (label) => label.replaceAll(" %", "\u00a0%");

function options(id, entries) {
  at(id).replaceChildren(...entries.map(([value, text]) => make("option", { value, textContent: text })));
  at(id).addEventListener("change", () => choose({ [id]: at(id).value }));
}

function begin() {
  const world = DATA.world;
  at("kicker").textContent = `${DATA.title} · ${DATA.made}`;
  at("setting").textContent = `${DATA.traces.length} load${DATA.traces.length > 1 ? "s" : ""} replayed through the decision code that runs live. A replica serves ${world.cold_start_s} s after it was ordered and works on ${world.threads} requests at once; ${world.min_replicas} to ${world.max_replicas} replicas are allowed.${DATA.complete ? "" : " The run was interrupted: only finished loads are shown."}`;
  at("warnings").replaceChildren(...DATA.warnings.map((text) => make("li", { textContent: text })));
  const listed = DATA.sets.filter((one) => one.kind !== "ideal").sort((a, b) => KIND_ORDER.indexOf(a.kind) - KIND_ORDER.indexOf(b.kind));
  options("trace", [...(DATA.traces.length > 1 ? [[ALL, `All ${DATA.traces.length}`]] : []), ...DATA.traces.map((name) => [name, name])]);
  options("actuator", DATA.actuators.map((one) => [one.id, one.title]));
  options("set", listed.map((one) => [one.id, one.label]));
  options("other", [["", "nobody"], ...listed.map((one) => [one.id, one.label])]);
  const said = new URLSearchParams(location.hash.slice(1));
  const known = (name, values, otherwise) => (values.includes(said.get(name)) ? said.get(name) : otherwise);
  const ids = listed.map((one) => one.id);
  state.trace = known("trace", [ALL, ...DATA.traces], DATA.traces.length > 1 ? ALL : DATA.traces[0]);
  state.actuator = known("actuator", DATA.actuators.map((one) => one.id), state.actuator);
  state.set = known("set", ids, ids[0]);
  state.other = known("other", ["", ...ids], ids.includes("hpa_70%") ? "hpa_70%" : "");
  at("foot").textContent = `foundry-autoscaler ${DATA.version}. This file needs no network; plots by uPlot (MIT).`;
  drawWords();
  choose({});
}

let width = 0;
new ResizeObserver(() => {
  if (Math.abs(at("load").parentElement.clientWidth - width) < 2) return;
  width = at("load").parentElement.clientWidth;
  drawAll();
}).observe(document.body);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
begin();
