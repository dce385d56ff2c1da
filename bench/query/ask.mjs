// Asks a running dayfly over HTTP, and DuckDB from the raw events in turn. For `scripts/bench query`.
//
//   ask.mjs <url> <key> <work folder> <results file>
//
// Environment: BENCH_TRIES; ACCOUNT, address and password of an admin; SERVER_PID, whose memory is told; BENCH_DUCKDB=1 with DUCKDB, the
// module's folder, and EVENTS, the events as comma-separated values; BENCH_LIGHTHOUSE=1 with what
// lighthouse.mjs needs.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createRequire } from "node:module";
import { gzipSync } from "node:zlib";

import { lighthouse } from "./lighthouse.mjs";

const [url, key, work, results] = process.argv.slice(2);
const tries = Number(process.env.BENCH_TRIES);
const YEAR = ["2025-11-01", "2026-10-31"];
const MONTH = ["2026-10-02", "2026-10-31"];
const HEADS = [
  "visitors",
  "visits",
  "pageviews",
  "views_per_visit",
  "bounce_rate",
  "visit_duration",
];

// The columns of raw events that dimensions are.
const COLUMNS = {
  "event:page": "page",
  "event:name": "name",
  "visit:source": "source",
  "visit:channel": "channel",
  "visit:referrer": "referrer",
  "visit:utm_campaign": "utm_campaign",
  "visit:utm_medium": "utm_medium",
  "visit:country": "country",
  "visit:device": "device",
  "visit:browser": "browser",
  "visit:browser_version": "browser_version",
  "visit:os": "os",
  "visit:os_version": "os_version",
  "time:day": "day",
  "time:month": "date_trunc('month', day)",
};
const PANELS = Object.keys(COLUMNS).filter((name) => !name.startsWith("time:"));

/** A panel: the first ten of a dimension, or the head of the page, or the graph. */
const question = (what, range, filter) => {
  const query = {
    site_id: "example.com",
    date_range: range,
    filters: filter ? [["is", filter[0], [filter[1]]]] : [],
    metrics: what === "heads" ? HEADS : ["visitors", "pageviews"],
    dimensions: what === "heads" ? [] : [what],
    pagination: { limit: what.startsWith("time:") ? 1000 : 10 },
  };
  return { query, sql: sql(what, range, filter) };
};

/** The same of raw events. A visitor is told apart by day: the salt is new each day. */
function sql(what, [from, to], filter) {
  let where = `day BETWEEN DATE '${from}' AND DATE '${to}'`;
  if (filter) where += ` AND ${COLUMNS[filter[0]]} = '${filter[1]}'`;
  const visitors = "count(DISTINCT (day, visitor))";
  const views = "count(*) FILTER (name = 'pageview')";
  if (what === "heads") {
    return `SELECT sum(v), count(*), sum(views), avg(views), avg((views = 1 AND events = 1)::INT), avg(s)
      FROM (SELECT day, visit, (row_number() OVER (PARTITION BY day, any_value(visitor)) = 1)::INT AS v,
              ${views} AS views, count(*) AS events, max(at_s) - min(at_s) AS s
            FROM events WHERE ${where} GROUP BY day, visit)`;
  }
  const by = COLUMNS[what];
  const order = what.startsWith("time:") ? "1" : "2 DESC";
  const limit = what.startsWith("time:") ? "" : "LIMIT 10";
  return `SELECT ${by}, ${visitors}, ${views} FROM events WHERE ${where} GROUP BY 1 ORDER BY ${order} ${limit}`;
}

const SETS = [
  [
    "unfiltered, 365 days",
    YEAR,
    undefined,
    ["heads", "time:day", "time:month", ...PANELS],
  ],
  [
    "source, 30 days",
    MONTH,
    ["visit:source", "Google"],
    ["heads", "time:day", ...PANELS],
  ],
  [
    "source, 365 days",
    YEAR,
    ["visit:source", "Google"],
    ["heads", "time:month", ...PANELS],
  ],
  [
    "page, 30 days",
    MONTH,
    ["event:page", "/"],
    ["time:day", ...PANELS.filter((name) => name !== "event:name")],
  ],
  [
    "page, 365 days",
    YEAR,
    ["event:page", "/"],
    ["time:month", ...PANELS.filter((name) => name !== "event:name")],
  ],
  [
    "country, 365 days",
    YEAR,
    ["visit:country", "AA"],
    ["heads", "time:month", ...PANELS],
  ],
];

async function ask(query) {
  const begin = performance.now();
  const answer = await fetch(`${url}/api/v2/query`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify(query),
  });
  const text = await answer.text();
  const ms = performance.now() - begin;
  if (answer.status !== 200)
    throw new Error(`${answer.status}: ${text}\n${JSON.stringify(query)}`);
  return { ms, answer: JSON.parse(text) };
}

/** How long it takes, as often as everything is tried. */
async function times(run) {
  const all = [];
  for (let at = 0; at < tries; at++) {
    const begin = performance.now();
    await run();
    all.push(performance.now() - begin);
  }
  return all;
}

const tell = (what, all, more = "") =>
  console.log(
    `    ${what.padEnd(30)} ${p50(all).toFixed(1).padStart(7)} ${p95(all).toFixed(1).padStart(7)}  ${more}`,
  );

