// The tracker's entry: window.dayfly, and what is listened to.

import { calls, handle } from "./page";

self.dayfly = (...call) => handle(calls.push(call) as {});

for (const method of ["pushState", "replaceState"] as const) {
  const native = history[method];
  history[method] = (...args) => {
    native.apply(history, args);
    handle(0 as {});
  };
}

// popstate comes also when only the hash has changed. Capturing: no handler of
// the page can stop these events before they are seen.
[
  "scroll",
  "focus",
  "blur",
  "visibilitychange",
  "popstate",
  "pageshow",
  "click",
  "auxclick",
  "submit",
].map((type) => addEventListener(type, handle as EventListener, true));

handle(0 as {});
