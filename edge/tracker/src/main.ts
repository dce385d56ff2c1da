// The tracker, one classic script: the page being viewed, everything sent about
// it, and window.dayfly. ../README.md says what its attributes and calls mean.
// What always holds: engaged time and depth are sent once only; nothing is stored.
//
// No import and no export: build.mjs puts a block around this file, which keeps
// these names from the page. Where one of two equal ways is odd, it weighs less.

interface Navigator {
  /** Global Privacy Control. */
  readonly globalPrivacyControl?: boolean;
}

interface Options {
  /** A full address to be counted instead of the page's own. */
  url?: string;
  props?: Record<string, string | number | boolean>;
  revenue?: { currency: string; amount: number | string };
  /** false: the event does not keep a visit from being a bounce. */
  interactive?: boolean;
}

interface Engagement extends Options {
  /** Deepest scroll position in percent. */
  sd?: number;
  /** Engaged time in milliseconds. */
  e?: number;
}

type Call = [name: string, options?: Options];

interface Window {
  dayfly?: ((...call: Call) => void) & { q?: Call[] };
}

let script = document.currentScript as HTMLScriptElement;
let data = script.dataset;
let gpc = navigator.globalPrivacyControl;
/** Calls from before the script was there, and from before the page was seen. */
let calls = self.dayfly?.q || [];

/** What makes a page another page: its path, in hash mode with the hash. */
let path: string | undefined;
/** Nothing is to be sent from this page. */
let isOff: boolean;
/** The address in the last page view. */
let pageUrl: string | undefined;
// These three are undefined or NaN until there is a page view: then no comparison
// holds, and there is never an engagement to send.
let engaged_ms: number;
/** Lowest edge of the window so far, and as it was last sent, in pixels. */
let depth_px: number;
let sentDepth_px: number;
/** When the time from here on was not yet added to that; false while not engaged. */
let engagedSince_ms: number;

/** The one listener: brings everything up to date. Often called without an event. */
let handle = (event: Partial<MouseEvent & PageTransitionEvent> = {}) => {
  // Else nobody has seen the page yet: it is prerendered, or in a background tab.
  if (path || !document.hidden) {
    let isEntered =
      event.persisted ||
      path !=
        (path = location.pathname + ("hash" in data ? location.hash : ""));

    engaged_ms += engagedSince_ms && Date.now() - engagedSince_ms;
    engagedSince_ms = (!document.hidden &&
      document.hasFocus() &&
      Date.now()) as number;
    if (depth_px < scrollY + innerHeight) depth_px = scrollY + innerHeight;

    if (
      (document.hidden || isEntered) &&
      (depth_px > sentDepth_px || engaged_ms >= 3000)
    ) {
      send("engagement", {
        // Against the height of now: pages grow while they load. One more, because
        // scroll positions are fractions and the server rounds down.
        sd: (100 * (depth_px + 1)) / document.documentElement.scrollHeight,
        e: engaged_ms,
      });
      engaged_ms = 0;
      sentDepth_px = depth_px;
    }

    if (isEntered) {
      isOff =
        (data.local == null &&
          // Only a public host name has a dot before something not a number.
          (navigator.webdriver || !location.host.match(/\.\D/))) ||
        // Without a list nothing but "undefined" is excluded, which no path is.
        !path!.match(
          `^(?!(${data.exclude})$)(${data.include || "**"})$`
            .replace(/, */g, "|")
            // One star: anything but a slash, and that which no path has, a blank
            // before a slash. Two: the blank itself gets a star, so any slash.
            .replace(/(\*)?\*/g, "( $1/|[^/])*"),
        );
      if (data.manual == null) send("pageview");
    }

    calls.splice(0).map((call) => send(...call));

    // Left or middle button. The composed path, not target: links inside open
    // shadow roots count. A mail address has no host name, and the hostname of a
    // form can be its input of this name, which has no first letter.
    let link =
      event.button! < 2 &&
      (event.composedPath!().find(
        (node) => (node as HTMLAnchorElement).hostname?.[0],
      ) as HTMLAnchorElement | undefined);
    let name =
      event.type == "submit"
        ? "Form: Submission"
        : link &&
          (link.pathname.match(
            /\.(doc|exe|dmg|txt|xls|gz|pdf|ppt|zip|csv|mp.)x?$/i,
          )
            ? "File Download"
            : link.host != location.host && "Outbound Link: Click");
    // The third letter tells the words of data-track apart: only "outbound" has
    // the t of Outbound, "downloads" the l of File, "forms" the r of Form.
    if (data.track?.includes((name as string)?.[2]!))
      send(
        name as string,
        (link && {
          props: { url: link.href.replace(/[?#].*/, "") },
        }) as Options,
      );
  }
};

let send = (name: string, options?: Engagement) => {
  if (name == "pageview") {
    pageUrl = options?.url || location.href;
    engaged_ms = 0;
    // Not the scroll position, which after a navigation inside the page is still
    // that of the page before. Only what lies below the first screen is deeper.
    sentDepth_px = depth_px = innerHeight;
  } else if (gpc) return;

  // Read each time, so that opting out works at once and not after a reload.
  // Reading throws where a visitor has blocked storage; then there is no flag.
  try {
    isOff ||= /true/.test(
      localStorage.plausible_ignore + localStorage.dayfly_ignore,
    );
  } catch {}

  isOff ||
    fetch(data.api || new URL("/api/event", script.src), {
      // A text body is sent as text/plain, which needs no CORS preflight.
      method: "POST",
      keepalive: true,
      // The site's own cookies stay at home where the site passes beacons on.
      credentials: "omit",
      body: JSON.stringify({
        n: name,
        u: gpc
          ? pageUrl!.replace(/[?#].*/, "")
          : // In manual mode events may come before any page view.
            pageUrl || location.href,
        d: data.domain,
        h: "hash" in data,
        // Spreading true adds nothing.
        ...((gpc as false) || { r: document.referrer, ...options }),
      }),
      // A beacon that fails is no error of the page's: any function may take it.
    }).catch(handle);
};

self.dayfly = (...call) => handle(calls.push(call) as {});

// popstate comes also when only the hash has changed. Capturing: no handler of
// the page can stop these events before they are seen. pushState and replaceState
// are no events but methods of history, which tell nobody that they were called.
[
  "scroll",
  "pageshow",
  "popstate",
  "pushState",
  "replaceState",
  "visibilitychange",
  "focus",
  "blur",
  "click",
  "auxclick",
  "submit",
].map((type) => {
  addEventListener(type, handle as EventListener, true);
  let native = history[type as "pushState"];
  if (native)
    history[type as "pushState"] = (...args) =>
      handle(native.apply(history, args) as undefined);
});

handle();
