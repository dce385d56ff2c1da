// What scripts/deploy looks at before it deploys: the settings of an environment in wrangler.toml, and
// whether the aggregator there can be spoken with: over HTTPS, with the same key, at the same time.
//
//     node edge/deploy-check.mjs production|development
//
// Exit status 1 when something is wrong; each thing is said with what to do.
import { createHash, createHmac } from "node:crypto";
import { unstable_readConfig as readConfig } from "wrangler";

const PATIENCE_MS = 10_000;
// Signatures are taken from clocks this far apart, at most.
const SKEW_S = 300;
const STATE = "/edge/v1/state";

let wrong = 0;
const ok = (what, found) => console.log(`ok       ${what.padEnd(12)} ${found}`);
const problem = (what, found, todo) => {
  wrong += 1;
  console.log(
    `PROBLEM  ${what.padEnd(12)} ${found}\n                      → ${todo}`,
  );
};

const env = process.argv[2];
const config = readConfig({ config: "wrangler.toml", env });
const url = (
  process.env.AGGREGATOR_URL ||
  config.vars.AGGREGATOR_URL ||
  ""
).replace(/\/+$/, "");

settings();
await aggregator();
process.exit(wrong > 0 ? 1 : 0);

function settings() {
  const { vars } = config;
  if (vars.JURISDICTION === "eu")
    ok("jurisdiction", "the Durable Objects are bound to the EU");
  else
    problem(
      "jurisdiction",
      `JURISDICTION is ${vars.JURISDICTION ?? "not set"}`,
      'set JURISDICTION = "eu" in wrangler.toml',
    );
  const { observability: seen = {}, logpush, tail_consumers: tails } = config;
  const kept = [
    seen.enabled && "observability",
    seen.logs?.enabled && "observability.logs",
    seen.logs?.invocation_logs && "observability.logs.invocation_logs",
    seen.traces?.enabled && "observability.traces",
    logpush && "logpush",
    tails?.length && "tail_consumers",
  ].filter(Boolean);
  if (kept.length === 0) ok("logs", "nothing about a request is kept");
  else
    problem(
      "logs",
      `${kept.join(", ")} would keep visitors' addresses`,
      "switch them off in wrangler.toml",
    );
  const wanted = ["ROSTER:RosterObject", "DAY:DayObject"];
  const bound = config.durable_objects.bindings.map(
    (it) => `${it.name}:${it.class_name}`,
  );
  const stored = config.migrations.flatMap((it) => it.new_sqlite_classes ?? []);
  const lacking = wanted.filter(
    (it) => !bound.includes(it) || !stored.includes(it.split(":")[1]),
  );
  if (lacking.length === 0) ok("objects", "both classes are bound, on SQLite");
  else
    problem(
      "objects",
      `${lacking.join(", ")} lacks its binding or its migration`,
      "take [[durable_objects.bindings]] and new_sqlite_classes as they are in the repository",
    );
  if (vars.EDGE_KEYS)
    problem(
      "secret",
      "EDGE_KEYS stands in wrangler.toml, for everybody to read",
      "take it out, make another key, and set it with: npx wrangler secret put EDGE_KEYS",
    );
  if (vars.CLIENT_IP_HEADER !== "CF-Connecting-IP")
    problem(
      "address",
      `CLIENT_IP_HEADER is ${vars.CLIENT_IP_HEADER || "not set"}`,
      'set CLIENT_IP_HEADER = "CF-Connecting-IP": Cloudflare sets it, whatever a client sends',
    );
}

async function aggregator() {
  if (
    !url.startsWith("https://") ||
    new URL(url).hostname.endsWith(".example.com")
  )
    return problem(
      "aggregator",
      `AGGREGATOR_URL is ${url || "not set"}`,
      `set it to your aggregator, https://…, under [env.${env}.vars] or in the environment`,
    );
  const ask = (path, headers = {}) =>
    fetch(url + path, {
      headers,
      redirect: "manual",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  let health;
  try {
    health = await ask("/health");
  } catch (error) {
    return problem(
      "aggregator",
      `${url}: ${error.cause?.message ?? error.message}`,
      "start it, and see that the name leads to it with a valid certificate",
    );
  }
  const told = await health.json().catch(() => ({}));
  if (health.status !== 200 || !told.status)
    return problem(
      "aggregator",
      `${url}/health answers ${health.status} ${told.reason ?? ""}`,
      "see that it is Dayfly's, and look at its log",
    );
  ok("aggregator", `${url} answers over HTTPS`);

  const key = (process.env.DAYFLY_EDGE_KEYS ?? "")
    .split(/[\s,]+/)
    .find(Boolean);
  if (!key)
    return problem(
      "key",
      "there is none to try",
      "give the aggregator's key in DAYFLY_EDGE_KEYS (its edge.key, or /etc/dayfly/key.env)",
    );
  const t = Math.floor(Date.now() / 1000);
  const body = createHash("sha256").update("").digest("hex");
  const mac = createHmac("sha256", key)
    .update(`v1\nGET\n${STATE}\n${t}\n${body}`)
    .digest("hex");
  const answer = await ask(STATE, {
    "x-dayfly-signature": `v1 t=${t} m=${mac}`,
  });
  if (answer.status === 401)
    return problem(
      "key",
      "the aggregator does not take it, or its clock and this machine's are more than 300 s apart",
      "give the key that the aggregator was started with, and have clocks set by NTP",
    );
  if (answer.status !== 200)
    return problem(
      "key",
      `${url}${STATE} answers ${answer.status}`,
      "let the proxy hand on /edge/v1/ (every request there is signed), and upgrade the aggregator",
    );
  ok("key", "the aggregator takes it");
  const apart = Math.abs((await answer.json()).now_s - t);
  if (apart < SKEW_S / 10) ok("clock", "the aggregator's is right");
  else
    problem(
      "clock",
      `the aggregator's is ${apart} s off this machine's`,
      "have both set by NTP: timedatectl set-ntp true",
    );
}
