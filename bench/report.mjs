// `scripts/bench report`: docs/benchmarks.md, of what each benchmark last left in bench/results.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const results = join(root, "bench/results");
const NAMES = ["size", "core", "memory", "store", "query", "edge", "soak"];

const read = (name) => {
  const file = join(results, name);
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
};
const json = (name) => JSON.parse(read(name) ?? "null");
const found = Object.fromEntries(
  NAMES.map((name) => [name, json(`${name}.json`)]),
);

// What has not been run yet is named and left out; one that failed is shown as far as it came.
const runs = Object.fromEntries(
  NAMES.map((name) => [name, json(`${name}.run.json`)]),
);
const RAN = NAMES.filter((name) => runs[name]);
const lacking = NAMES.filter((name) => !runs[name]);
if (RAN.length === 0) {
  console.error("bench: error: nothing has been run yet; run scripts/bench");
  process.exit(1);
}

const number = (n, digits = 0) =>
  n.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });

// --- the figures that there is an aim for ---
// [what, unit, digits, aim, measured]; an aim is at most (positive sign) or at least.
const atMost = (aim) => ({ text: "at most", aim, met: (n) => n <= aim });
const atLeast = (aim) => ({ text: "at least", aim, met: (n) => n >= aim });

/** The slowest p95 of questions. */
const slowest = (pick) =>
  Math.max(...found.query.found.filter(pick).map(({ p95 }) => p95));
const ofSet =
  (name, ...but) =>
  ({ set, what }) =>
    set.endsWith(name) && ![...but, "all"].includes(what);
const page = found.query?.found.find(({ set }) => set === "page");
const { edge, store, query, soak, size, memory } = found;

const MEASURES = {
  edge: () => [
    [
      "CPU of a beacon at the edge over the floor",
      "×",
      2,
      atMost(3),
      edge.ratio.workerd_cpu,
    ],
    ["… with what it costs the aggregator", "×", 2, atMost(3), edge.ratio.cpu],
    [
      "… with `ACK=fast`, edge",
      "×",
      2,
      atMost(2.4),
      edge.ratio.fast_workerd_cpu,
    ],
    [
      "… with `ACK=fast`, and the aggregator",
      "×",
      2,
      atMost(2.4),
      edge.ratio.fast_cpu,
    ],
    [
      "beacons a second after a million, over the first tenth",
      "%",
      1,
      atLeast(90),
      edge.flat * 100,
    ],
    [
      "99th percentile at 1,000 beacons a second",
      "ms",
      1,
      atMost(25),
      edge.at_rate.p99_us / 1000,
    ],
    [
      "one beacon on an idle edge, median",
      "ms",
      2,
      atMost(5),
      edge.idle.path.p50_us / 1000,
    ],
    [
      "start of the isolate, over the floor's",
      "ms",
      1,
      atMost(50),
      edge.starts.dayfly.p50_ms - edge.starts.floor.p50_ms,
    ],
  ],
  size: () => [
    ["Wasm, gzip", "kB", 1, atMost(1000), size.wasm / 1000],
    [
      "Wasm without the table of countries, gzip",
      "kB",
      1,
      atMost(450),
      size.wasm_without_table / 1000,
    ],
    ["tracker, gzip", "bytes", 0, atMost(1000), size.tracker],
  ],
  memory: () => [
    [
      "Wasm memory with 200,000 visitors",
      "MB",
      1,
      atMost(64),
      Math.max(memory.counted_mb, memory.ended_mb),
    ],
  ],
  store: () => [
    [
      "rows a second into SQLite (`FULL`)",
      "",
      0,
      atLeast(200000),
      store.sqlite.rows_per_s,
    ],
    ["CPU of a row, SQLite", "µs", 2, atMost(5), store.sqlite.cpu_us_per_row],
    [
      "rows a second into Postgres",
      "",
      0,
      atLeast(50000),
      store.postgres.rows_per_s,
    ],
    ["imported events a second", "", 0, atLeast(100000), store.import_per_s],
    [
      "a page view with `detail = cross`",
      "bytes",
      2,
      atMost(40),
      store.sqlite.bytes / store.sqlite.views,
    ],
    [
      "a page view with `detail = totals`",
      "bytes",
      2,
      atMost(5),
      store.sqlite.rollup_bytes / store.sqlite.views,
    ],
    ["memory of the server, idle", "MB", 0, atMost(64), store.idle_mb],
    [
      "memory of the server, full ingest",
      "MB",
      0,
      atMost(200),
      store.ingest_mb,
    ],
  ],
  query: () => [
    [
      "unfiltered, 365 days, slowest panel but pages, p95",
      "ms",
      1,
      atMost(25),
      slowest(ofSet("unfiltered, 365 days", "event:page")),
    ],
    [
      "unfiltered, 365 days, pages, p95",
      "ms",
      1,
      atMost(60),
      slowest(
        ({ set, what }) =>
          set === "unfiltered, 365 days" && what === "event:page",
      ),
    ],
    [
      "one filter, 30 days, slowest panel, p95",
      "ms",
      1,
      atMost(60),
      slowest(ofSet("30 days")),
    ],
    [
      "one filter, 365 days, slowest panel, p95",
      "ms",
      1,
      atMost(400),
      slowest(
        (it) => ofSet("365 days")(it) && !it.set.startsWith("unfiltered"),
      ),
    ],
    [
      "all panels of 365 days, one after the other, p95",
      "ms",
      1,
      atMost(150),
      slowest(
        ({ set, what }) => set === "unfiltered, 365 days" && what === "all",
      ),
    ],
    ["the site's page of 365 days, p95", "ms", 1, atMost(150), page.p95],
    ["its HTML, gzip", "kB", 1, atMost(60), page.html_gzip / 1000],
    [
      "Lighthouse: performance",
      "",
      0,
      atLeast(95),
      query.lighthouse.scores.performance,
    ],
    [
      "Lighthouse: accessibility",
      "",
      0,
      atLeast(95),
      query.lighthouse.scores.accessibility,
    ],
    [
      "Lighthouse: best practices",
      "",
      0,
      atLeast(95),
      query.lighthouse.scores["best-practices"],
    ],
    ["memory of the server throughout", "MB", 0, atMost(256), query.rss_mb],
  ],
  soak: () => [
    [
      "memory of the edge, last quarter over the second",
      "%",
      1,
      atMost(110),
      soak.memory.edge.growth * 100,
    ],
    [
      "memory of the aggregator, last quarter over the second",
      "%",
      1,
      atMost(110),
      soak.memory.aggregator.growth * 100,
    ],
    [
      "errors that no restart excuses, beacons lost or counted twice",
      "",
      0,
      atMost(0),
      // Memory has rows of its own.
      soak.problems.filter((problem) => !problem.startsWith("the memory of"))
        .length,
    ],
  ],
};

