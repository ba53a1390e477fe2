// The token: kept for this tab alone, never written anywhere else.
import { html, useRef, useSignal } from "./lib.js";
import { login, session, token } from "./api.js";

export function Login() {
  const open = useSignal(false), wrong = useSignal("");
  const field = useRef();
  const mine = session.value;
  if (mine.auth === "none" && !mine.write_enabled) {
    return html`<span class="role" title="Set web.write_enabled and a token in the configuration to steer from here">read only</span>`;
  }
  if (token.value && mine.role !== "anonymous") {
    return html`<span class="role">${mine.author ?? mine.role} · ${mine.role}</span>
      <button type="button" class="small" onClick=${() => login("")}>Sign out</button>`;
  }
  const enter = async (event) => {
    event.preventDefault();
    wrong.value = "";
    try {
      await login(field.current.value.trim());
      if (session.value.role === "anonymous") throw new Error("this token is not known here");
      open.value = false;
    } catch (error) {
      wrong.value = error.message;
      await login("");
    }
  };
  if (!open.value) return html`<button type="button" class="small" onClick=${() => { open.value = true; }}>Sign in</button>`;
  return html`<form class="login" onSubmit=${enter}>
    <label class="hidden" for="token">Token</label>
    <input id="token" type="password" placeholder="token" autocomplete="off" ref=${field} aria-invalid=${Boolean(wrong.value)} />
    <button class="small">Sign in</button>
    <button type="button" class="icon" aria-label="Close" onClick=${() => { open.value = false; }}>✕</button>
    ${wrong.value && html`<span class="wrong" role="alert">${wrong.value}</span>`}
  </form>`;
}
