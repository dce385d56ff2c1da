// Makes numbers of the runs of `scripts/bench edge`.
//
//   report.mjs line <runs> <ticks per s>                   the last run, as a line of the table
//   report.mjs answered <runs>                             how many beacons the path has answered
//   report.mjs all <runs> <ticks per s> <result> <facts>   the machine, the means, the result file
//
// <runs> holds a line of JSON for each run: round 0 is the warm-up, round -1 the idle one; what is
// floor (floor-again between long runs), path, fast, long (the path until it has answered many) or rate (the path at a fixed rate).
// Exits with 1 when an answer was missing or wrong or a beacon was not counted; never because
// something was slow.

import { readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";

const [mode, file, ticksPerS, resultFile, facts] = process.argv.slice(2);

const runs = readFileSync(file, "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));

const micros = (ticks, requests) => (ticks / ticksPerS / requests) * 1e6;
const sum = (list, of) => list.reduce((total, item) => total + of(item), 0);
const fixed = (number, digits = 1) => number.toFixed(digits);
const thousands = (number) => Math.round(number).toLocaleString("en-US");
const ms = (us) => (us / 1000).toFixed(us < 10_000 ? 2 : 1);

/** What several runs of one kind come to. */
function measures(list) {
  const requests = sum(list, (run) => run.requests);
  const cpu = micros(
    sum(list, (run) => run.cpu_ticks),
    requests,
  );
  const aggregator = micros(
    sum(list, (run) => run.aggregator_ticks),
    requests,
  );
  return {
    requests,
    requests_per_s: requests / sum(list, (run) => run.duration_us / 1e6),
    p50_ms: sum(list, (run) => run.p50_us) / list.length / 1000,
    p99_ms: sum(list, (run) => run.p99_us) / list.length / 1000,
    workerd_us: cpu,
    aggregator_us: aggregator,
    cpu_us: cpu + aggregator,
    errors: sum(list, errors),
    rss_mb: list.at(-1).rss_kb / 1024,
  };
}

const errors = (run) => run.status_errors + run.socket_errors + run.timeouts;

const COLUMNS = [
  ["run", 9],
  ["requests", 10],
  ["req/s", 8],
  ["p50 ms", 8],
  ["p99 ms", 8],
  ["errors", 7],
  ["workerd µs", 11],
  ["+ aggregator µs", 16],
  ["RSS MB", 8],
];
const row = (cells) =>
  "  " +
  cells
    .map((cell, n) =>
      n ? cell.padStart(COLUMNS[n][1]) : cell.padEnd(COLUMNS[n][1]),
    )
    .join("");

function line(name, list) {
  const all = measures(list);
  return row([
    name,
    thousands(all.requests),
    thousands(all.requests_per_s),
    ms(all.p50_ms * 1000),
    ms(all.p99_ms * 1000),
    String(all.errors),
    fixed(all.workerd_us),
    all.aggregator_us ? fixed(all.cpu_us) : "",
    fixed(all.rss_mb, 0),
  ]);
}

const HEAD = row(COLUMNS.map(([name]) => name));

const ofPath = runs.filter((run) =>
  ["path", "long", "rate"].includes(run.what),
);

if (mode === "answered") {
  console.log(sum(ofPath, (run) => run.requests));
  process.exit(0);
}

if (mode === "line") {
  const run = runs.at(-1);
  if (run.round === 1 && run.what === "floor") console.log(HEAD);
  console.log(line(`${run.what} ${run.round}`, [run]));
  process.exit(0);
}

// --- all ---
const of = (what) => runs.filter((run) => run.what === what && run.round > 0);
const idle = (what) =>
  runs.find((run) => run.what === what && run.round === -1);
const floor = measures(of("floor"));
const path = measures(of("path"));
const fast = measures(of("fast"));
const [atRate] = of("rate");

// Flat: the rate of the last tenth of the beacons against that of the first, in whole runs, each as
// a share of the floor's rate just before it.
const rate = (list) =>
  sum(list, (run) => run.requests) / sum(list, (run) => run.duration_us);
const full = [...of("path"), ...of("long")];
const tenth = sum(full, (run) => run.requests) / 10;
function upToATenth(list) {
  const taken = [];
  while (taken.length === 0 || sum(taken, (run) => run.requests) < tenth)
    taken.push(list[taken.length]);
  return taken;
}
const first = upToATenth(full);
const last = upToATenth(full.toReversed());
const floorOf = (list) =>
  rate(
    runs.filter(
      ({ what, round }) =>
        what.startsWith("floor") && list.some((run) => run.round === round),
    ),
  );
const share = (list) => rate(list) / floorOf(list);
const flat = share(last) / share(first);

const { counted, options, workerd, file_system, revision, starts } =
  JSON.parse(facts);
const countedRuns = runs.filter((run) => !run.what.startsWith("floor"));
const answered = sum(countedRuns, (run) => run.requests);
const unread = sum(countedRuns, (run) => run.connections);
// By run, as far as it was delivered when the run had settled.
const moreByRun = countedRuns.map(
  (run, n) =>
    run.counted_so_far -
    (countedRuns[n - 1]?.counted_so_far ?? 0) -
    run.requests,
);
const exact = counted >= answered && counted <= answered + unread;
const wrong = sum(runs, errors);

const machine = {
  cpu: cpus()[0].model.trim(),
  cores: cpus().length,
  memory_mb: Math.round(totalmem() / 2 ** 20),
  kernel: release(),
  file_system,
  workerd,
  load_1_5_15: loadavg().map((load) => Number(load.toFixed(2))),
};

const ratio = {
  cpu: path.cpu_us / floor.cpu_us,
  workerd_cpu: path.workerd_us / floor.cpu_us,
  fast_cpu: fast.cpu_us / floor.cpu_us,
  fast_workerd_cpu: fast.workerd_us / floor.cpu_us,
  requests_per_s: path.requests_per_s / floor.requests_per_s,
};

console.log(line("floor", of("floor")));
console.log(line("path", of("path")));
console.log(line("fast", of("fast")));
const startsMs = (what) =>
  `p50 ${fixed(starts[what].p50_ms)} ms, max ${fixed(starts[what].max_ms)} ms`;
console.log(`
machine: ${machine.cores} × ${machine.cpu}, ${thousands(machine.memory_mb)} MB, Linux ${machine.kernel}, ${file_system}
         ${workerd}; Dayfly ${revision}
idle:    one connection, ${idle("path").requests} beacons: p50 ${ms(idle("path").p50_us)} ms, p99 ${ms(idle("path").p99_us)} ms; floor p50 ${ms(idle("floor").p50_us)} ms, p99 ${ms(idle("floor").p99_us)} ms
rate:    ${thousands(atRate.requests / (atRate.duration_us / 1e6))} beacons/s on ${atRate.connections} connections: p50 ${ms(atRate.p50_us)} ms, p99 ${ms(atRate.p99_us)} ms, max ${ms(atRate.max_us)} ms
flat:    the last ${last.length} of ${full.length} path runs have ${fixed(flat * 100)} % of the rate of the first ${first.length}, as shares of the floor at the time, over ${thousands(tenth * 10)} beacons
start:   from the start of workerd to its first answer: Dayfly ${startsMs("dayfly")}; floor ${startsMs("floor")}; between the medians ${fixed(starts.dayfly.p50_ms - starts.floor.p50_ms)} ms
counted: ${thousands(counted)} pageviews for ${thousands(answered)} answers (${counted - answered} more; by run ${moreByRun.join(", ")}; up to ${thousands(unread)} were under way when wrk stopped)
edge: CPU per beacon ${fixed(path.cpu_us)} µs (workerd ${fixed(path.workerd_us)}), floor ${fixed(floor.cpu_us)} µs, ratio ${fixed(ratio.cpu, 2)} (workerd ${fixed(ratio.workerd_cpu, 2)}); ${thousands(path.requests_per_s)} requests/s, floor ${thousands(floor.requests_per_s)}, ratio ${fixed(ratio.requests_per_s, 2)}
      with ACK=fast ${fixed(fast.cpu_us)} µs (workerd ${fixed(fast.workerd_us)}), ratio ${fixed(ratio.fast_cpu, 2)} (workerd ${fixed(ratio.fast_workerd_cpu, 2)})`);

const result = {
  benchmark: "edge",
  at: new Date().toISOString(),
  revision,
  machine,
  options,
  floor,
  path,
  fast,
  at_rate: atRate,
  ratio,
  flat,
  starts,
  idle: { floor: idle("floor"), path: idle("path") },
  counted: {
    pageviews: counted,
    answered,
    unread_at_most: unread,
    exact,
    more_by_run: moreByRun,
  },
  runs,
};
writeFileSync(resultFile, JSON.stringify(result, null, 2) + "\n");

if (wrong) {
  console.error(`bench: error: ${wrong} requests failed`);
  process.exit(1);
}
if (!exact) {
  console.error(
    `bench: error: ${counted} pageviews were counted for ${answered} answers`,
  );
  process.exit(1);
}
