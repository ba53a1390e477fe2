// Steering: says what will be done, to whom, for how long and why, before it is sent.
import { html, signal, useEffect, useRef, useSignal } from "./lib.js";
import { send } from "./api.js";
import { CONTROLS, control, scope, words } from "./format.js";
import { beat } from "./live.js";

const asked = signal(null);
export const said = signal("");

/** Open the dialog for a control of a scope; `row` gives the present numbers as a start. */
export function ask(kind, where, row = null) { asked.value = { kind, where, row }; }
export function askEnd(word) { asked.value = { kind: "end", word }; }

const TITLES = {
  pause: "Pause", brake: "Stop all lowering", pin: "Pin a value", floor: "Raise a floor",
  mode: "Change the mode", look: "Look now", end: "End it now",
};
const TELLS = {
  pause: "Nothing is written to the platform while it holds. The platform keeps scaling inside the present envelope.",
  brake: "Nothing is lowered while it holds: no floor, ceiling or thread count. Raising goes on.",
  pin: "The dial stays at this value while it holds, inside the configured limits.",
  floor: "The dial is at least this value while it holds; policies may still go higher.",
  mode: "How far the daemon may go while it holds.",
  look: "The platform is read and everything is decided again at once.",
};
const DIALS = [["min_replicas", "floor (min replicas)"], ["max_replicas", "ceiling (max replicas)"], ["threads", "threads"]];
const MODES = ["observe", "recommend", "raise_only", "apply"];
const SPANS = [["900", "15 minutes"], ["3600", "1 hour"], ["7200", "2 hours"], ["28800", "8 hours"], ["86400", "1 day"], ["604800", "7 days"]];

function body(form, { kind, where }) {
  const found = { scope: where, why: form.why.value.trim() };
  if (kind === "look") return found;
  found.control = kind;
  if (form.dial) found.dial = form.dial.value;
  if (form.value) found.value = Number(form.value.value);
  if (form.mode) found.mode = form.mode.value;
  if (form.span.value === "endless") found.endless = true;
  else found.for_s = Number(form.span.value);
  return found;
}

function Fields({ kind, row }) {
  const start = row?.current ?? {};
  const dial = useSignal("min_replicas");
  return html`
    ${(kind === "pin" || kind === "floor") && html`
      <label>Dial<select name="dial" value=${dial.value} onChange=${(e) => { dial.value = e.target.value; }}>
        ${DIALS.map(([value, text]) => html`<option value=${value}>${text}</option>`)}</select></label>
      <label>Value<input name="value" type="number" min="0" step="1" required defaultValue=${start[dial.value] ?? ""} key=${dial.value} /></label>`}
    ${kind === "mode" && html`<label>Mode<select name="mode" defaultValue=${row?.mode ?? "observe"}>
      ${MODES.map((one) => html`<option value=${one}>${words(one)}</option>`)}</select></label>`}
    ${kind !== "look" && html`<label>For<select name="span">
      ${SPANS.map(([value, text]) => html`<option value=${value} selected=${value === "3600"}>${text}</option>`)}
      <option value="endless">without end</option></select></label>`}`;
}

/** The request as it will be sent, to be read before. */
function sent(form, request) {
  if (request.kind === "end") return `DELETE /api/v1/overrides/${request.word.id}`;
  return `POST /api/v1/${request.kind === "look" ? "looks" : "overrides"}\n${JSON.stringify(body(form, request), null, 2)}`;
}

async function act(request, form) {
  const { kind, word } = request;
  if (kind === "end") {
    await send("DELETE", `/api/v1/overrides/${encodeURIComponent(word.id)}`);
    return `Ended: ${control(word)} of ${scope(word.scope)}.`;
  }
  const wish = body(form, request);
  if (kind === "look") {
    const { deployments } = await send("POST", "/api/v1/looks", wish);
    return `Looking at ${deployments} deployment${deployments === 1 ? "" : "s"} now.`;
  }
  const made = await send("POST", "/api/v1/overrides", wish);
  return `${CONTROLS[made.control]}: ${scope(made.scope)}.`;
}

export function Dialog() {
  const request = asked.value, box = useRef(), wrong = useSignal(""), busy = useSignal(false), shown = useSignal("");
  const form = useRef();
  useEffect(() => {
    if (!request) return;
    wrong.value = "";
    box.current?.showModal();
    shown.value = sent(form.current, request);
  }, [request]);
  useEffect(() => {
    if (!said.value) return undefined;
    const timer = setTimeout(() => { said.value = ""; }, 6000);
    return () => clearTimeout(timer);
  }, [said.value]);
  const toast = html`<p class=${said.value ? "toast" : "toast gone"} role="status">${said.value}</p>`;
  if (!request) return toast;
  const { kind, word } = request, where = kind === "end" ? word.scope : request.where;
  const close = () => { asked.value = null; };
  const submit = async (event) => {
    event.preventDefault();
    busy.value = true;
    wrong.value = "";
    try {
      said.value = await act(request, event.target);
      beat.value += 1;
      close();
    } catch (error) {
      wrong.value = error.message;
    }
    busy.value = false;
  };
  // After the fields have followed: another dial begins with its own value.
  const show = () => setTimeout(() => { if (form.current) shown.value = sent(form.current, request); });
  return html`${toast}<dialog ref=${box} class="control" aria-labelledby="control-title" onClose=${close}>
    <form ref=${form} onSubmit=${submit} onInput=${show}>
      <h2 id="control-title">${TITLES[kind]}: ${scope(where)}</h2>
      <p class="tells">${kind === "end" ? `${control(word)}, said by ${word.author}: ${word.why}` : TELLS[kind]}</p>
      ${kind !== "end" && html`<div class="fields"><${Fields} kind=${kind} row=${request.row} /></div>
        <label>Why<input name="why" required maxlength="500" autocomplete="off" placeholder="INC-42, load test, …" autofocus /></label>`}
      <details open><summary>What will be sent</summary><pre>${shown.value}</pre></details>
      ${wrong.value && html`<p class="wrong" role="alert">${wrong.value}</p>`}
      <footer><button type="button" onClick=${close}>Cancel</button>
        <button class=${kind === "pause" || kind === "brake" ? "danger" : "main"} disabled=${busy.value}>${TITLES[kind]}</button></footer>
    </form>
  </dialog>`;
}

/** Buttons for one scope; nothing where writing is not allowed. */
export function Controls({ where, row = null, few = false }) {
  const kinds = few ? ["pause", "brake"] : ["pause", "brake", "floor", "pin", "mode", "look"];
  return html`<div class="controls" role="group" aria-label=${`Steer ${scope(where)}`}>
    ${kinds.map((kind) => html`<button type="button" class=${kind === "pause" ? "danger" : ""} onClick=${() => ask(kind, where, row)}>
      ${kind === "brake" ? "No lowering" : TITLES[kind]}${few && kind === "pause" ? ` ${scope(where)}` : ""}</button>`)}
  </div>`;
}