const FIGURES = Object.fromEntries(
  RAN.filter((name) => found[name] && MEASURES[name]).map((name) => [
    name,
    MEASURES[name](),
  ]),
);

const row = ([what, unit, digits, { text, aim, met }, measured]) => {
  const aimDigits = Number.isInteger(aim) ? 0 : 1;
  return `| ${what} | ${text} ${number(aim, aimDigits)} ${unit} | ${number(measured, digits)} ${unit} | ${met(measured) ? "yes" : "**no**"} |`.replaceAll(
    / +/g,
    " ",
  );
};
const missed = Object.values(FIGURES)
  .flat()
  .filter(([, , , { met }, measured]) => !met(measured));

// --- where and with what ---
const told = (command, ...words) => {
  try {
    return execFileSync(command, words, { encoding: "utf8", cwd: root }).trim();
  } catch {
    return "not here";
  }
};
const machine = [
  ["processor", `${cpus().length} × ${cpus()[0].model.trim()}`],
  ["memory", `${number(totalmem() / 1e9)} GB`],
  ["system", `Linux ${release()}`],
  ["Rust", told("rustc", "--version")],
  [
    "workerd",
    told(told("node", "-p", "require('workerd').default"), "--version"),
  ],
  ["Node", process.version],
  [
    "Postgres",
    told(
      "bash",
      "-c",
      '. scripts/env.sh && "$(postgres_bin)/postgres" --version',
    ),
  ],
];

const text = `# Benchmarks

Written by \`scripts/bench report\` of what each benchmark last found; none of it by hand. Figures are of
one machine, and not a quiet one: it shares its host. What carries over to another machine are the ratios,
for which both sides ran in turn in the same run.

To repeat it: \`scripts/bench\` runs everything and writes this page anew (two and a half hours on two
cores; let nothing else run), \`scripts/bench <name>\` one benchmark. Options are at the head of
\`bench/<name>/run\`.

| | |
|---|---|
${machine.map(([name, value]) => `| ${name} | ${value} |`).join("\n")}

| benchmark | run at (UTC) | of commit | on | load before | pace | took |
|---|---|---|---|---|---|---|
${RAN.map((name) => [name, runs[name]])
  .map(
    ([name, run]) =>
      `| ${name}${run.ok ? "" : ", **failed**"} | ${run.at.slice(0, 16).replace("T", " ")} | ${run.revision} | ${run.on} | ${run.load_before} | ${run.pace_ms ? `${run.pace_ms.join(", ")} ms` : "not known"} | ${number(run.seconds / 60, 1)} min |`,
  )
  .join("\n")}

*Pace* is how long a fixed piece of work (\`bench/pace.mjs\`: hashing and sorting, nothing of Dayfly) took just
before and just after. Where it took longer the processor was slower; what slows memory, files or the kernel it does not see.

${lacking.length === 0 ? "" : `Not run: ${lacking.join(", ")}.\n\n`}## Figures with an aim

${missed.length === 0 ? "All that were measured are met." : `${missed.length} of ${Object.values(FIGURES).flat().length} are missed.`} The floor is a Worker of nine lines of JavaScript that answers 202 and reads
nothing, in the same workerd.

| | aim | measured | met |
|---|---|---|---|
${Object.entries(FIGURES)
  .map(([name, rows]) => `| **${name}** | | | |\n${rows.map(row).join("\n")}`)
  .join("\n")}

${RAN.map(
  (name) =>
    `## ${name}\n\n\`\`\`text\n${read(`${name}.txt`).trimEnd()}\n\`\`\``,
).join("\n\n")}
`;
writeFileSync(join(root, "docs/benchmarks.md"), text);
const broke = RAN.filter((name) => !runs[name].ok);
console.log(
  [
    "bench: docs/benchmarks.md is written",
    missed.length === 0
      ? "every aim is met"
      : `missed: ${missed.map(([what]) => what).join("; ")}`,
    ...(broke.length === 0 ? [] : [`failed: ${broke.join(", ")}`]),
  ].join("; "),
);
