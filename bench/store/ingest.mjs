// Posts batches to a running dayfly, as edges do: each source one after the other, the sources side
// by side. For `scripts/bench store`.
//
//   ingest.mjs <url> <edge key> <folder of batches, named <source>-<seq>>

import { createHash, createHmac } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const [url, key, folder] = process.argv.slice(2);
const PATH = "/edge/v1/batches";

async function post(body) {
  const t = Math.floor(Date.now() / 1000);
  const sha256 = createHash("sha256").update(body).digest("hex");
  const mac = createHmac("sha256", key)
    .update(`v1\nPOST\n${PATH}\n${t}\n${sha256}`)
    .digest("hex");
  const answer = await fetch(url + PATH, {
    method: "POST",
    headers: { "x-dayfly-signature": `v1 t=${t} m=${mac}` },
    body,
  });
  if (answer.status !== 200)
    throw new Error(
      `a batch is answered ${answer.status}: ${await answer.text()}`,
    );
}

const sources = new Map();
for (const name of readdirSync(folder).sort()) {
  const [source] = name.split("-");
  sources.set(source, [...(sources.get(source) ?? []), name]);
}
const begin = performance.now();
let batches = 0;
await Promise.all(
  [...sources.values()].map(async (names) => {
    for (const name of names) {
      await post(readFileSync(join(folder, name)));
      batches += 1;
    }
  }),
);
console.log(
  `  served: ${batches} large batches over HTTP in ${((performance.now() - begin) / 1000).toFixed(1)} s`,
);
