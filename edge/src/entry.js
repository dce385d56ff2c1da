// The Worker's entry: the hot path of a beacon in JavaScript, everything that is
// decided in Rust. Crossing between the two, promises and garbage were most of
// what a beacon cost (ARCHITECTURE.md, "The hot path"), so a beacon crosses once:
// `take` is given the request's parts and gives a ticket for the commit to wait for.
//
// Gathering: hits that arrive while a call to their day object is in flight are
// sent as the next call. Idle adds no delay, load makes larger commits. Whoever
// opens a gathering sends it, from its own waitUntil, after the one before has
// ended; everybody in it waits for that (`until_ended`).
//
// EU_ONLY: a location outside the EU passes requests on, unread, to a front object in it, which does
// the same (ARCHITECTURE.md, "How a request is passed on").

import countries from "./geo.bin";
import Rust, { DayObject, RosterObject } from "./index.js";

export { DayObject, RosterObject };

// worker-build puts exported functions there.
const {
  call_of,
  configure,
  day_of,
  load_sites,
  sealed_for,
  take,
  taken,
  use_countries,
} = Rust.prototype;

// An operator's table of countries; the file is empty where there is none.
if (countries.byteLength) use_countries(new Uint8Array(countries));

/** Largest body of a beacon, bytes (shared/src/limits.rs). */
const BODY_BYTES_MAX = 64 * 1024;
/** Most beacons waiting for a commit at one isolate; above it 503. */
const WAITING_MAX = 20_000;
/** A call that has not ended after this long was cut off with the request that led it. */
const LOST_AFTER_MS = 10_000;
/** After this long nobody waits for it any more (edge/src/gather.rs). */
const GONE_AFTER_MS = 120_000;
/** A gathering that was not sent after this long is led by whoever joins it next. */
const LATE_AFTER_MS = 1_000;
/**
 * Least time between two calls of one day object while they hold several beacons each: every call
 * costs it a commit and garbage, and a pause of milliseconds halves both at a thousand beacons a
 * second. A beacon that comes alone is never kept waiting.
 */
const GATHER_MS = 5;
/** Day objects whose last call is remembered; beyond that all are forgotten. */
const CALLS_MAX = 10_000;
/**
 * How long a beacon waits for what the aggregator says of its site: one that answers nothing must not
 * keep beacons that nobody can count.
 */
const ASK_MS_MAX = 5_000;
/** No beacon waits longer for its commit: what it waits for is lost by then. */
const WAIT_MS_MAX = 60_000;
/** How often a call to a day object is tried. */
const TRIES = 3;
/** A day object's answer that says whom its key is to be sealed for (edge/src/day_object.rs). */
const MISDIRECTED = 421;
/**
 * Front objects, under EU_ONLY. An object takes some hundred requests a second, and one that is
 * never without any costs a few dollars a month.
 */
const FRONTS = 8;
/** The country that the platform names, from the Worker to a front object. */
const COUNTRY_HEADER = "x-dayfly-country";

// What `take` answers; above TICKET it is the number of a gathering and the
// place in it.
const INVALID = 0;
const ASK_FIRST = 1;
const ASK_MEANWHILE = 2;
const TICKET = 16;
const PLACES = 1024;

/** The settings, once they were read and found good. */
let config;
/** The running load of the sites. */
let loading;
/** Gatherings that have not ended, by number. */
const gatherings = new Map();
/** The last gathering of each day object. */
const last = new Map();
/** When each day object was last called, and whether with several beacons. */
const calls = new Map();
/** Beacons in all of them. */
let waiting = 0;
/** The number of the front object that was asked last: they take turns, whoever sends. */
let front;

/** What nearly every beacon is answered with. */
const ACCEPTED = {
  status: 202,
  headers: new Headers({ "access-control-allow-origin": "*" }),
};

export default {
  fetch(request, env, ctx) {
    if (env.EU_ONLY && is_passed_on(request, env)) {
      return pass_on(request, env);
    }
    if (request.method !== "POST" || !isEvent(request.url)) {
      return new Rust(ctx, env).fetch(request);
    }
    if (globalThis.__worker_init_state.criticalError) new Rust(ctx, env); // Begins anew.
    return beacon(request, env, ctx).catch(failed);
  },
};

