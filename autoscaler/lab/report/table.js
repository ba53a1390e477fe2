// All numbers, sortable; the tiles of the chosen set; what the words mean.
const COLUMNS = [
  ["violations", "without room", share, 1, "Share of requests that arrived while the load was above what the ready replicas carry."],
  ["unserved", "unserved", share, 1, "Share of the work that lay above what the ready replicas carry."],
  ["late", "late", share, 1, "Share of requests that waited more than 10 s."],
  ["time_share", "time short", share, 1, "Share of the time in which there was too little room."],
  ["cost_vs_oracle", "cost", ratio, 1, "Replica-hours over those of an oracle that knows the future and never falls short; starting replicas are paid for. Over all loads: the mean of each load's."],
  ["cost_pooled", "cost, pooled", ratio, 1, "All replica-hours over all of the oracle's, so that large loads count for more."],
  ["replica_hours", "replica-hours", whole, 1, "Hours of replicas that served or started."],
  ["compute_seconds", "compute-seconds", whole, 1, "What the platform would meter for replicas of 1 vCPU and 4 GiB."],
  ["actions_per_day", "floor moves a day", whole, 1, "How often the floor was changed."],
  ["thread_changes_per_day", "thread changes a day", whole, 1, "How often the threads of a replica were changed."],
  ["coverage", "coverage", share, 0, "Share of the time in which demand stayed within the forecast; to be compared with the tau that was asked for."],
  ["theta_u", "θU", plainNumber, 1, "Under-provisioning accuracy (SPEC): replicas missing over replicas needed, mean over time."],
  ["theta_o", "θO", plainNumber, 1, "Over-provisioning accuracy (SPEC): replicas too many over replicas needed, mean over time."],
  ["tau_u", "τU", share, 1, "Share of the time with too few replicas (SPEC)."],
  ["tau_o", "τO", share, 1, "Share of the time with too many replicas (SPEC)."],
  ["upsilon", "υ", share, 1, "Instability (SPEC): share of the time in which supply and demand changed in different directions."],
  ["deviation", "σ", plainNumber, 1, "Auto-scaling deviation (SPEC): distance to the ideal scaler, 5-norm of the five above."],
];

function drawTable() {
  const rows = Object.entries(figures());
  const columns = COLUMNS.filter(([name]) => rows.some(([, found]) => found[name] !== undefined));
  const value = (found) => found[state.sort] ?? (state.down ? -Infinity : Infinity);
  rows.sort(([, a], [, b]) => (state.down ? value(b) - value(a) : value(a) - value(b)));
  const best = new Map(columns.filter((column) => column[3]).map(([name]) => [name, Math.min(...rows.filter(([id]) => sets.get(id).kind !== "ideal").map(([, found]) => found[name] ?? Infinity))]));
  const head = make("tr", {}, make("th", { scope: "col", textContent: "policy" }), ...columns.map(header));
  const body = rows.map(([id, found]) => {
    const one = sets.get(id);
    const row = make("tr", { className: id === state.set ? "chosen" : "" },
      make("td", {}, make("span", { className: `mark ${one.kind}` }), one.label),
      ...columns.map(([name, , text]) => cell(id, name, found[name], text, best.get(name))));
    if (one.kind !== "ideal") row.addEventListener("click", () => choose({ set: id }));
    return row;
  });
  at("table").replaceChildren(make("thead", {}, head), make("tbody", {}, ...body));
  at("table-note").textContent = state.trace === ALL ? `${DATA.traces.length > 1 ? `Over ${DATA.traces.length} loads; ranges hold 90 % of resampled sets of loads. ` : ""}Click a column to sort by it.` : `${state.trace}. Click a column to sort by it.`;
}

function cell(id, name, value, text, best) {
  const range = state.trace === ALL && DATA.traces.length > 1 ? DATA.intervals[state.actuator][id]?.[name] : null;
  const node = make("td", { className: value !== undefined && value === best && sets.get(id).kind !== "ideal" ? "best" : "" }, text(value));
  if (range && range[1] > range[0]) node.append(make("small", { textContent: `  ${text(range[0])} … ${text(range[1])}` }));
  return node;
}

function header([name, title, , , meaning]) {
  const node = make("th", { scope: "col", title: meaning }, make("button", { type: "button", textContent: title }));
  if (state.sort === name) node.setAttribute("aria-sort", state.down ? "descending" : "ascending");
  node.firstChild.addEventListener("click", () => {
    state.down = state.sort === name ? !state.down : false;
    state.sort = name;
    drawTable();
  });
  return node;
}

function drawTiles() {
  const mine = figures()[state.set], other = figures()[state.other];
  const tiles = [["violations", "Without room"], [state.trace === ALL ? "cost_pooled" : "cost_vs_oracle", "Cost"], ["late", "Late"], ["replica_hours", "Replica-hours"], ["actions_per_day", "Floor moves a day"], ["coverage", "Coverage"]];
  const shown = tiles.filter(([name]) => mine?.[name] !== undefined).map(([name, title]) => {
    const text = COLUMNS.find(([key]) => key === name)[2];
    const against = other?.[name] === undefined ? null : make("small", { textContent: `against ${text(other[name])}` });
    return make("div", {}, make("span", { textContent: title }), make("b", {}, text(mine[name]), against));
  });
  const rival = sets.get(state.other);
  at("tiles").replaceChildren(make("h3", { textContent: sets.get(state.set).label }), rival ? make("p", { className: "against", textContent: `against ${rival.label}` }) : "", ...shown);
}

function drawWords() {
  at("words").replaceChildren(...COLUMNS.map(([, title, , , meaning]) => make("div", {}, make("dt", { textContent: title }), make("dd", { textContent: meaning }))));
}
