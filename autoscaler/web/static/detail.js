// What opens below a row: the trail of the latest decision, what each policy said, the changes.

export function element(tag, facts = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(facts)) {
    if (name === "class") made.className = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

export function ago(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "never";
  const age = Math.max(0, seconds);
  if (age < 90) return `${Math.round(age)} s`;
  if (age < 5400) return `${Math.round(age / 60)} min`;
  if (age < 129600) return `${Math.round(age / 3600)} h`;
  return `${Math.round(age / 86400)} d`;
}

export const number = (value) =>
  value.toLocaleString("en", { maximumFractionDigits: Math.abs(value) < 10 ? 2 : 0 });

export function envelope(dials) {
  if (!dials) return "unknown";
  return `${dials.min_replicas}..${dials.max_replicas} × ${dials.threads}`;
}

function panel(title, lines, nothing) {
  const list = element("ul");
  for (const line of lines.length ? lines : [nothing]) list.append(element("li", {}, line));
  return element("section", {}, element("h2", {}, title), list);
}

function vote(said) {
  const bids = Object.entries(said.bids).map(([dial, bid]) => `${dial} ${bid}`).join(", ");
  const shadow = said.shadow ? " (shadow)" : "";
  return `${said.policy}${shadow}: ${said.sentence}${bids ? ` [${bids}]` : ""}`;
}

function signal(seen, now) {
  if (seen.missing) return `${seen.signal}: no data (${seen.missing})`;
  return `${seen.signal}: ${number(seen.value)}, ${ago(now - seen.at)} old`;
}

function override(word) {
  const what = word.dial ? `${word.control} ${word.dial} ${word.value}` : word.control;
  const end = word.expires_at ? `until ${new Date(word.expires_at * 1000).toLocaleString()}` : "without an end";
  return `${what} by ${word.author}: ${word.why} (${end})`;
}

function change(made, now) {
  const who = made.foreign ? ", not from here" : "";
  return `${ago(now - made.at)} ago: ${envelope(made.before)} → ${envelope(made.after)}${who}`;
}

function trail(latest) {
  const lines = latest.trail.map((step) => step.line);
  if (latest.hold) return [...lines, `held by ${latest.hold.by}: ${latest.hold.sentence}`];
  return [...lines, `${latest.outcome.kind}: ${latest.outcome.sentence}`];
}

export function panels(one, now) {
  const path = `/api/v1/deployments/${encodeURIComponent(one.name)}`;
  const links = element("p", { class: "links" },
    element("a", { href: path }, "all of it"), " · ",
    element("a", { href: `${path}/decisions?limit=50` }, "past decisions"));
  const latest = one.latest;
  const shown = element("div", { class: "panels" },
    panel("Why, step by step", trail(latest), ""),
    panel("What the policies said", latest.votes.map(vote), "none is configured"),
    panel("What was seen", one.signals.map((s) => signal(s, now)), "no signal is configured"),
    panel("Changes", one.changes.slice(0, 6).map((c) => change(c, now)), "none is known"));
  if (one.overrides.length) {
    shown.append(panel("An operator's word", one.overrides.map(override), ""));
  }
  shown.firstChild.append(links);
  return shown;
}