/** A browser's cookie of an account; `ACCOUNT` is its address and its password. */
async function logIn() {
  const [mail, password] = process.env.ACCOUNT.split(" ");
  const answer = await fetch(`${url}/login`, {
    method: "POST",
    redirect: "manual",
    headers: { origin: url },
    body: new URLSearchParams({ mail, password }),
  });
  if (answer.status !== 303) throw new Error(await answer.text());
  return answer.headers.get("set-cookie").split(";")[0];
}

const p50 = (times) => times.toSorted((a, b) => a - b)[times.length >> 1];
const p95 = (times) =>
  times.toSorted((a, b) => a - b)[Math.ceil(times.length * 0.95) - 1];
const rss = () => {
  const status = readFileSync(`/proc/${process.env.SERVER_PID}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+)/.exec(status)[1]) / 1024;
};

let duck;
if (process.env.BENCH_DUCKDB === "1") {
  const { DuckDBInstance } = createRequire(import.meta.url)(process.env.DUCKDB);
  const instance = await DuckDBInstance.create(join(work, "events.duckdb"));
  duck = await instance.connect();
  const begin = performance.now();
  const text = [
    "name",
    "page",
    "source",
    "referrer",
    "channel",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "country",
    "device",
    "browser",
    "browser_version",
    "os",
    "os_version",
  ];
  const columns = [
    "'day': 'DATE'",
    "'at_s': 'INTEGER'",
    "'visitor': 'INTEGER'",
    "'visit': 'INTEGER'",
    ...text.map((name) => `'${name}': 'VARCHAR'`),
  ];
  await duck.run(
    `CREATE TABLE events AS SELECT * FROM read_csv('${process.env.EVENTS}', header = false, columns = {${columns.join(", ")}})`,
  );
  await duck.run("CHECKPOINT");
  console.log(
    `bench: DuckDB has the events after ${((performance.now() - begin) / 1000).toFixed(0)} s`,
  );
}

const found = [];
for (const [name, range, filter, panels] of SETS) {
  console.log(
    `\n  ${name}`.padEnd(36),
    "p50 ms  p95 ms",
    duck ? "  DuckDB p50   ratio" : "",
  );
  for (const what of panels) {
    const { query, sql } = question(what, range, filter);
    const [mine, theirs] = [[], []];
    let estimated = false;
    for (let at = 0; at < tries; at++) {
      const { ms, answer } = await ask(query);
      mine.push(ms);
      estimated = Boolean(answer.meta.metric_warnings);
      // Fewer of them: they take longer, and are not what is measured.
      if (duck && at % 5 === 0) {
        const begin = performance.now();
        await duck.runAndReadAll(sql);
        theirs.push(performance.now() - begin);
      }
    }
    const other = duck && p50(theirs);
    found.push({
      set: name,
      what,
      p50: p50(mine),
      p95: p95(mine),
      duckdb: other,
      estimated,
    });
    const ratio = duck
      ? `${other.toFixed(1).padStart(12)} ${(other / p50(mine)).toFixed(1).padStart(7)}`
      : "";
    tell(what, mine, `${ratio}${estimated ? "  (estimated)" : ""}`);
  }
  // As somebody waits for them who asks one after the other.
  const together = await times(async () => {
    for (const what of panels) await ask(question(what, range, filter).query);
  });
  tell("all panels", together);
  found.push({
    set: name,
    what: "all",
    p50: p50(together),
    p95: p95(together),
  });
}

// The page that has the panels: one request, rendered here, from one state of the store.
console.log("\n  the site's page");
const cookie = await logIn();
for (const [name, period] of [
  ["365 days", `period=custom&from=${YEAR[0]}&to=${YEAR[1]}`],
  [
    "365 days, of one source",
    `period=custom&from=${YEAR[0]}&to=${YEAR[1]}&filter=is,visit:source,Google`,
  ],
  ["30 days", `period=custom&from=${MONTH[0]}&to=${MONTH[1]}`],
]) {
  let html = "";
  const page = await times(async () => {
    const answer = await fetch(`${url}/sites/example.com?${period}`, {
      headers: { cookie, "accept-encoding": "gzip" },
    });
    html = await answer.text();
    if (answer.status !== 200) throw new Error(`the page: ${answer.status}`);
  });
  const gzip = gzipSync(html).length;
  tell(name, page, `${(gzip / 1024).toFixed(0)} kB of HTML, packed`);
  found.push({
    set: "page",
    what: name,
    p50: p50(page),
    p95: p95(page),
    html_gzip: gzip,
  });
}
let audited;
if (process.env.BENCH_LIGHTHOUSE === "1") {
  const period = `period=custom&from=${YEAR[0]}&to=${YEAR[1]}`;
  audited = lighthouse(`${url}/sites/example.com?${period}`, cookie);
  const scores = Object.entries(audited.scores).map((it) => it.join(" "));
  console.log(
    `    Lighthouse ${audited.version}: ${scores.join(", ")}; largest paint ${audited.largest_paint_ms} ms`,
  );
}
console.log(`\n  dayfly: at most ${rss().toFixed(0)} MB RSS`);
writeFileSync(
  results,
  JSON.stringify(
    {
      benchmark: "query",
      views: Number(process.env.BENCH_VIEWS),
      tries,
      found,
      lighthouse: audited,
      rss_mb: rss(),
    },
    undefined,
    2,
  ),
);
