// What the browser tests share: Chromium, a small web server, and a running Dayfly.
// Whatever is started here is ended when the test process exits, however it ends.

import { spawn } from "node:child_process";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
} from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Chromium without anything that talks to the internet by itself. */
export const chromiumOptions = (...more) => ({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-quic",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
    ...more,
  ],
});

export const launchChromium = (...more) =>
  chromium.launch(chromiumOptions(...more));

/** Lets a server listen on a free port of this machine; gives the port. */
export const listen = async (server) => {
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return server.address().port;
};

export const close = (server) => {
  server?.closeAllConnections();
  server?.close();
};

/** So many ports that nobody listens on. */
export const freePorts = async (count) => {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(servers.map(listen));
  await Promise.all(
    servers.map((server) => new Promise((done) => server.close(done))),
  );
  return ports;
};

/** Waits until `condition` gives something true, and gives that. An error counts as "not yet". */
export const waitFor = async (what, condition, timeoutMs = 10_000) => {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let last;
    try {
      last = await condition();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline)
      throw new Error(`not within ${timeoutMs} ms: ${what}`, { cause: last });
    await delay(40);
  }
};

/**
 * The tests count within one day of UTC: shortly before its end they wait for the next.
 */
export const awayFromMidnight = async (neededMs) => {
  const leftMs = 86_400_000 - (Date.now() % 86_400_000);
  if (leftMs < neededMs) await delay(leftMs + 1_000);
};

// --- processes ---

const folders = new Set();
const runs = new Set();

/** A temporary folder, removed at the end. */
export const temporaryFolder = (parent = tmpdir()) => {
  const folder = realpathSync(mkdtempSync(join(parent, "dayfly-test-")));
  folders.add(folder);
  return folder;
};

/** Every process that lives with this data folder, known by its environment. */
export const processesOf = (data) => {
  const found = [];
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
      if (!environment.split("\0").includes(`DAYFLY_DATA=${data}`)) continue;
      const [program, ...words] = readFileSync(`/proc/${pid}/cmdline`, "utf8")
        .split("\0")
        .filter(Boolean);
      if (!program) continue; // Dead, not yet reaped.
      found.push({ pid: Number(pid), program, words });
    } catch {
      // It ended meanwhile.
    }
  }
  return found;
};

const killAll = (data) => {
  for (const { pid } of processesOf(data))
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended meanwhile.
    }
};

/** Ends everything that was started; for `after`. */
export const endAll = () => {
  for (const run of runs) {
    if (run.exitCode === null) run.kill("SIGKILL");
    killAll(run.data);
  }
  runs.clear();
  for (const folder of folders)
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  folders.clear();
  salts = undefined;
};
process.on("exit", endAll);
for (const signal of ["SIGINT", "SIGTERM"])
  process.on(signal, () => process.exit(1));

