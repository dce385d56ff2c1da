// Loads what a link or a form leads to into the main element. htmx asks, puts it in by changing
// only what differs (so focus, scroll position and typed text stay), and keeps the history; which
// links do so is in templates/boost.html. What always holds: an answer that is not simply the page
// that was asked for is loaded as the browser would have done it.

import htmx from "htmx.org";

/** What htmx tells about a request. */
interface Context {
  sourceElement?: Element;
  request: { action: string; anchor?: string | undefined };
  response?: { raw: Response };
}

/** The element that is updated. */
export const main = (): HTMLElement | null => document.getElementById("main");

/** Whether somebody waits for an answer. */
export const isBusy = (): boolean => main()?.ariaBusy === "true";

/** A request that nobody asked for: it shows no sign and says nothing. */
let quiet: AbortController | undefined;

/**
 * Asks for the page again and puts in what changed. False when that is no page any more, as after
 * logging out.
 */
export const refresh = async (): Promise<boolean> => {
  const element = main();
  if (!element) return false;
  const here = location.pathname + location.search;
  quiet = new AbortController();
  const { signal } = quiet;
  const answer = await fetch(here, {
    headers: { accept: "text/html" },
    signal,
  });
  if (!answer.ok || answer.redirected) return false;
  const text = await answer.text();
  // Meanwhile somebody went elsewhere.
  if (signal.aborted || isBusy()) return true;
  await htmx.swap({
    sourceElement: element,
    target: element,
    select: "#main",
    swap: "innerMorph strip:true",
    text,
  });
  return true;
};

const contextOf = (event: Event): Context | undefined =>
  (event as CustomEvent<{ ctx?: Context }>).detail?.ctx;

/** A line that is read out, or shown when it is about a fault. */
const line = (role: "status" | "alert"): HTMLElement => {
  const found = document.querySelector<HTMLElement>(`body > [role=${role}]`);
  if (found) return found;
  const made = document.createElement("p");
  made.setAttribute("role", role);
  made.className = role === "status" ? "unseen" : "fault";
  document.body.append(made);
  return made;
};

/** What a page shows, in a few words. */
const summary = (): string =>
  [".range > p", ".headline .chosen"]
    .map((selector) => document.querySelector(selector)?.textContent ?? "")
    .map((text) => text.replace(/\s+/g, " ").trim())
    .filter(Boolean)
    .join(": ");

/** Begins to follow; `changed` is called whenever the main element was updated. */
export const follow = (changed: () => void): void => {
  let asker: Element | null = null;
  /** The requests under way; a newer one ends the older. */
  const waiting = new Set<Context | undefined>();
  const show = (): void => {
    const element = main();
    if (element) element.ariaBusy = waiting.size > 0 ? "true" : null;
  };

  document.addEventListener("htmx:config:request", (event) => {
    const context = contextOf(event);
    if (!context) return;
    // The place that a link names is where one looks already.
    context.request.anchor = undefined;
    // A form brings the whole state along, as without scripts.
    if (context.sourceElement?.matches("form:not([action])"))
      context.request.action = location.pathname;
  });

  // Links of a drawing are none to htmx.
  document.addEventListener("click", (event) => {
    const { target, button, ctrlKey, metaKey, shiftKey } = event;
    const link = target instanceof Element ? target.closest("svg a") : null;
    const path = link?.getAttribute("href");
    if (!link || !path || button !== 0 || ctrlKey || metaKey || shiftKey)
      return;
    event.preventDefault();
    void htmx.ajax("GET", path, {
      source: link,
      target: "#main",
      select: "#main",
      swap: "innerMorph strip:true show:none",
      push: "true",
    });
  });

  document.addEventListener("htmx:before:request", (event) => {
    quiet?.abort();
    asker = contextOf(event)?.sourceElement ?? null;
    waiting.add(contextOf(event));
    show();
    line("alert").textContent = "";
  });

  document.addEventListener("htmx:after:request", (event) => {
    const context = contextOf(event);
    const answer = context?.response?.raw;
    if (!context || !answer || (answer.ok && !answer.redirected)) return;
    event.preventDefault();
    location.assign(answer.redirected ? answer.url : context.request.action);
  });

  document.addEventListener("htmx:error", () => {
    line("alert").textContent =
      "The server could not be reached. What you see is as it was before; try again.";
  });

  document.addEventListener("htmx:finally:request", (event) => {
    waiting.delete(contextOf(event));
    show();
  });

  document.addEventListener("htmx:after:swap", () => {
    changed();
    if (!asker) return;
    const menu = asker.closest<HTMLDetailsElement>("details.menu");
    if (menu?.open) {
      menu.open = false;
      menu.querySelector("summary")?.focus({ preventScroll: true });
    } else if (document.activeElement === document.body)
      main()?.focus({ preventScroll: true });
    asker = null;
    line("status").textContent = summary();
  });
};