/**
 * Whether this location leaves a request to one in the EU (EU_ONLY). Looks at what is asked for and
 * where this is, at nothing else. The script and preflights are the same for everybody, so any
 * location answers them. Settings that are wrong are told by whoever needs them, and nothing done.
 */
function is_passed_on({ method, url, cf }, env) {
  if (method === "OPTIONS" || isScript(url)) return false;
  try {
    config ??= configure(env);
  } catch {
    return false;
  }
  return config.in_eu !== undefined && !config.in_eu.has(cf?.colo);
}

/** The request as it is, its body, address and User-Agent unread, to an object in the EU. */
async function pass_on(request, env) {
  if (is_too_long(request.headers.get("content-length"))) return too_large();
  const passed = new Request(request);
  // Set in any case: what a client sends under this name is replaced.
  const told = config.country_of_platform ? request.cf?.country : undefined;
  passed.headers.set(COUNTRY_HEADER, told ?? "");
  front = ((front ?? Math.floor(Math.random() * FRONTS)) + 1) % FRONTS;
  try {
    const fronts = env.FRONT.jurisdiction(config.jurisdiction);
    return await fronts.getByName(`front:${front}`).fetch(passed);
  } catch (error) {
    console.error(`front: ${error.message ?? error}`);
    return refused(503, "no place in the EU has answered; send it again");
  }
}

/**
 * Does in the EU what the Worker does, for locations that are not. What it is given is the client's
 * own request. It stores nothing, so there is nothing to end.
 */
export class FrontObject {
  constructor(ctx, env) {
    this.ctx = ctx;
    this.env = env;
  }

  async fetch(request) {
    const { ctx, env } = this;
    try {
      // Begins anew. An object's context is none that `new Rust` takes.
      if (globalThis.__worker_init_state.criticalError)
        new RosterObject(ctx, env);
      const country = request.headers.get(COUNTRY_HEADER);
      return request.method === "POST" && isEvent(request.url)
        ? await beacon(request, env, ctx, country)
        : await Rust.prototype.fetch.call(this, request);
    } catch (error) {
      return failed(error);
    }
  }
}

function failed(error) {
  // Out of memory: the instance cannot be trusted any more.
  if (error instanceof WebAssembly.RuntimeError) {
    globalThis.__worker_init_state.criticalError = true;
  }
  console.error(`beacon: ${error.message ?? error}`);
  return refused(503, "the event could not be stored; send it again");
}

const isEvent = (url) => is_path(url, "/api/event");
const isScript = (url) => is_path(url, "/js/script.js");

/** Whether an absolute url has this path. */
function is_path(url, wanted) {
  const path = url.indexOf("/", url.indexOf("://") + 3);
  const end = path + wanted.length;
  return (
    url.startsWith(wanted, path) &&
    (url.length === end || url[end] === "?" || url[end] === "#")
  );
}

/** `told_country`: what the Worker has told a front object; where there is none, `cf` says it. */
async function beacon(request, env, ctx, told_country) {
  config ??= configure(env);
  const { headers } = request;
  const body = await read(request, headers.get("content-length"));
  if (!body) return too_large();
  if (waiting >= WAITING_MAX) forget_lost(Date.now());
  if (waiting >= WAITING_MAX) {
    return refused(503, "too many events are waiting; send it again");
  }
  const cf = config.needs_cf ? request.cf : undefined;
  const header = config.client_ip_header;
  const agent = headers.get("user-agent") ?? "";
  const address = (header ? headers.get(header) : cf?.clientIp) ?? "";
  const country =
    told_country ??
    (config.country_of_platform ? cf?.country : undefined) ??
    "";
  const gpc = headers.get("sec-gpc") === "1";
  const dnt = headers.get("dnt") === "1";
  let ticket = take(body, agent, address, country, gpc, dnt, false);
  if (ticket === ASK_FIRST || ticket === ASK_MEANWHILE) {
    const asked = ask(env, ctx);
    if (ticket === ASK_FIRST)
      await Promise.race([asked, scheduler.wait(ASK_MS_MAX)]);
    ticket = take(body, agent, address, country, gpc, dnt, true);
  }
  if (ticket >= TICKET) {
    // Nearly every beacon.
    ticket -= TICKET;
    const gathering = join(ticket, env, ctx);
    if (!config.ack_fast) await until_ended(gathering, WAIT_MS_MAX);
    const counted = gathering.answers?.[ticket % PLACES] === 0;
    if (counted || config.ack_fast) return new Response("ok", ACCEPTED);
    return answer(undefined, [gathering.answers?.[ticket % PLACES]]);
  }
  if (ticket === ASK_FIRST) {
    return refused(503, "the edge does not know its sites yet");
  }
  // What was taken, before anything is awaited: the next beacon overwrites it.
  const told = taken();
  if (ticket === INVALID) return json(400, told.text);
  const joined = Array.from(told.tickets, (ticket) => join(ticket, env, ctx));
  if (config.ack_fast) return answer(told, []);
  const answers = [];
  for (const [at, gathering] of joined.entries()) {
    await until_ended(gathering, WAIT_MS_MAX);
    answers.push(gathering.answers?.[told.tickets[at] % PLACES]);
  }
  return answer(told, answers);
}

