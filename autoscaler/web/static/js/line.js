// One line on top: healthy or not and why, and the numbers that tell how it works.
import { html, useEffect, useLayoutEffect, useSignal } from "./lib.js";
import { clock, number, span } from "./format.js";
import { clockIs, line, lostAt, now, started } from "./live.js";
import { useGet } from "./load.js";

/** A clock for ages that run on between two answers; ticks once a second. */
export function useNow(every = 1000) {
  const at = useSignal(now());
  useEffect(() => {
    const timer = setInterval(() => { at.value = now(); }, every);
    return () => clearInterval(timer);
  }, []);
  return at.value;
}

function Fact({ name, value, bad, title, minor }) {
  return html`<div class=${`fact${bad ? " bad" : ""}${minor ? " minor" : ""}`} title=${title ?? ""}><dt>${name}</dt><dd>${value}</dd></div>`;
}

function verdict(status, at) {
  if (line.value === "lost") {
    return ["bad", "✕", `No connection since ${clock(lostAt.value, at)}: what is shown is ${span(at - lostAt.value)} old`];
  }
  if (!status) return ["calm", "…", "Asking the daemon"];
  if (status.healthy) return ["good", "✓", "Healthy"];
  return ["bad", "✕", status.unhealthy.join(" · ") || "Not healthy"];
}

export function Line() {
  const { data: status } = useGet("/api/v1/status");
  const at = useNow();
  useEffect(() => { if (status && started.value === null) clockIs(status.at); }, [status]);
  // With the words, not a frame later: what is old must not look new.
  useLayoutEffect(() => { document.body.classList.toggle("lost", line.value === "lost"); }, [line.value]);
  const [kind, glyph, text] = verdict(status, at);
  return html`
    <section class=${`line ${kind}`} aria-label="The daemon">
      <p class="verdict" role="status"><span class="glyph" aria-hidden="true">${glyph}</span>${text}</p>
      ${status && html`<dl class="facts">
        <${Fact} name="role" value=${status.leader ? "leader" : "standby"} />
        <${Fact} name="sources up" value=${`${status.sources.up}/${status.sources.total}`} bad=${status.sources.up < status.sources.total} />
        <${Fact} name="writes free" value=${status.writes.breaker_open ? "breaker open" : number(status.writes.room)}
          bad=${status.writes.breaker_open} title=${`${number(status.writes.pace_per_second)} requests a second to the platform`} />
        ${(status.budgets ?? []).map((one) => html`<${Fact} name=${`${one.kind} left, ${one.group}`}
          value=${`${number(one.left)} of ${number(one.of)}`} bad=${one.left <= 0} />`)}
        <${Fact} name="decisions/min" value=${number(status.decisions_per_minute)} />
        <${Fact} name="changes today" minor value=${number(status.changes_today)} />
        <${Fact} name="late by" value=${span(status.lateness_s)} bad=${status.lateness_s > 5} />
        <${Fact} name="loop lag" minor value=${`${Math.round(1000 * (status.loop_lag_s ?? 0))} ms`} bad=${status.loop_lag_s > 0.25} />
        <${Fact} name="version" minor value=${status.version} title=${`running since ${clock(status.started_at, at)}`} />
      </dl>`}
    </section>`;
}
