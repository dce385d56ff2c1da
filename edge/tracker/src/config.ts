// What the script tag says and what the browser is, read once at load. The
// meaning of every attribute is written down in ../README.md.

declare global {
  interface Navigator {
    /** Global Privacy Control. */
    readonly globalPrivacyControl?: boolean;
  }
  interface Window {
    Cypress?: unknown;
  }
}

const script = document.currentScript as HTMLScriptElement;

export const data = script.dataset;

/** Where beacons go: by default to the origin the script came from. */
export const endpoint = data.api || new URL("/api/event", script.src);

/** 1 in hash mode, as the field `h` wants it; else nothing. */
export const hashMode = "hash" in data ? 1 : undefined;

/** Under GPC a bare page view is all that is sent. */
export const gpc = navigator.globalPrivacyControl;

/** This browser is a program's, or this page is on the developer's own machine. */
export const silent =
  (data.automated == null && (navigator.webdriver || self.Cypress)) ||
  // An empty host is that of file:.
  (data.local == null && /^(localhost|127\.0|\[::1|$)/.test(location.host));

/**
 * The paths that are counted: included and not excluded. Both lists become one
 * expression, `^(?!(…)$)(…)$`, the bar between them its middle. Without an
 * exclude list it excludes "undefined", which no path is.
 */
export const counted = RegExp(
  "^(?!(" +
    (data.exclude + "|" + (data.include || "**")).replace(/\*+|\W/g, (part) =>
      part < "!"
        ? ""
        : ({ "*": "[^/]*", "**": ".*", ",": "|", "|": ")$)(" }[part] ??
          "\\" + part),
    ) +
    ")$",
);
