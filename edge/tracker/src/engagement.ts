// How long the current page was engaged with (visible and focused) and how deep
// it was scrolled. What always holds: time and depth are sent once only, and
// nothing is sent for a page whose page view was not.

import { data, hashMode } from "./config";
import { post } from "./transport";

/** The address of the current page view; empty when it is not to be measured. */
let url = "";
let engaged_ms = 0;
let isEngaged = false;
let measuredAt_ms = 0;
/** Deepest bottom edge of the window so far, and at the last beacon, in pixels. */
let depth_px = 0;
let sentDepth_px = 0;

export const measure = () => {
  const now_ms = performance.now();
  if (isEngaged) engaged_ms += now_ms - measuredAt_ms;
  measuredAt_ms = now_ms;
  isEngaged = !document.hidden && document.hasFocus();
  depth_px = Math.max(depth_px, scrollY + innerHeight);
};

export const leave = () => {
  measure();
  if (url && (engaged_ms >= 3000 || depth_px > sentDepth_px)) {
    post({
      n: "engagement",
      u: url,
      d: data.domain,
      h: hashMode,
      // Against the height of now: pages grow while they load.
      sd: Math.min(
        100,
        Math.round((100 * depth_px) / document.documentElement.scrollHeight),
      ),
      e: Math.round(engaged_ms),
    });
    engaged_ms = 0;
    sentDepth_px = depth_px;
  }
};

/** Sends what is left of the page before, then starts anew. */
export const enter = (newUrl: string) => {
  leave();
  url = newUrl;
  engaged_ms = 0;
  // Not the scroll position, which after a navigation inside the page is still
  // that of the page before. Only what lies below the first screen is deeper.
  sentDepth_px = depth_px = innerHeight;
};
