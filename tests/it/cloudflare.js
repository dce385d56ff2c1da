// Cloudflare around the Worker, as far as EU_ONLY knows it, on workerd (tests/it/eu_only.rs):
//
// - objects are to be had in the jurisdiction "eu" and nowhere else, so who asks without fails;
// - a location, `request.cf.colo`, that is not in the EU reads nothing of a request that it passes on but
//   the length of its body, and asks no object but a front, or the request fails;
// - an answer of a front object names it, in the header `test-front`.
import worker, * as classes from "./entry.js";

/** Locations in the EU that the tests use; the Worker's own table is not asked. */
const INSIDE = ["ARN", "FRA"];
/** What any location answers. */
const FOR_EVERYBODY = "/js/script.js";

const namespaces = new Map();
function in_jurisdiction(env) {
  const simulated = { ...env };
  for (const [name, namespace] of Object.entries(env)) {
    if (typeof namespace?.idFromName !== "function") continue;
    if (!namespaces.has(name))
      namespaces.set(name, {
        jurisdiction(place) {
          if (place !== "eu") throw new Error(`jurisdiction ${place}`);
          return namespace;
        },
      });
    simulated[name] = namespaces.get(name);
  }
  return simulated;
}

/** The same where no object but a front may be asked. */
function fronts_only(env) {
  const refused = () => {
    throw new Error("an object is asked from outside the EU");
  };
  const of_others = { jurisdiction: refused };
  return { ...in_jurisdiction(env), ROSTER: of_others, DAY: of_others };
}

/** While a Worker outside the EU is at it. */
let outside = false;

function guard(owner, names) {
  for (const name of names) {
    const is = Object.getOwnPropertyDescriptor(owner, name);
    if (!is) throw new Error(`${String(name)} is not where it was`);
    const kind = is.get ? "get" : "value";
    const original = is[kind];
    is[kind] = function (...given) {
      if (outside && given[0] !== "content-length")
        throw new Error(`outside the EU: ${String(name)} ${given}`);
      return original.apply(this, given);
    };
    Object.defineProperty(owner, name, is);
  }
}
guard(Headers.prototype, [
  "entries",
  "forEach",
  "get",
  "has",
  "keys",
  "values",
  Symbol.iterator,
]);
guard(Request.prototype, ["clone"]);
guard(Object.getPrototypeOf(Request.prototype), [
  "arrayBuffer",
  "blob",
  "body",
  "bytes",
  "formData",
  "json",
  "text",
]);

export default {
  async fetch(request, env, ctx) {
    const is_outside =
      env.EU_ONLY === "strict" && !INSIDE.includes(request.cf?.colo);
    const is_public = new URL(request.url).pathname === FOR_EVERYBODY;
    const bindings = is_outside ? fronts_only(env) : in_jurisdiction(env);
    outside = is_outside && !is_public;
    let answer;
    try {
      answer = worker.fetch(request, bindings, ctx);
    } finally {
      outside = false;
    }
    return await answer;
  },
};

export class RosterObject extends classes.RosterObject {
  constructor(ctx, env) {
    super(ctx, in_jurisdiction(env));
  }
}

export class DayObject extends classes.DayObject {
  constructor(ctx, env) {
    super(ctx, in_jurisdiction(env));
  }
}

export class FrontObject extends classes.FrontObject {
  constructor(ctx, env) {
    super(ctx, in_jurisdiction(env));
  }

  async fetch(request) {
    const answer = await super.fetch(request);
    const told = new Response(answer.body, answer);
    told.headers.set("test-front", this.ctx.id.name);
    return told;
  }
}
