// How long workerd takes from its start to its first answer: process, configuration, compiling the
// Worker's JavaScript and Wasm, the global scope, one request.
//
//   start.mjs <workerd> <times> <floor.capnp> <dayfly.capnp>
//
// Starts them in turn, so that a machine that gets slower changes both, and writes
// {"floor":{"p50_ms":…,"max_ms":…},"dayfly":…}. What Dayfly is asked for is the tracker, which the
// Worker answers by itself, so that no aggregator is needed. Needs DAYFLY_EDGE_KEYS.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { get } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [workerd, times, floor, dayfly] = process.argv.slice(2);
const GIVE_UP_MS = 30_000;

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

const answers = (url) =>
  new Promise((resolve) => {
    get(url, (answer) => {
      answer.resume();
      answer.on("end", () => resolve(answer.statusCode));
    }).on("error", () => resolve(undefined));
  });

async function start(config, path, more = []) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}${path}`;
  const begin = performance.now();
  const child = spawn(
    workerd,
    ["serve", config, "--socket-addr", `http=127.0.0.1:${port}`, ...more],
    { stdio: "ignore" },
  );
  const ended = new Promise((resolve) => child.on("exit", resolve));
  try {
    for (;;) {
      const status = await answers(url);
      const took = performance.now() - begin;
      if (status === 200 || status === 202) return took;
      if (status !== undefined) throw new Error(`${path} answers ${status}`);
      if (took > GIVE_UP_MS || child.exitCode !== null)
        throw new Error(`${config} does not start`);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  } finally {
    child.kill("SIGKILL");
    await ended;
  }
}

function figures(all) {
  const sorted = all.toSorted((a, b) => a - b);
  return {
    p50_ms: sorted[Math.floor(sorted.length / 2)],
    max_ms: sorted.at(-1),
  };
}

const state = mkdtempSync(join(tmpdir(), "dayfly-start."));
try {
  const took = { floor: [], dayfly: [] };
  for (let n = 0; n < Number(times); n += 1) {
    took.floor.push(await start(floor, "/"));
    took.dayfly.push(
      await start(dayfly, "/js/script.js", [
        "--directory-path",
        `state=${state}`,
      ]),
    );
  }
  console.log(
    JSON.stringify({
      floor: figures(took.floor),
      dayfly: figures(took.dayfly),
    }),
  );
} finally {
  rmSync(state, { recursive: true, force: true });
}
