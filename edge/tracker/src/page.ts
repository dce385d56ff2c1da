// The page being viewed, and everything sent about it. What always holds:
// engaged time and depth are sent once only, and nothing is sent for a page
// whose page view was not.

import { counted, data, endpoint, gpc, hashMode, silent } from "./config";

export interface Options {
  /** A full address to be counted instead of the page's own. */
  url?: string;
  props?: Record<string, string | number | boolean> | undefined;
  revenue?: { currency: string; amount: number | string };
  /** false: the event does not keep a visit from being a bounce. */
  interactive?: boolean;
  /** Called once: what the server answered, or why it was not asked. */
  callback?: (result: { status: number } | { error: unknown }) => void;
}

type Call = [name: string, options?: Options];

declare global {
  interface Window {
    dayfly?: ((...call: Call) => void) & { q?: Call[] };
  }
}

/** Calls from before the script was there, and from before the page was seen. */
export const calls = self.dayfly?.q || [];

interface Engagement extends Options {
  /** Deepest scroll position, 0 to 100. */
  sd?: number;
  /** Engaged time in milliseconds. */
  e?: number;
}

/** What makes a page another page: its path, in hash mode with the hash. */
let path: string | undefined;
/** The address in the last page view. */
let pageUrl: string;
// These three are NaN (or undefined, which calculates like it) while no page view
// was sent: then no comparison holds, and there is never an engagement to send.
let engaged_ms: number;
/** Lowest edge of the window so far, and as it was last sent, in pixels. */
let depth_px: number;
let sentDepth_px: number;
let isEngaged: boolean;
let measuredAt_ms: number;

/** An address without its query and hash. */
export const bare = (url: string) => url.split(/[?#]/)[0]!;

export const send = (
  name: string,
  { url = location.href, callback, ...fields }: Engagement = {},
) => {
  const isPageView = name == "pageview";
  let off: unknown =
    silent ||
    // Engagement belongs to the page before, whose page view passed this.
    (!fields.sd && ((gpc && !isPageView) || !counted.test(path!)));
  if (isPageView) {
    pageUrl = url;
    engaged_ms = off || gpc ? NaN : 0;
    // Not the scroll position, which after a navigation inside the page is still
    // that of the page before. Only what lies below the first screen is deeper.
    sentDepth_px = depth_px = innerHeight + engaged_ms;
  }
  // Read each time, so that opting out works at once and not after a reload.
  // Reading throws where a visitor has blocked storage; then there is no flag.
  try {
    off ||= /true/.test(
      localStorage.plausible_ignore + localStorage.dayfly_ignore,
    );
  } catch {}
  (off
    ? Promise.reject("ignored")
    : // A text body is sent as text/plain, which needs no CORS preflight.
      fetch(endpoint, {
        method: "POST",
        keepalive: true,
        body: JSON.stringify({
          n: name,
          u: gpc ? bare(url) : url,
          d: data.domain,
          h: hashMode,
          // Spreading true adds nothing.
          ...((gpc as false) || { r: document.referrer, ...fields }),
        }),
      })
  )
    .catch((error: unknown) => ({ error }))
    .then(callback);
};

/** The one listener: brings everything up to date. Without an event it is called with a number. */
export const handle = (event: Partial<MouseEvent & PageTransitionEvent>) => {
  // Nobody has seen the page yet: it is prerendered, or in a background tab.
  if (!path && document.hidden) return;

  const entered =
    event.persisted ||
    path != (path = location.pathname + (hashMode ? location.hash : ""));
  const now_ms = Date.now();
  if (isEngaged) engaged_ms += now_ms - measuredAt_ms;
  measuredAt_ms = now_ms;
  isEngaged = !document.hidden && document.hasFocus();
  depth_px = Math.max(depth_px, scrollY + innerHeight);
  if (
    (document.hidden || entered) &&
    (engaged_ms >= 3000 || depth_px > sentDepth_px)
  ) {
    send("engagement", {
      url: pageUrl,
      // Against the height of now: pages grow while they load.
      sd: Math.min(
        100,
        Math.round((100 * depth_px) / document.documentElement.scrollHeight),
      ),
      e: engaged_ms,
    });
    engaged_ms = 0;
    sentDepth_px = depth_px;
  }
  if (entered && data.manual == null) send("pageview");

  calls.splice(0).map((call) => send(...call));

  // Left or middle button. The composed path, not target: links inside open
  // shadow roots count.
  const link =
    event.button! < 2 &&
    (event.composedPath!().find(
      (node) => (node as HTMLAnchorElement).href,
    ) as HTMLAnchorElement);
  const name =
    event.type == "submit"
      ? "Form: Submission"
      : link &&
        (/\.(7z|csv|dmg|docx?|exe|gz|mp[34]|pdf|pptx?|rar|txt|xlsx?|zip)$/i.test(
          link.pathname,
        )
          ? "File Download"
          : link.host && link.host != location.host && "Outbound Link: Click");
  // The third letter tells the words of data-track apart: only "outbound" has
  // the t of Outbound, "downloads" the l of File, "forms" the r of Form.
  if (name && data.track?.includes(name[2]!))
    send(name, { props: link ? { url: bare(link.href) } : undefined });
};
