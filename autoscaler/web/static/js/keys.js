// The keyboard: / search, j k move, Enter open, g then a letter to go, ? help.
import { html, useEffect, useRef, useSignal } from "./lib.js";
import { go } from "./route.js";

const HELP = [
  ["/", "search"], ["j, k", "next, previous row"], ["Enter", "open it"], ["Esc", "close, leave the field"],
  ["g f", "fleet"], ["g a", "activity"], ["g o", "overrides"], ["g w", "what if"], ["g h", "health"], ["?", "this help"],
];
const PLACES = { f: "/", a: "/activity", o: "/overrides", w: "/what-if", h: "/health" };

function move(step) {
  const rows = [...document.querySelectorAll("[data-row]")];
  if (!rows.length) return;
  const at = rows.indexOf(document.activeElement.closest?.("[data-row]"));
  const next = rows[at < 0 ? 0 : Math.min(Math.max(at + step, 0), rows.length - 1)];
  (next.matches("a, button") ? next : next.querySelector("a, button"))?.focus();
  next.scrollIntoView({ block: "nearest" });
  // A scroll is told with the next frame, keys may come faster: the rows after this one are drawn before the next key.
  next.closest(".scroller")?.dispatchEvent(new Event("scroll"));
}

export function Keys() {
  const open = useSignal(false), box = useRef();
  useEffect(() => {
    let after = null;
    const pressed = (event) => {
      const typing = event.target.matches("input, textarea, select");
      if (event.key === "Escape" && typing) event.target.blur();
      if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
      if (after === "g" && PLACES[event.key]) go(PLACES[event.key]);
      else if (event.key === "/") document.querySelector("input[type=search]")?.focus();
      else if (event.key === "j") move(1);
      else if (event.key === "k") move(-1);
      else if (event.key === "?") open.value = true;
      else if (event.key !== "g") { after = null; return; }
      after = event.key === "g" && after !== "g" ? "g" : null;
      if (event.key !== "g") event.preventDefault();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
  useEffect(() => { if (open.value) box.current?.showModal(); }, [open.value]);
  if (!open.value) return null;
  return html`<dialog ref=${box} class="keys" aria-labelledby="keys-title" onClose=${() => { open.value = false; }}>
    <h2 id="keys-title">Keys</h2>
    <dl>${HELP.map(([key, what]) => html`<dt><kbd>${key}</kbd></dt><dd>${what}</dd>`)}</dl>
    <form method="dialog"><button autofocus>Close</button></form>
  </dialog>`;
}
