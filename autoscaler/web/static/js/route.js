// Where we are: the path and its parameters, all state that a link should carry.
import { computed, signal } from "./lib.js";

const here = signal(location.pathname + location.search);
addEventListener("popstate", () => { here.value = location.pathname + location.search; });

export const path = computed(() => here.value.split("?")[0]);
export const params = computed(() => new URLSearchParams(here.value.split("?")[1] ?? ""));

export function go(to) {
  if (to === here.value) return;
  history.pushState(null, "", to);
  here.value = to;
  scrollTo(0, 0);
}

/** Change parameters in place, without a step in the history. Empty ones go. */
export function set(changes) {
  const next = new URLSearchParams(params.value);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === undefined || value === "") next.delete(name);
    else next.set(name, value);
  }
  const text = next.toString();
  const to = text ? `${path.value}?${text}` : path.value;
  history.replaceState(null, "", to);
  here.value = to;
}

/** Links stay links: only plain clicks on our own pages are taken over. */
export function follow(event) {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  if (link.origin !== location.origin || link.target || link.hasAttribute("download")) return;
  if (!pages.some((page) => page.test(link.pathname))) return;
  if (link.hash && link.pathname === location.pathname) return;
  event.preventDefault();
  go(link.pathname + link.search);
}

export const pages = [/^\/$/, /^\/d\/[^/]+$/, /^\/what-if$/, /^\/activity$/, /^\/overrides$/, /^\/health$/];
export const deployment = (name) => `/d/${encodeURIComponent(name)}`;
