// window.dayfly: page views and custom events, from the address to the beacon.

import { data, gpc, hashMode } from "./config";
import { enter } from "./engagement";
import { post, type Callback, type Props, type Revenue } from "./transport";

export interface Options {
  /** Instead of the page's own address; relative ones are resolved. */
  url?: string;
  props?: Props;
  revenue?: Revenue;
  /** false: the event does not keep a visit from being a bounce. */
  interactive?: boolean;
  callback?: Callback;
}

/** What makes a page another page: its path, in hash mode with the hash. */
export const path = () => location.pathname + (hashMode ? location.hash : "");

/** `*` is anything but a slash, `**` is anything, a last slash does not matter. */
const onPath = (patterns: string) =>
  RegExp(
    `^(${patterns.replace(/\*\*|\W/g, (c) =>
      c < "!"
        ? ""
        : c == "**"
          ? ".*"
          : c == "*"
            ? "[^/]*"
            : c == ","
              ? "|"
              : "\\" + c,
    )})/?$`,
  ).test(path());

/** An address without its query and hash. */
export const bare = (url: string) => url.split(/[?#]/)[0]!;

export const send = (name: string, options: Options = {}): void => {
  if (document.prerendering) {
    document.addEventListener("prerenderingchange", () => send(name, options));
    return;
  }
  const isPageView = name == "pageview";
  const off =
    (gpc && !isPageView) ||
    // No path begins with "!".
    onPath(data.exclude || "!") ||
    !onPath(data.include || "**");
  const href = new URL(options.url || location.href, location.href).href;
  const url = gpc ? bare(href) : hashMode ? href : href.split("#")[0]!;
  if (isPageView) enter(off || gpc ? "" : url);
  post(
    {
      n: name,
      u: url,
      d: data.domain,
      ...(gpc || {
        r: document.referrer || undefined,
        p: options.props,
        $: options.revenue,
        h: hashMode,
        i: options.interactive,
      }),
    },
    off,
    options.callback,
  );
};