/** What a `content-length` says; without one nothing is known. */
const is_too_long = (length) =>
  length !== null && !(Number(length) <= BODY_BYTES_MAX);

const too_large = () => refused(413, "the body is larger than 64 KiB");

/** The body, or nothing when it is too large. Without a length it is read only as far as it may go. */
async function read(request, length) {
  if (length !== null) {
    if (is_too_long(length)) return;
    const body = new Uint8Array(await request.arrayBuffer());
    return body.length <= BODY_BYTES_MAX ? body : undefined;
  }
  if (!request.body) return new Uint8Array();
  const reader = request.body.getReader();
  const chunks = [];
  for (let size = 0; ;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    if ((size += value.length) > BODY_BYTES_MAX) {
      reader.cancel().catch(() => {}); // Nobody waits for the rest.
      return;
    }
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

/** Loads the sites and salts anew, once for everybody who asks meanwhile. Never rejects. */
function ask(env, ctx) {
  if (!loading || Date.now() - loading.since_ms > LOST_AFTER_MS) {
    const done = load_sites(env).catch((error) =>
      console.warn(`sites: keeping what is known: ${error.message ?? error}`),
    );
    const mine = { done, since_ms: Date.now() };
    loading = mine;
    ctx.waitUntil(
      done.then(() => {
        if (loading === mine) loading = undefined;
      }),
    );
  }
  return loading.done;
}

/** Forgets gatherings that were cut off for good. */
function forget_lost(now_ms) {
  for (const gathering of gatherings.values()) {
    if (now_ms - gathering.opened_ms > GONE_AFTER_MS) forget(gathering);
  }
}

/** Nobody joins it any more. */
function forget(gathering) {
  gathering.ended = true;
  if (gatherings.get(gathering.number) !== gathering) return;
  gatherings.delete(gathering.number);
  waiting -= gathering.entries;
  if (last.get(gathering.name) === gathering) last.delete(gathering.name);
}

/** The gathering of a ticket. Whoever opens it sends it. */
function join(ticket, env, ctx) {
  const number = Math.floor(ticket / PLACES);
  let gathering = gatherings.get(number);
  const now_ms = Date.now();
  if (!gathering) {
    forget_lost(now_ms);
    const name = day_of(number);
    gathering = {
      number,
      name,
      before: last.get(name),
      entries: 0,
      opened_ms: now_ms,
      sent_ms: undefined,
      ended: false,
      answers: undefined,
      waiters: [],
    };
    gatherings.set(number, gathering);
    last.set(name, gathering);
    ctx.waitUntil(lead(gathering, env));
  } else if (
    !gathering.sent_ms &&
    now_ms - gathering.opened_ms > LATE_AFTER_MS
  ) {
    // Whoever opened it may be gone, and with them what they had begun.
    ctx.waitUntil(lead(gathering, env));
  }
  gathering.entries++;
  waiting++;
  return gathering;
}

async function lead(gathering, env) {
  const { before } = gathering;
  if (before && !before.ended) {
    const since_ms = before.sent_ms ?? before.opened_ms;
    const left_ms = Math.max(0, since_ms + LOST_AFTER_MS - Date.now());
    await until_ended(before, left_ms);
  }
  const call = calls.get(gathering.name);
  const pause_ms = call?.several ? call.sent_ms + GATHER_MS - Date.now() : 0;
  if (pause_ms > 0) await scheduler.wait(pause_ms);
  if (gathering.sent_ms) return; // Somebody else leads.
  gathering.before = undefined;
  gathering.sent_ms = Date.now();
  if (calls.size >= CALLS_MAX) calls.clear();
  calls.set(gathering.name, {
    sent_ms: gathering.sent_ms,
    several: gathering.entries > 1,
  });
  try {
    gathering.answers = await send(gathering, env);
  } catch (error) {
    console.error(`gather: ${error.message ?? error}`);
  }
  forget(gathering);
  const { waiters } = gathering;
  gathering.waiters = undefined;
  for (const go_on of waiters) go_on();
}

/**
 * Waits until a gathering has ended, this long at most.
 *
 * Each waits for a promise of its own, which whoever leads the gathering resolves: workerd goes on in
 * the request that the promise was made in. To wait for another request's promise costs 7 µs more, for
 * it makes half a dozen objects for each that waits. The timer is there because workerd takes a request
 * that waits for nothing of its own for one that hangs, and ends it. And not `new Promise`: in code
 * that is hot V8's optimising compiler leaves out the mark that says whose it is, and after some
 * thousand beacons requests went on in others' contexts. Promise.withResolvers is never compiled away.
 */
async function until_ended(gathering, most_ms) {
  if (!gathering.waiters) return;
  const { promise, resolve } = Promise.withResolvers();
  gathering.waiters.push(resolve);
  const timer = setTimeout(resolve, most_ms);
  await promise;
  clearTimeout(timer);
}

/** A byte for each entry of the call. */
async function send({ number, name }, env) {
  let body = call_of(number);
  if (!body) throw new Error("a gathering was lost");
  // There is no fall-back where a jurisdiction is not to be had.
  const days = config.jurisdiction
    ? env.DAY.jurisdiction(config.jurisdiction)
    : env.DAY;
  let problem;
  // A call whose answer was lost is repeated: its id is known.
  for (let tried = 0; tried < TRIES; tried++) {
    try {
      const answer = await days
        .getByName(name)
        .fetch("https://day/hits", { method: "POST", body });
      if (answer.status === 200 || answer.status === MISDIRECTED) {
        const bytes = new Uint8Array(await answer.arrayBuffer());
        if (answer.status === 200) return bytes;
        body = sealed_for(body, name, bytes);
        if (!body) throw new Error("the day has another key by now");
      }
      problem = new Error(`the day object answered ${answer.status}`);
    } catch (error) {
      if (!body) throw error;
      problem = error;
    }
  }
  throw problem;
}

/** `202 ok`, with the names of the reasons where an event was dropped; 503 without a commit. */
function answer(told, answers) {
  if (answers.includes(undefined)) {
    return refused(503, "the event could not be stored; send it again");
  }
  const reasons = told ? [...told.reasons] : [];
  for (const answer of answers) {
    if (answer) reasons.push(config.reasons[answer]);
  }
  if (!reasons.length && !told?.left_out) return new Response("ok", ACCEPTED);
  const headers = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers":
      "x-plausible-dropped, x-dayfly-dropped, x-dayfly-warning",
  };
  if (reasons.length) {
    headers["x-plausible-dropped"] = String(reasons.length);
    headers["x-dayfly-dropped"] = [...new Set(reasons)].join(", ");
  }
  if (told?.left_out)
    headers["x-dayfly-warning"] = `${told.left_out} properties left out`;
  return new Response("ok", { status: 202, headers });
}

const refused = (status, problem) =>
  json(status, JSON.stringify({ errors: { request: [problem] } }));

const json = (status, body) =>
  new Response(body, {
    status,
    headers: {
      "access-control-allow-origin": "*",
      "cache-control": "no-store",
      "content-type": "application/json",
      "x-content-type-options": "nosniff",
    },
  });
