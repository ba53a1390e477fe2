// Data that components show: asked once for all who show it, asked again when the daemon says
// something new, never twice at the same time. What was shown stays while the daemon is away.
import { effect, signal, useEffect } from "./lib.js";
import { get } from "./api.js";
import { beat } from "./live.js";

const NOTHING = { data: null, error: null };
const KEPT = 60;
const asked = new Map();

function entryOf(key, fetcher, still) {
  const known = asked.get(key) ?? { found: signal(NOTHING), users: 0, busy: false, again: false };
  asked.delete(key);
  asked.set(key, Object.assign(known, { fetcher, still }));
  for (const [old, entry] of asked) {
    if (asked.size <= KEPT) break;
    if (!entry.users) asked.delete(old);
  }
  return known;
}

async function ask(entry) {
  // A slow answer must not be cut off by the next beat, or it would never come.
  if (entry.busy) { entry.again = true; return; }
  entry.busy = true;
  do {
    entry.again = false;
    try {
      const data = await entry.fetcher();
      const { data: before, error } = entry.found.value;
      if (before !== data || error) entry.found.value = { data, error: null };
    } catch (error) {
      entry.found.value = { data: error.status === 404 ? null : entry.found.value.data, error };
    }
  } while (entry.again && entry.users);
  entry.busy = false;
}

effect(() => {
  if (beat.value) for (const entry of asked.values()) if (entry.users && !entry.still) ask(entry);
});

/** {data, error} of what `fetcher` answers for `key`; `still` asks only once. No key, no question. */
export function useAsk(key, fetcher, still = false) {
  useEffect(() => {
    if (!key) return undefined;
    const entry = entryOf(key, fetcher, still);
    entry.users += 1;
    ask(entry);
    return () => { entry.users -= 1; };
  }, [key]);
  return key ? entryOf(key, asked.get(key)?.fetcher ?? fetcher, still).found.value : NOTHING;
}

/** {data, error} of a GET. */
export const useGet = (path, { still = false } = {}) => useAsk(path, () => get(path), still);
