// The tracker's entry: what it listens to.

import { data } from "./config";
import { leave, measure } from "./engagement";
import { bare, path, send } from "./send";

declare global {
  interface Window {
    dayfly?: typeof send & { q?: Parameters<typeof send>[] };
  }
}

const queue = window.dayfly?.q;
window.dayfly = send;

const on = <T extends keyof WindowEventMap>(
  types: string,
  listener: (event: WindowEventMap[T]) => void,
) =>
  types
    .split(" ")
    // Capturing: no handler of the page can stop these events before they are seen.
    .map((type) => addEventListener(type, listener as EventListener, true));

if (!("manual" in data)) {
  let lastPath: string;
  const navigated = () => {
    if (lastPath != (lastPath = path())) send("pageview");
  };
  for (const method of ["pushState", "replaceState"] as const) {
    const native = history[method];
    history[method] = (...args) => {
      native.apply(history, args);
      navigated();
    };
  }
  // Fired when only the hash changed, too.
  on("popstate", navigated);
  // A page taken out of the back-forward cache is a page viewed again.
  on<"pageshow">("pageshow", (event) => event.persisted && send("pageview"));
  navigated();
}

queue?.map((args) => send(...args));

on("scroll focus blur", measure);
on("visibilitychange pagehide", (event) =>
  document.hidden || event.type == "pagehide" ? leave() : measure(),
);

const tracks = (what: RegExp) => what.test(data.track!);

on<"click">("click auxclick", (event) => {
  // The composed path, not target: links inside open shadow roots count.
  const link = event
    .composedPath()
    .find((node) => (node as HTMLAnchorElement).href) as
    HTMLAnchorElement | undefined;
  if (link && event.button < 2) {
    const name =
      tracks(/down/) &&
      /\.(7z|avi|csv|dmg|docx?|epub|exe|gz|iso|key|mov|mp[34]|msi|od[pst]|pdf|pkg|pptx?|rar|rtf|txt|wav|xlsx?|zip)$/i.test(
        link.pathname,
      )
        ? "File Download"
        : tracks(/out/) && link.host && link.host != location.host
          ? "Outbound Link: Click"
          : "";
    if (name) send(name, { props: { url: bare(link.href) } });
  }
});

on("submit", () => {
  if (tracks(/form/)) send("Form: Submission");
});
