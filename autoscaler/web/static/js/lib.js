// The page's few foundations in one place: Preact, signals and tagged templates.
export { Fragment, render } from "/static/vendor/preact.js";
export { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "/static/vendor/preact-hooks.js";
export { batch, computed, effect, signal, useComputed, useSignal } from "/static/vendor/signals.js";
import { h } from "/static/vendor/preact.js";
import htm from "/static/vendor/htm.js";
export const html = htm.bind(h);
