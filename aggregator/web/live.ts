// Keeps a page true while somebody looks at it: who is there now, the numbers of a period that
// lasts, and on a new site the first page view. What always holds: nothing is asked while the page
// is hidden, and nothing is put in while somebody waits for another answer.
//
// In the page: data-live is where to ask who is there now; data-lasts is on a period that lasts,
// data-waits on a site that has counted nothing yet.

import { isBusy, refresh } from "./update.ts";

const NOW_EVERY_MS = 30_000;
const NUMBERS_EVERY_MS = 60_000;
const FIRST_EVERY_MS = 3_000;

/** What the server says. */
interface Live {
  /** Visitors of the last five minutes. */
  now: number;
  /** Whether anything was ever counted. */
  counted: boolean;
}

/** Of a log-in that has ended, or a site that is gone, nothing is asked any more. */
let isOver = false;
let askedMs = Date.now();
let refreshedMs = Date.now();

const ask = async (url: string): Promise<Live | undefined> => {
  const answer = await fetch(url, { headers: { accept: "application/json" } });
  if (answer.status >= 400 && answer.status < 500) isOver = true;
  return answer.ok ? ((await answer.json()) as Live) : undefined;
};

const tick = async (): Promise<void> => {
  const head = document.querySelector<HTMLElement>("[data-live]");
  const url = head?.dataset["live"];
  if (isOver || !url || document.hidden || isBusy()) return;
  const nowMs = Date.now();
  const waits = "waits" in head.dataset;
  if (nowMs - askedMs >= (waits ? FIRST_EVERY_MS : NOW_EVERY_MS)) {
    askedMs = nowMs;
    const live = await ask(url);
    const shown = document.getElementById("live");
    if (live && shown) shown.textContent = String(live.now);
    if (!live?.counted || !waits) return;
  } else if (!("lasts" in head.dataset)) return;
  else if (nowMs - refreshedMs < NUMBERS_EVERY_MS) return;
  refreshedMs = nowMs;
  if (!(await refresh())) isOver = true;
};

/** Begins. */
export const pulse = (): void => {
  // A server that does not answer is asked again when it is time.
  const quietly = (): void => void tick().catch(() => {});
  setInterval(quietly, 1_000);
  document.addEventListener("visibilitychange", quietly);
};
