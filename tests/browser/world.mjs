// A site with visitors from all over the world, for the browser tests: events of days that are over,
// with properties and revenue, to be imported.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "./support.mjs";

/** How many come from where on each of the days; XX is nowhere. */
export const COUNTRIES = {
  DE: 60,
  FR: 31,
  US: 24,
  GB: 17,
  NL: 12,
  AT: 9,
  BR: 7,
  IN: 6,
  JP: 5,
  AU: 4,
  ZA: 3,
  MX: 3,
  TW: 2,
  MT: 2,
  SG: 2,
  XK: 1,
  RE: 1,
  LI: 1,
  AQ: 1,
};
/** Days that are over and have counts. */
export const DAYS = 3;

const PLANS = ["free", "pro", "team", "enterprise"];

const lines = (site) => {
  const all = [];
  for (let back = 1; back <= DAYS; back++) {
    const day = new Date(Date.now() - back * 86_400_000)
      .toISOString()
      .slice(0, 10);
    for (const [country, count] of Object.entries(COUNTRIES))
      for (let who = 0; who < count; who++) {
        const event = {
          name: "pageview",
          url: `https://${site}/`,
          time: `${day}T1${who % 10}:10:00Z`,
          visitor: `${country}-${who}`,
          country,
          browser: ["Firefox", "Chrome", "Safari"][who % 3],
        };
        all.push(event);
        if (who % 3 == 0)
          all.push({
            ...event,
            name: "Signup",
            time: event.time.replace(":10:", ":12:"),
            props: { plan: PLANS[who % 4], team: who % 2 ? "small" : "big" },
          });
        if (who % 9 == 0)
          all.push({
            ...event,
            name: "Order",
            time: event.time.replace(":10:", ":14:"),
            props: { plan: "pro" },
            revenue: { currency: "EUR", amount: "1234.50" },
          });
      }
  }
  return all.map((event) => JSON.stringify(event)).join("\n");
};

/** Adds a site to a running Dayfly, with goals and what happened there. */
export const addWorld = async (dayfly, site) => {
  const file = join(temporaryFolder(), "events.jsonl");
  writeFileSync(file, lines(site));
  for (const words of [
    ["site", "add", site],
    ["goal", "add", site, "--event", "Signup"],
    ["goal", "add", site, "--event", "Order"],
    ["import", "--site", site, file],
  ]) {
    const { code, stderr } = await dayfly.cli(...words);
    assert.equal(code, 0, `${words}: ${stderr}`);
  }
};
