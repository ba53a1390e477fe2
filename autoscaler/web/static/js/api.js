// Asking the daemon: tokens, ETags, and problems in its own words.
import { signal } from "./lib.js";

export const token = signal(sessionStorage.getItem("token") ?? "");
export const session = signal({ role: "anonymous", write_enabled: false, auth: "none", author: null });

/** An answer that is not a success: `problem` is the daemon's RFC 9457 body. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem?.detail ?? `the daemon answered ${status}`);
    this.status = status;
    this.problem = problem;
  }
}

const kept = new Map();
const KEPT = 200;

export function headers(more = {}) {
  return token.value ? { Authorization: `Bearer ${token.value}`, ...more } : more;
}

async function told(answer) {
  let problem = null;
  try {
    problem = await answer.json();
  } catch { /* a body that is not JSON tells nothing */ }
  return new Refused(answer.status, problem);
}

/** JSON of a GET. The same object as before when nothing changed. */
export async function get(path, abort) {
  const before = kept.get(path);
  const asked = headers({ Accept: "application/json", ...(before ? { "If-None-Match": before.tag } : {}) });
  const answer = await fetch(path, { headers: asked, signal: abort });
  if (answer.status === 304 && before) return before.body;
  if (!answer.ok) throw await told(answer);
  const body = await answer.json(), tag = answer.headers.get("ETag");
  kept.delete(path);
  if (tag) kept.set(path, { tag, body });
  if (kept.size > KEPT) kept.delete(kept.keys().next().value);
  return body;
}

/** JSON of a POST or DELETE. */
export async function send(method, path, body) {
  const asked = headers({ Accept: "application/json", ...(body ? { "Content-Type": "application/json" } : {}) });
  const answer = await fetch(path, { method, headers: asked, body: body ? JSON.stringify(body) : undefined });
  if (!answer.ok) throw await told(answer);
  return answer.status === 204 ? null : answer.json();
}

export async function login(text) {
  token.value = text;
  if (text) sessionStorage.setItem("token", text);
  else sessionStorage.removeItem("token");
  kept.clear();
  await whoAmI();
}

export async function whoAmI() {
  try {
    session.value = await get("/api/v1/session");
  } catch (error) {
    session.value = { role: "anonymous", write_enabled: false, auth: "bearer", author: null };
    if (error.status === 401) throw error;
  }
}

export const mayWrite = () => session.value.write_enabled && session.value.role === "operator";

/** A path with the parameters that have a value. */
export function url(path, params = {}) {
  const found = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined && one !== "") found.append(name, one);
    }
  }
  const text = found.toString();
  return text ? `${path}?${text}` : path;
}

export const one = (name) => `/api/v1/deployments/${encodeURIComponent(name)}`;
