// What Lighthouse says of a page, throttled as it does by default, on a phone.
//
//   LIGHTHOUSE   the folder that npm installed it in
//   CHROMIUM     the browser it drives

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const CATEGORIES = ["performance", "accessibility", "best-practices"];

/** Scores of 100 and the largest paint, ms, of a page that needs a cookie. */
export function lighthouse(url, cookie) {
  const { LIGHTHOUSE, CHROMIUM } = process.env;
  // Chromium leaves its profile wherever it is told to.
  const profile = mkdtempSync(join(tmpdir(), "dayfly-lighthouse."));
  try {
    const text = execFileSync(
      join(LIGHTHOUSE, "node_modules/.bin/lighthouse"),
      [
        url,
        "--quiet",
        "--output=json",
        `--only-categories=${CATEGORIES.join(",")}`,
        `--extra-headers=${JSON.stringify({ cookie })}`,
        `--chrome-flags=--headless=new --no-sandbox --disable-gpu --user-data-dir=${profile}`,
      ],
      {
        env: { ...process.env, CHROME_PATH: CHROMIUM },
        maxBuffer: 64 << 20,
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    const report = JSON.parse(text);
    const score = (name) => Math.round(report.categories[name].score * 100);
    return {
      version: report.lighthouseVersion,
      scores: Object.fromEntries(CATEGORIES.map((name) => [name, score(name)])),
      largest_paint_ms: Math.round(
        report.audits["largest-contentful-paint"].numericValue,
      ),
    };
  } finally {
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
