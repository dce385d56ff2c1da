// What `scripts/bench store` found, in lines; at the end all of it, in a file.
//
//   report.mjs <engine> <folder with <engine>.json>
//   report.mjs result <folder with every <engine>.json, and found> <result>

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [engine, folder, result] = process.argv.slice(2);
if (engine === "result") {
  const all = { benchmark: "store" };
  for (const name of ["sqlite", "postgres"]) {
    const file = join(folder, `${name}.json`);
    if (existsSync(file)) all[name] = JSON.parse(readFileSync(file, "utf8"));
  }
  const lines = readFileSync(join(folder, "found"), "utf8").trim().split("\n");
  Object.assign(all, ...lines.map((line) => JSON.parse(line)));
  writeFileSync(result, JSON.stringify(all, null, 2) + "\n");
  process.exit(0);
}
const found = JSON.parse(readFileSync(join(folder, `${engine}.json`), "utf8"));
const whole = (n) => Math.round(n).toLocaleString("en-US");
const each = (bytes) => (bytes / found.views).toFixed(2);

console.log(
  `  ingest: ${whole(found.rows_per_s)} rows/s, ${found.cpu_us_per_row} µs CPU a row (${whole(found.large_rows)} rows in ${found.large_batches} batches)`,
);
console.log(
  `  year:   ${whole(found.views)} page views, ${whole(found.batches)} batches of ${whole(found.rows)} rows in ${found.applied_s} s, merged in ${found.tidied_s} s`,
);
console.log(
  `  bytes:  ${each(found.bytes)} a page view with detail cross, ${each(found.rollup_bytes)} with totals`,
);
const file = join(folder, `${engine}.bytes`);
if (existsSync(file))
  console.log(
    `  file:   ${whole(Number(readFileSync(file, "utf8")))} bytes, ${each(Number(readFileSync(file, "utf8")))} a page view`,
  );
