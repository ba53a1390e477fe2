// One trace: load, replicas and envelope of the chosen set, what found no room, worst moments.
let loadPlot = null, lackPlot = null, momentPlot = null;
const stepped = uPlot.paths.stepped({ align: 1 });

const timesOf = (seen) => seen.high.map((value, index) => index * seen.every);
// A set that leaves the platform no choice has one line for both.
const ceilingOf = (one) => unrun(one.ceiling ?? one.floor);

function lackOf(one, size) {
  const values = new Array(size).fill(0);
  for (const [index, value] of one?.short ?? []) values[index] = value;
  return values;
}

function replicaSeries(kind) {
  const own = colour(kind === "peer" || kind === "ideal" ? "ours" : kind);
  return [
    {},
    { label: "load", stroke: colour("load"), width: 1, points: { show: false } },
    { label: "lowest load", stroke: "transparent", points: { show: false } },
    { label: "ready replicas", stroke: own, width: 2, paths: stepped, points: { show: false } },
    { label: "floor", stroke: own, width: 1, dash: [5, 4], paths: stepped, points: { show: false } },
    { label: "ceiling", stroke: "transparent", width: 1, paths: stepped, points: { show: false } },
  ];
}
const bands = () => [{ series: [1, 2], fill: colour("load-band") }, { series: [5, 4], fill: colour("room") }];

// A ceiling far above everything would press the load flat: it is cut off there.
function roofed(ceiling, ...others) {
  const most = Math.max(1, ...others.map((values) => Math.max(...values)));
  return { ceiling: ceiling.map((value) => Math.min(value, most * 1.35)), most };
}

function drawTrace() {
  loadPlot?.destroy();
  lackPlot?.destroy();
  const seen = picture(), one = seen?.sets[state.set], other = seen?.sets[state.other];
  at("one-trace").hidden = !one;
  if (!one) return;
  const ready = unrun(one.ready), floor = unrun(one.floor);
  const { ceiling, most } = roofed(ceilingOf(one), seen.high, ready, floor);
  const sync = { key: "trace" };
  const common = { legend: { show: false }, cursor: { sync, drag: { x: true, y: false } } };
  const scales = { x: { time: false }, y: { range: (plot, low, high) => [0, Math.max(1, Math.min(high, most * 1.35)) * 1.04] } };
  at("load").replaceChildren();
  at("lack").replaceChildren();
  const series = replicaSeries(sets.get(state.set).kind);
  const values = [timesOf(seen), seen.high, seen.low, ready, floor, ceiling];
  if (other) {
    series.push({ label: "other", stroke: colour("today"), width: 1.25, paths: stepped, points: { show: false } });
    values.push(unrun(other.ready));
  }
  loadPlot = new uPlot({ ...sizeOf(at("load")), ...common, scales, bands: bands(), series, padding: [8, 12, 0, 0], axes: [timeAxis(seen.begins), valueAxis()], hooks: { setCursor: [legend] } }, values, at("load"));
  const bars = uPlot.paths.bars({ size: [1, Infinity], gap: 0 });
  const lacking = [[one, "bad"], [other, "today"]].filter(([each]) => each).reverse();
  const lack = [timesOf(seen), ...lacking.map(([each]) => lackOf(each, seen.high.length).map((value) => value || null))];
  const lackSeries = [{}, ...lacking.map(([, tone]) => ({ stroke: colour(tone), fill: colour(tone), width: 1, paths: bars, points: { show: false } }))];
  lackPlot = new uPlot({ ...sizeOf(at("lack")), ...common, padding: [8, 12, 0, 0], scales: { x: { time: false }, y: { range: (plot, low, high) => [0, Math.max(0.5, high ?? 0)] } }, series: lackSeries, axes: [{ ...timeAxis(seen.begins), values: () => [] , size: 8 }, valueAxis()] }, lack, at("lack"));
  legend(loadPlot);
  at("trace-note").textContent = `${shownTrace()}: ${sets.get(state.set).label}. The line is the most of each ${lasting(Math.round(seen.every))}; below, replicas that were missing.`;
}

function key(name, tone, value, block = false, dashed = false) {
  const swatch = make("i", { className: block ? "block" : "" });
  swatch.style[block ? "background" : "borderColor"] = colour(tone);
  if (dashed) swatch.style.borderTopStyle = "dashed";
  return make("span", {}, swatch, `${name} `, value === undefined ? null : make("b", { textContent: value }));
}

function legend(plot) {
  const index = plot.cursor.idx, has = index !== null && index !== undefined, seen = picture();
  const value = (series) => (has ? String(plot.data[series][index]) : undefined);
  const kind = sets.get(state.set).kind, own = kind === "peer" ? "ours" : kind;
  const parts = [
    key("load in replicas", "load", value(1)), key("ready replicas", own, value(3)), key("floor", own, value(4), false, true),
    key("floor to ceiling", "room", has ? `${unrun(seen.sets[state.set].floor)[index]}–${ceilingOf(seen.sets[state.set])[index]}` : undefined, true),
  ];
  if (plot.series[6]) parts.push(key(`ready with ${sets.get(state.other).label}`, "today", value(6)));
  parts.push(key("without room", "bad", undefined, true));
  if (has) parts.push(make("span", {}, make("b", { textContent: moment(timesOf(seen)[index], seen.begins) })));
  at("legend").replaceChildren(...parts);
}

