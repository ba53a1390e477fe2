// Data that a component shows: asked now, asked again when the daemon says something new.
import { useEffect, useSignal } from "./lib.js";
import { get } from "./api.js";
import { beat } from "./live.js";

/** {data, error, loading} of a GET, asked again at each beat unless `still`. */
export function useGet(path, { still = false, every = beat } = {}) {
  const found = useSignal({ path: null, data: null, error: null });
  const pulse = still ? 0 : every.value;
  useEffect(() => {
    if (!path) return undefined;
    const abort = new AbortController();
    get(path, abort.signal).then(
      (data) => {
        const before = found.value;
        if (before.data !== data || before.error || before.path !== path) found.value = { path, data, error: null };
      },
      (error) => {
        if (error.name === "AbortError") return;
        // What was shown stays, marked as old, while the daemon is away.
        found.value = { path, data: found.value.path === path ? found.value.data : null, error };
      },
    );
    return () => abort.abort();
  }, [path, pulse]);
  const { data, error } = found.value;
  const mine = found.value.path === path;
  return { data: mine ? data : null, error: mine ? error : null, loading: !mine || (!data && !error) };
}
