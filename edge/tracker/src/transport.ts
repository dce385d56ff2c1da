// The one place that talks to the network, and so the one place that asks
// whether anything may be sent at all.

import { endpoint, silent } from "./config";

/** The Events API's fields. JSON leaves out those that are undefined. */
export interface Beacon {
  n: string;
  u: string;
  d?: string | undefined;
  r?: string | undefined;
  p?: Props | undefined;
  $?: Revenue | undefined;
  h?: 1 | undefined;
  i?: boolean | undefined;
  /** Deepest scroll position, 0 to 100. */
  sd?: number;
  /** Engaged time in milliseconds. */
  e?: number;
}

export type Props = Record<string, string | number | boolean>;

export interface Revenue {
  currency: string;
  amount: number | string;
}

/** `status` of the answer; or `error`: what fetch threw, or "ignored" when nothing was sent. */
export type Callback = (
  result: { status: number } | { error: unknown },
) => void;

export const post = (beacon: Beacon, off?: unknown, callback?: Callback) => {
  // Read each time, so that opting out works at once and not after a reload.
  // Reading throws where a visitor has blocked storage; then there is no flag.
  try {
    off ||= [
      localStorage.plausible_ignore,
      localStorage.dayfly_ignore,
    ].includes("true");
  } catch {}
  if (silent || off) {
    callback?.({ error: "ignored" });
  } else {
    fetch(endpoint, {
      method: "POST",
      keepalive: true,
      headers: { "Content-Type": "text/plain" },
      // Neither cookies nor the page's address (it has the query) in headers,
      // not even when the endpoint is on the site's own origin.
      credentials: "omit",
      referrer: "",
      body: JSON.stringify(beacon),
    }).then(
      ({ status }) => callback?.({ status }),
      (error) => callback?.({ error }),
    );
  }
};
