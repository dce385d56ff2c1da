// Makes the table and the result file of `scripts/bench core` of what criterion leaves.
//
//   report.mjs <criterion's folder> <result> <revision> <rustc>

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";

const [folder, resultFile, revision, rustc] = process.argv.slice(2);
const REFERENCE = "hash/visitor";

const read = (path) => JSON.parse(readFileSync(path, "utf8"));

/** Every folder below this one that holds the result of a benchmark. */
function benchmarks(path) {
  const newest = join(path, "new");
  if (existsSync(join(newest, "benchmark.json"))) return [newest];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => benchmarks(join(path, name)));
}

const measured = benchmarks(folder).map((path) => {
  const { full_id: name, throughput } = read(join(path, "benchmark.json"));
  const { median } = read(join(path, "estimates.json"));
  const each = throughput?.Elements ?? 1;
  const { lower_bound, upper_bound } = median.confidence_interval;
  return {
    name,
    ns: median.point_estimate / each,
    ns_from: lower_bound / each,
    ns_to: upper_bound / each,
  };
});
const reference = measured.find(({ name }) => name === REFERENCE)?.ns;
if (!reference) {
  console.error(`bench: error: ${REFERENCE} was not measured`);
  process.exit(1);
}

const fixed = (number) => number.toFixed(number < 100 ? 1 : 0);
const row = (name, ...cells) =>
  console.log(
    "  " + name.padEnd(22) + cells.map((c) => c.padStart(12)).join(""),
  );
row("", "ns", "from", "to", "hashes");
for (const benchmark of measured) {
  benchmark.hashes = benchmark.ns / reference;
  const { name, ns, ns_from, ns_to, hashes } = benchmark;
  row(name, fixed(ns), fixed(ns_from), fixed(ns_to), hashes.toFixed(2));
}

const machine = {
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  load: loadavg(),
};
const result = { benchmark: "core", revision, rustc, machine, measured };
writeFileSync(resultFile, JSON.stringify(result, null, 2) + "\n");
console.log(
  `bench: load ${machine.load[0].toFixed(1)} on ${machine.cores} cores; ${resultFile}`,
);
