// Builds the tracker: src/*.ts into one classic script, dist/script.js, which
// the Worker embeds and serves at /js/script.js. What always holds: the script
// is at most GZIP_BYTES_MAX bytes gzipped, or the build fails and writes nothing.
// The goal was 1,000; README.md says what each feature costs.

import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const GZIP_BYTES_MAX = 1200;

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const { outputFiles } = await build({
  entryPoints: [here("src/main.ts")],
  bundle: true,
  minify: true,
  format: "iife",
  // Optional chaining and the like, as they stand: any browser since late 2020.
  target: "es2021",
  charset: "utf8",
  legalComments: "none",
  // No "use strict": 14 bytes, and it would change nothing here.
  tsconfigRaw: {},
  sourcemap: false,
  write: false,
});

const script = outputFiles[0].text.trimEnd() + "\n";
const rawBytes = Buffer.byteLength(script);
const gzipBytes = gzipSync(script, { level: 9 }).length;
const size = `${rawBytes} bytes, ${gzipBytes} gzipped`;

if (gzipBytes > GZIP_BYTES_MAX) {
  console.error(
    `tracker: ${size}: ${gzipBytes - GZIP_BYTES_MAX} over the limit of ${GZIP_BYTES_MAX}`,
  );
  process.exit(1);
}

mkdirSync(here("dist"), { recursive: true });
writeFileSync(here("dist/script.js"), script);
console.log(`tracker: dist/script.js ${size} (limit ${GZIP_BYTES_MAX})`);
