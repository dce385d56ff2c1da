// What scripts/deploy looks at before it deploys: the settings of an environment in wrangler.toml, and
// whether the aggregator there can be spoken with: over HTTPS, with the same key, at the same time.
//
//     node edge/deploy-check.mjs production|development [a configuration instead of wrangler.toml]
//
// Exit status 1 when something is wrong; each thing is said with what to do.
import { createHash, createHmac } from "node:crypto";
import { unstable_readConfig as readConfig } from "wrangler";

const PATIENCE_MS = 10_000;
// Signatures are taken from clocks this far apart, at most.
const SKEW_S = 300;
const STATE = "/edge/v1/state";
// Regions of aws, gcp and azure in member states of the EU, which a Worker can be placed near to. Not London,
// Zurich, Oslo, though their names begin alike.
const EU_REGIONS = new Set(
  [
    "aws:eu-central-1 aws:eu-north-1 aws:eu-south-1 aws:eu-south-2 aws:eu-west-1 aws:eu-west-3",
    "gcp:europe-central2 gcp:europe-north1 gcp:europe-north2 gcp:europe-southwest1 gcp:europe-west1",
    "gcp:europe-west3 gcp:europe-west4 gcp:europe-west8 gcp:europe-west9 gcp:europe-west10 gcp:europe-west12",
    "azure:austriaeast azure:belgiumcentral azure:denmarkeast azure:francecentral azure:germanywestcentral",
    "azure:italynorth azure:northeurope azure:polandcentral azure:spaincentral azure:swedencentral",
    "azure:westeurope",
  ].flatMap((line) => line.split(" ")),
);

let wrong = 0;
const ok = (what, found) => console.log(`ok       ${what.padEnd(12)} ${found}`);
const problem = (what, found, todo) => {
  wrong += 1;
  console.log(
    `PROBLEM  ${what.padEnd(12)} ${found}\n                      → ${todo}`,
  );
};

const [, , env, file = "wrangler.toml"] = process.argv;
const config = readConfig({ config: file, env }, { hideWarnings: true });
const url = (
  process.env.AGGREGATOR_URL ||
  config.vars.AGGREGATOR_URL ||
  ""
).replace(/\/+$/, "");

settings();
place();
reachable();
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
  const { observability: seen = {}, logpush } = config;
  const kept = [
    seen.enabled && "observability",
    seen.logs?.enabled && "observability.logs",
    seen.logs?.invocation_logs && "observability.logs.invocation_logs",
    seen.traces?.enabled && "observability.traces",
    logpush && "logpush",
    config.tail_consumers?.length && "tail_consumers",
    config.streaming_tail_consumers?.length && "streaming_tail_consumers",
  ].filter(Boolean);
  if (kept.length === 0) ok("logs", "nothing about a request is kept");
  else
    problem(
      "logs",
      `${kept.join(", ")} would keep visitors' addresses`,
      "switch them off in wrangler.toml",
    );
  const wanted = ["ROSTER:RosterObject", "DAY:DayObject", "FRONT:FrontObject"];
  const bound = config.durable_objects.bindings.map(
    (it) => `${it.name}:${it.class_name}`,
  );
  const stored = config.migrations.flatMap((it) => it.new_sqlite_classes ?? []);
  const lacking = wanted.filter(
    (it) => !bound.includes(it) || !stored.includes(it.split(":")[1]),
  );
  if (lacking.length === 0) ok("objects", "all classes are bound, on SQLite");
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
      "take it out, make another key, and give that in DAYFLY_EDGE_KEYS: scripts/deploy makes a secret of it",
    );
  if (!config.secrets?.required?.includes("EDGE_KEYS"))
    problem(
      "secret",
      "wrangler is not told that the Worker needs EDGE_KEYS",
      `set required = ["EDGE_KEYS"] under [env.${env}.secrets]`,
    );
  if (vars.CLIENT_IP_HEADER !== "CF-Connecting-IP")
    problem(
      "visitors",
      `CLIENT_IP_HEADER is ${vars.CLIENT_IP_HEADER || "not set"}`,
      'set CLIENT_IP_HEADER = "CF-Connecting-IP": Cloudflare sets it, whatever a client sends',
    );
}

// Where the Worker in front of the objects runs.
function place() {
  const { mode, region, host, hostname } = config.placement ?? {};
  const near =
    mode === "off" ? undefined : (region ?? host ?? hostname ?? mode);
  const only = config.vars.EU_ONLY;
  if (only && only !== "strict")
    return problem(
      "place",
      `EU_ONLY is ${only}`,
      'set EU_ONLY = "strict", or leave it out',
    );
  if (only && near)
    return problem(
      "place",
      `EU_ONLY goes by the location that a request came in at, and placement near ${near} moves it from there`,
      `put mode = "off" alone under [env.${env}.placement], or leave EU_ONLY out`,
    );
  if (only)
    return ok("place", "locations outside the EU pass requests on, unread");
  if (!near)
    return ok("place", "near the visitor, in the EU or not (no placement)");
  if (region && !EU_REGIONS.has(region))
    return problem(
      "place",
      `placement near ${region}, which is not known to be in the EU`,
      `name a region there, as aws:eu-central-1, under [placement]`,
    );
  const name = (host ?? hostname ?? "").replace(/:\d+$/, "");
  if (mode === "smart" || (name && name !== hostOf(url)))
    return problem(
      "place",
      `placement near ${near} may be anywhere`,
      'name a region in the EU under [placement], as region = "aws:eu-central-1"',
    );
  ok("place", `near ${near}, as far as Cloudflare can`);
}

function hostOf(text) {
  return URL.canParse(text) ? new URL(text).hostname : "";
}

// Where browsers find it.
function reachable() {
  const routes = [config.route, ...(config.routes ?? [])].filter(Boolean);
  const named = process.env.DAYFLY_EDGE_URL;
  if (named && !/^https:\/\/[^/:]+\/?$/.test(named))
    return problem(
      "address",
      `DAYFLY_EDGE_URL is ${named}`,
      "give the name that browsers will use, https://count.example.com, and nothing after it",
    );
  const found = [
    ...(named ? [hostOf(named)] : []),
    ...routes.map((it) => it.pattern ?? it),
    ...(config.workers_dev ? ["its workers.dev address"] : []),
  ];
  if (found.length > 0) return ok("address", found.join(", "));
  problem(
    "address",
    "no browser would find it",
    `set routes under [env.${env}], or DAYFLY_EDGE_URL=https://… in the environment`,
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
