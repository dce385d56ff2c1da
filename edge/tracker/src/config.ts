// What the script tag says and what the browser is, read once at load. The
// meaning of every attribute is written down in ../README.md.

declare global {
  interface Document {
    /** Speculation Rules: true until a prerendered page is shown. */
    readonly prerendering?: boolean;
  }
  interface Navigator {
    /** Global Privacy Control. */
    readonly globalPrivacyControl?: boolean;
  }
  interface Window {
    _phantom?: unknown;
    __nightmare?: unknown;
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

/** This browser is a robot's, or this page is on the developer's own machine. */
export const silent =
  (!("automated" in data) &&
    (navigator.webdriver ||
      window._phantom ||
      window.__nightmare ||
      window.Cypress)) ||
  // An empty host name is that of file: and of pages without an address.
  (!("local" in data) &&
    /^$|localhost$|^127\.[\d.]+$|^\[::1]/.test(location.hostname));