function drawWorst() {
  const seen = picture(), one = seen?.sets[state.set];
  at("worst").hidden = !one;
  if (!one) return;
  const list = one.moments;
  at("worst-note").textContent = list.length ? "Spells in which work found no room, the most lost work first." : "";
  at("moments").replaceChildren(...(list.length ? list.map((each, index) => item(each, index, seen)) : [make("li", {}, make("p", { className: "empty", textContent: "None: there was room for everything, all the time." }))]));
  drawMoment(list[Math.min(state.moment, list.length - 1)], seen);
}

function item(each, index, seen) {
  const button = make("button", { type: "button", ariaPressed: String(index === state.moment) },
    make("b", { textContent: moment(each.at, seen.begins) }),
    make("small", { textContent: `${lasting(each.lasted)}, up to ${each.short} replicas missing, ${whole(each.lost)} replica-seconds lost` }));
  button.addEventListener("click", () => {
    state.moment = index;
    drawWorst();
    const around = Math.max(3600, each.lasted * 2);
    loadPlot.setScale("x", { min: Math.max(0, each.at - around), max: Math.min(timesOf(seen).at(-1), each.at + each.lasted + around) });
    lackPlot.setScale("x", { min: loadPlot.scales.x.min, max: loadPlot.scales.x.max });
  });
  return make("li", {}, button);
}

function drawMoment(each, seen) {
  const host = at("moment");
  momentPlot?.destroy();
  momentPlot = null;
  host.replaceChildren();
  if (!each) return;
  if (!each.told) {
    host.append(make("p", { className: "empty", textContent: "The plot above shows this moment. Reasons are recorded for policies of this product only." }));
    return;
  }
  const stage = make("div", { className: "plot mini" });
  host.append(stage, decisions(each, seen));
  const ready = unrun(each.ready), floor = unrun(each.floor);
  const { ceiling, most } = roofed(ceilingOf(each), each.load, ready, floor);
  const times = each.load.map((value, index) => each.from + index * each.every);
  const changes = each.told.filter((told) => told.before !== told.after).map((told) => told.at);
  momentPlot = new uPlot({
    ...sizeOf(stage), legend: { show: false }, padding: [8, 12, 0, 0], cursor: { y: false, drag: { x: false, y: false } },
    scales: { x: { time: false }, y: { range: () => [0, most * 1.2] } }, bands: [{ series: [5, 4], fill: colour("room") }],
    series: replicaSeries(sets.get(state.set).kind), axes: [timeAxis(seen.begins), valueAxis()],
    hooks: { drawClear: [(plot) => shade(plot, each)], draw: [(plot) => flags(plot, changes)] },
  }, [times, each.load, each.load.map(() => null), ready, floor, ceiling], stage);
}

function shade(plot, each) {
  const { ctx, bbox } = plot, left = plot.valToPos(each.at, "x", true), right = plot.valToPos(each.at + each.lasted, "x", true);
  ctx.save();
  ctx.fillStyle = colour("bad");
  ctx.globalAlpha = 0.13;
  ctx.fillRect(left, bbox.top, Math.max(2, right - left), bbox.height);
  ctx.restore();
}

function flags(plot, times) {
  const { ctx, bbox } = plot, unit = devicePixelRatio;
  ctx.save();
  ctx.fillStyle = colour("quiet");
  for (const time of times) {
    const x = plot.valToPos(time, "x", true);
    if (x < bbox.left) continue;
    ctx.beginPath();
    ctx.moveTo(x - 5 * unit, bbox.top);
    ctx.lineTo(x + 5 * unit, bbox.top);
    ctx.lineTo(x, bbox.top + 8 * unit);
    ctx.fill();
  }
  ctx.restore();
}

function decisions(each, seen) {
  const list = make("ol", { className: "decisions" });
  for (const told of each.told) {
    const moved = told.before !== told.after;
    const said = told.lines.filter((line) => !/^(min_replicas|max_replicas|threads) \d/.test(line));
    const steps = told.lines.filter((line) => !said.includes(line));
    list.append(make("li", { className: "decision" },
      make("time", { textContent: moment(told.at, seen.begins, true).split(", ")[1] }),
      make("div", {},
        make("p", { className: moved ? "moved" : "" , textContent: moved ? `${told.before} → ${told.after}` : `${told.before} stays` }),
        ...said.map((line) => make("p", { className: "said", textContent: line })),
        ...(steps.length > 0 ? [make("details", {}, make("summary", { className: "said", textContent: `${steps.length} step${steps.length > 1 ? "s" : ""}` }), ...steps.map((line) => make("p", { className: "said", textContent: line })))] : []))));
  }
  if (!each.told.length) list.append(make("li", { className: "empty", textContent: "Nothing was decided around it." }));
  return list;
}