/** Runs a program to its end, with something on its standard input. */
export const execute = async (
  program,
  words,
  environment = {},
  input = undefined,
) => {
  const child = spawn(program, words, {
    cwd: ROOT,
    env: { ...process.env, ...environment },
    stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  child.stdin?.end(input);
  const text = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"])
    child[name].setEncoding("utf8").on("data", (part) => (text[name] += part));
  const code = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  return { code, ...text };
};

/** Where the runs of this process keep their salts: in RAM, told apart by data folder. */
let salts;

const settingsOf = ({ data, site, edgePort, dashboardPort, more }) => ({
  DAYFLY_DATA: data,
  DAYFLY_SALTS_DIR: (salts ??= temporaryFolder("/dev/shm")),
  DAYFLY_SITE: site,
  EDGE_PORT: String(edgePort),
  DASHBOARD_PORT: String(dashboardPort),
  FLUSH_MS: "500",
  DAYFLY_PROFILE: "dev",
  CLIENT_IP_HEADER: "",
  ...more,
});

/** scripts/run that is expected to refuse: its exit code and output. */
export const refusedRun = (options) =>
  execute("scripts/run", [], settingsOf(options));

/** scripts/run, as a child process with a data folder and ports of its own. */
export class Dayfly {
  /** Starts it and waits until it is ready (the first time it has to compile). */
  static async start({ data = temporaryFolder(), site, more = {} }) {
    const [edgePort, dashboardPort] = await freePorts(2);
    const began = performance.now();
    const run = new Dayfly({ data, site, edgePort, dashboardPort, more });
    await run.says(/^ready .*[\s\S]*Ctrl-C$/m, 900_000);
    run.startMs = performance.now() - began;
    return run;
  }

  constructor(options) {
    Object.assign(this, options);
    this.edge = `http://127.0.0.1:${this.edgePort}`;
    this.dashboard = `http://127.0.0.1:${this.dashboardPort}`;
    this.stdout = "";
    this.stderr = "";
    // Its own process group, so that a Ctrl-C can be sent as a terminal does.
    this.child = spawn("scripts/run", [], {
      cwd: ROOT,
      env: { ...process.env, ...settingsOf(options) },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    this.child.data = this.data;
    runs.add(this.child);
    this.listeners = new Set();
    const changed = () => this.listeners.forEach((listener) => listener());
    for (const name of ["stdout", "stderr"])
      this.child[name].setEncoding("utf8").on("data", (part) => {
        this[name] += part;
        changed();
      });
    this.ended = new Promise((resolve) =>
      this.child.once("close", (code, signal) => {
        this.status = { code, signal };
        changed();
        resolve(this.status);
      }),
    );
  }

  /** Waits until standard output matches, counted from a position of it. */
  says(pattern, timeoutMs = 15_000, from = 0) {
    return new Promise((resolve, reject) => {
      const end = (settle, value) => {
        clearTimeout(timer);
        this.listeners.delete(look);
        settle(value);
      };
      const fail = (why) =>
        end(
          reject,
          new Error(`${why}: ${pattern}\n${this.stdout}\n${this.stderr}`),
        );
      const look = () => {
        const match = this.stdout.slice(from).match(pattern);
        if (match) end(resolve, match);
        else if (this.status) fail("scripts/run ended before it said");
      };
      const timer = setTimeout(fail, timeoutMs, "scripts/run did not say");
      this.listeners.add(look);
      look();
    });
  }

  /** The process of one of the two sides: "aggregator" or "edge". */
  process(side) {
    const isIt = {
      aggregator: ({ program, words }) =>
        program.endsWith("/dayfly") && words[0] == "serve",
      edge: ({ program, words }) =>
        /workerd[^/]*$/.test(program) && words[0] == "serve",
    }[side];
    const found = processesOf(this.data).filter(isIt);
    if (found.length != 1) throw new Error(`${found.length} × ${side}`);
    return found[0].pid;
  }

  /** kill -9 of a side; gives when scripts/run has said that it starts it again. */
  async crash(side) {
    const from = this.stdout.length;
    process.kill(this.process(side), "SIGKILL");
    await this.says(
      new RegExp(
        `^run: the ${side} ended \\(status 137\\); starting it again$`,
        "m",
      ),
      15_000,
      from,
    );
  }

  /** Waits until a side answers. */
  answers(side) {
    const url = side == "edge" ? this.edge : this.dashboard;
    return waitFor(
      `${side} answers`,
      async () => (await fetch(`${url}/health`)).ok,
      20_000,
    );
  }

  /** A signal to scripts/run, or as a terminal does it to its whole group; gives its end. */
  async stop(signal = "SIGINT", { group = false } = {}) {
    const began = performance.now();
    process.kill(group ? -this.child.pid : this.child.pid, signal);
    const status = await this.ended;
    return { ...status, ms: performance.now() - began };
  }

  /** The command line, on the same data. */
  cli(...words) {
    return this.told(undefined, ...words);
  }

  /** The same, with something on its standard input. */
  told(input, ...words) {
    const program = this.stdout.match(
      /^ +DAYFLY_DATA=\S+ (\S+) key create/m,
    )[1];
    const settings = {
      DAYFLY_DATA: this.data,
      DASHBOARD_PORT: String(this.dashboardPort),
    };
    return execute(program, words, settings, input);
  }

  /**
   * Logs an account in, making it when it is not there (the first one is an admin). Gives what a
   * browser sends as `Cookie`.
   */
  async logIn(mail = "admin@example.com", password = PASSWORD) {
    const words = ["user", "add", mail, "--password-stdin"];
    const made = await this.told(password, ...words);
    if (made.code && !/has an account already/.test(made.stderr))
      throw new Error(made.stderr);
    const response = await fetch(`${this.dashboard}/login`, {
      method: "POST",
      redirect: "manual",
      headers: { origin: this.dashboard },
      body: new URLSearchParams({ mail, password }),
    });
    if (response.status != 303) throw new Error(await response.text());
    return response.headers.get("set-cookie").split(";")[0];
  }

  /** Options of a browser context in which an admin is logged in. */
  async loggedIn() {
    const [name, value] = (this.cookie ??= await this.logIn()).split("=");
    const cookie = {
      name,
      value,
      domain: "127.0.0.1",
      path: "/",
      expires: -1,
      httpOnly: true,
      secure: false,
      sameSite: "Lax",
    };
    return { storageState: { cookies: [cookie], origins: [] } };
  }

  /** The API's answer to a query for today's visitors and page views. */
  async ask(dimensions = [], site = this.site) {
    this.key ??= (
      await this.cli("key", "create", "--hourly-limit", "1000000")
    ).stdout.trim();
    const response = await fetch(`${this.dashboard}/api/v2/query`, {
      method: "POST",
      headers: { authorization: `Bearer ${this.key}` },
      body: JSON.stringify({
        site_id: site,
        metrics: ["visitors", "pageviews"],
        date_range: "day",
        dimensions,
      }),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${response.status} ${answer.error}`);
    return answer;
  }

  /** Its rows, as [dimensions…, visitors, page views]. */
  async query(dimensions, site) {
    const { results } = await this.ask(dimensions, site);
    return results.map((row) => [...row.dimensions, ...row.metrics]);
  }

  /** [visitors, page views] by page. */
  async pages(site) {
    const rows = await this.query(["event:page"], site);
    return new Map(rows.map(([page, ...counts]) => [page, counts]));
  }

  /**
   * Waits until everything that was acknowledged before has been counted: batches come in order,
   * so it has when a page view sent now has. Gives the pages without that one.
   */
  async settled(site = this.site) {
    const path = `/settled/${(this.marks = (this.marks ?? 0) + 1)}`;
    await this.beacon(path, { site });
    const pages = await waitFor(
      `${path} is counted`,
      async () => {
        const pages = await this.pages(site);
        return pages.has(path) && pages;
      },
      30_000,
    );
    for (const page of [...pages.keys()])
      if (page.startsWith("/settled/")) pages.delete(page);
    return pages;
  }

  /** A page view sent from here; an error unless it is acknowledged and counted. */
  async beacon(
    path,
    { site = this.site, name, agent = FIREFOX, headers } = {},
  ) {
    const response = await fetch(`${this.edge}/api/event`, {
      method: "POST",
      headers: {
        "content-type": "text/plain",
        "user-agent": agent,
        ...headers,
      },
      body: JSON.stringify({
        n: name ?? "pageview",
        u: `https://${site}${path}`,
        d: site,
      }),
      signal: AbortSignal.timeout(20_000),
    });
    const text = await response.text();
    const dropped = response.headers.get("x-dayfly-dropped");
    if (response.status != 202 || dropped)
      throw new Error(`${response.status} ${text} dropped: ${dropped}`);
  }
}

/** Of every account that the tests make. */
export const PASSWORD = "correct horse battery";

/** Two browsers of persons. */
export const CHROME =
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";
export const FIREFOX =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0";
