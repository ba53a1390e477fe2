// What operators asked for that holds now, and the way to ask for more.
import { html } from "./lib.js";
import { mayWrite, session } from "./api.js";
import { Word } from "./banner.js";
import { Controls } from "./dialog.js";
import { useNow } from "./line.js";
import { useGet } from "./load.js";

function How() {
  if (mayWrite()) return html`<section class="card"><h2>The whole fleet</h2><${Controls} where="fleet" /></section>`;
  return html`<section class="card"><h2>Steering from here</h2>
    <p>${session.value.write_enabled ? "Sign in with an operator's token to steer from here." : "This page is read-only: set web.write_enabled and a token in the configuration to steer from here."}</p>
    <p>It always works from the terminal, also while the daemon is down:</p>
    <pre>autoscaler pause chat --for 2h --why "load test"\nautoscaler brake --all --for 1h --why INC-42\nautoscaler resume chat</pre></section>`;
}

export function Overrides() {
  const { data, error } = useGet("/api/v1/overrides"), at = useNow();
  const words = data?.overrides ?? [];
  return html`<section class="overrides"><h1>Overrides</h1>
    ${error && html`<p class="bad" role="alert">${error.message}</p>`}
    ${words.length ? html`<ul class="card words">${words.map((word) => html`<${Word} key=${word.id} word=${word} at=${at} />`)}</ul>`
      : data && html`<p class="quiet">Nobody has overridden anything.</p>`}
    <${How} />
    <p class="quiet">Ended ones are in the <a href="/activity?kind=override_added,override_ended,override_expired,look">activity</a>.</p>
  </section>`;
}
