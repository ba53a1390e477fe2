// The shell: who we are talking to, how it is, where to go, and the page itself.
import { effect, html, render, useEffect, useSignal } from "./lib.js";
import { whoAmI } from "./api.js";
import { Banner } from "./banner.js";
import { Dialog } from "./dialog.js";
import { Deployment } from "./deployment.js";
import { Activity } from "./activity.js";
import { Fleet } from "./fleet.js";
import { Health } from "./health.js";
import { Keys } from "./keys.js";
import { Line } from "./line.js";
import { listen } from "./live.js";
import { Login } from "./login.js";
import { Overrides } from "./overrides.js";
import { follow, path } from "./route.js";
import { WhatIf } from "./whatif.js";

const TABS = [["/", "Fleet"], ["/activity", "Activity"], ["/overrides", "Overrides"], ["/what-if", "What if"], ["/health", "Health"]];

const theme = localStorage.getItem("theme");
if (theme) document.documentElement.dataset.theme = theme;

function Theme() {
  const now = useSignal(document.documentElement.dataset.theme ?? "");
  const dark = now.value ? now.value === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const turn = () => {
    const next = dark ? "light" : "dark";
    document.documentElement.dataset.theme = now.value = next;
    localStorage.setItem("theme", next);
    dispatchEvent(new Event("themechange"));
  };
  return html`<button class="icon" type="button" onClick=${turn} aria-label=${`Show it ${dark ? "light" : "dark"}`}
    title=${`Show it ${dark ? "light" : "dark"}`}>${dark ? "☀" : "☾"}</button>`;
}

function Page() {
  const at = path.value;
  if (at === "/") return html`<${Fleet} />`;
  if (at.startsWith("/d/")) {
    const name = decodeURIComponent(at.slice(3));
    return html`<${Deployment} key=${name} name=${name} />`;
  }
  if (at === "/activity") return html`<${Activity} />`;
  if (at === "/overrides") return html`<${Overrides} />`;
  if (at === "/what-if") return html`<${WhatIf} />`;
  if (at === "/health") return html`<${Health} />`;
  return html`<section class="empty"><h2>There is nothing here</h2><p><a href="/">To the fleet</a></p></section>`;
}

function App() {
  useEffect(() => {
    document.addEventListener("click", follow);
    whoAmI().catch(() => {});
    listen();
  }, []);
  const current = (to) => (to === "/" ? path.value === "/" || path.value.startsWith("/d/") : path.value === to);
  return html`
    <a class="skip" href="#main">To the content</a>
    <header class="top">
      <a class="brand" href="/"><img src="/static/icon.svg" alt="" width="24" height="24" />Autoscaler</a>
      <nav aria-label="Pages">${TABS.map(([to, text]) => html`
        <a href=${to} aria-current=${current(to) ? "page" : undefined}>${text}</a>`)}</nav>
      <div class="right"><${Login} /><${Theme} /></div>
    </header>
    <${Line} />
    <${Banner} />
    <main id="main" tabindex="-1"><${Page} /></main>
    <${Dialog} />
    <${Keys} />`;
}

effect(() => {
  const at = path.value;
  const page = TABS.find(([to]) => to === at)?.[1] ?? (at.startsWith("/d/") ? decodeURIComponent(at.slice(3)) : "");
  document.title = page ? `${page} · Autoscaler` : "Autoscaler";
});

const root = document.getElementById("app");
root.replaceChildren();
render(html`<${App} />`, root);
