// The curves of a what-if: load, and what each policy set would have kept ready for it.
import { html, useEffect, useRef } from "./lib.js";
import uPlot from "/static/vendor/uplot.js";
import { clock, number, times } from "./format.js";

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const STROKES = { current: "ceiling", changed: "floor", platform: "quiet" };

export function Curves({ curves, names }) {
  const box = useRef();
  useEffect(() => {
    const sets = Object.keys(names).filter((name) => curves.sets[name]);
    const line = { stroke: color("quiet"), font: "12px system-ui, sans-serif", grid: { stroke: color("grid"), width: 1 }, ticks: { show: false } };
    let plot = null;
    const draw = () => {
      plot?.destroy();
      plot = new uPlot({
        width: box.current.clientWidth, height: 260, padding: [8, 12, 0, 0], scales: { x: { time: true }, y: { range: (u, least, most) => [0, (most || 1) * 1.1] } },
        series: [{ label: "at", value: (u, at) => (at === null ? "–" : clock(at)) }, { label: "load", stroke: color("load"), fill: color("load-soft"), width: 1, points: { show: false }, value: (u, v) => number(v) },
          ...sets.map((name) => ({ label: `room, ${names[name]}`, stroke: color(STROKES[name]), width: 1.5, dash: name === "platform" ? [4, 4] : undefined, points: { show: false }, paths: uPlot.paths.stepped({ align: 1 }), value: (u, v) => number(v) }))],
        axes: [{ ...line, size: 42, values: (u, splits, axis, space, step) => times(splits, step) }, { ...line, size: 52 }],
        cursor: { drag: { x: true, y: false } }, legend: { live: true },
      }, [curves.at, curves.load, ...sets.map((name) => curves.sets[name].replicas.map((ready) => (ready === null ? null : ready * curves.threads)))], box.current);
    };
    draw();
    addEventListener("themechange", draw);
    return () => { removeEventListener("themechange", draw); plot?.destroy(); };
  }, [curves]);
  return html`<div class="curves" ref=${box} role="img" aria-label="Requests, and the room that each policy set would have had for them, over time"></div>`;
}
