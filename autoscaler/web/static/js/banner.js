// What operators asked for, for as long as it holds: impossible to overlook.
import { html } from "./lib.js";
import { mayWrite } from "./api.js";
import { askEnd } from "./dialog.js";
import { CONTROLS, control, scope, until } from "./format.js";
import { useNow } from "./line.js";
import { useGet } from "./load.js";

const GLYPH = { pause: "⏸", brake: "⤓", pin: "✎", floor: "✎", mode: "✎" };
const SHOWN = 4;
const weight = (one) => (one.scope === "fleet" ? 0 : one.scope.startsWith("group:") ? 1 : 2) + (one.control === "pause" || one.control === "brake" ? 0 : 3);

export function Word({ word, at }) {
  return html`<li class=${`word ${word.control}`}>
    <span class="glyph" aria-hidden="true">${GLYPH[word.control] ?? "✎"}</span>
    <span class="what"><b>${CONTROLS[word.control] ?? word.control}: ${scope(word.scope)}</b>
      ${word.control === "pause" || word.control === "brake" ? "" : ` · ${control(word)}`}
      <span class="by"> · ${word.author}: ${word.why}</span></span>
    <span class=${word.expires_at === null ? "end endless" : "end"}>${until(word, at)}</span>
    ${mayWrite() && html`<button type="button" class="small" onClick=${() => askEnd(word)}>End now</button>`}
  </li>`;
}

export function Banner() {
  const { data } = useGet("/api/v1/overrides");
  const { data: status } = useGet("/api/v1/status");
  const at = useNow();
  const words = [...(data?.overrides ?? [])].sort((a, b) => weight(a) - weight(b));
  const file = status?.pause_file;
  if (!words.length && !file) return null;
  const shown = words.slice(0, SHOWN);
  return html`<section class="banner" aria-label="Overrides that hold now">
    <ul>
      ${file && html`<li class="word pause"><span class="glyph" aria-hidden="true">⏸</span>
        <span class="what"><b>Paused: the whole fleet</b><span class="by"> · a PAUSE file: ${file}</span></span>
        <span class="end endless">until the file is removed</span></li>`}
      ${shown.map((word) => html`<${Word} key=${word.id} word=${word} at=${at} />`)}
    </ul>
    ${words.length > shown.length && html`<p><a href="/overrides">${words.length - shown.length} more</a></p>`}
  </section>`;
}
