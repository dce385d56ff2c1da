// Drives edge/tracker/dist/script.js in a real Chromium against a small local
// server that records the beacons. Run from the repository's root:
//   node edge/tracker/build.mjs && node --test tests/browser/tracker.test.mjs
// What always holds: "nothing is sent" is asserted after a request of the page
// itself has come through, never after a pause.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { close, launchChromium, listen } from "./support.mjs";

const script = readFileSync(
  new URL("../../edge/tracker/dist/script.js", import.meta.url),
);

/** A public host name; Chromium resolves it to this machine. */
const HOST = "site.test";

let server, port, browser, context, page;
let html = "";
let beacons = [];
let headers = [];
let status = 202;
let changed = () => {};

before(async () => {
  server = createServer(async (request, response) => {
    if (request.method == "POST") {
      let body = "";
      for await (const chunk of request) body += chunk;
      if (request.url != "/mark") {
        beacons.push(JSON.parse(body));
        headers.push({ ...request.headers, path: request.url });
      }
      response.writeHead(status, { "access-control-allow-origin": "*" });
      response.end("ok");
      changed();
    } else if (request.url == "/js/script.js") {
      response.writeHead(200, { "content-type": "text/javascript" });
      response.end(script);
    } else {
      response.writeHead(200, { "content-type": "text/html" });
      response.end(html);
    }
  });
  port = await listen(server);
  browser = await launchChromium("--host-resolver-rules=MAP *.test 127.0.0.1");
});

after(async () => {
  await browser?.close();
  close(server);
});

beforeEach(async () => {
  beacons = [];
  headers = [];
  status = 202;
  context = await browser.newContext();
  page = await context.newPage();
});

afterEach(() => context.close());

const origin = (host = HOST) => `http://${host}:${port}`;

/** Sets what the server answers, whatever the path. */
const serve = (attributes = "data-automated", body = "", head = "") => {
  html = `<!doctype html><title>t</title>${head}
    <script defer ${attributes} src="/js/script.js"></script>
    <body style="margin:0">${body}</body>`;
};

const open = async (path = "/", host = HOST) => page.goto(origin(host) + path);

/** The first `count` beacons, once there are as many. */
const sent = async (count) => {
  const deadline = AbortSignal.timeout(5000);
  while (beacons.length < count) {
    await new Promise((resolve, reject) => {
      changed = resolve;
      deadline.onabort = () =>
        reject(
          new Error(
            `${beacons.length} of ${count} beacons: ${JSON.stringify(beacons)}`,
          ),
        );
    });
  }
  return beacons;
};

/** Every beacon there is, once everything the page has sent must be here. */
const settled = async () => {
  await page.evaluate(() => fetch("/mark", { method: "POST" }).then(() => {}));
  return beacons;
};

const names = (list) => list.map(({ n }) => n);

/** What a tab switch does. Playwright keeps every page visible and focused. */
const setHidden = (hidden) =>
  page.evaluate((value) => {
    Object.defineProperty(document, "hidden", { value, configurable: true });
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
  }, hidden);

const scrollTo = (y) =>
  page.evaluate(
    (top) =>
      new Promise((resolve) => {
        addEventListener("scroll", resolve, { once: true });
        scrollTo(0, top);
      }),
    y,
  );

const TALL = '<div style="height:10000px"></div>';

test("a page view is sent with n, u, r and nothing else", async () => {
  serve();
  await open("/a?utm_source=x#part");
  assert.deepEqual(await sent(1), [
    { n: "pageview", u: `${origin()}/a?utm_source=x#part`, r: "" },
  ]);
  assert.equal(headers[0].path, "/api/event");
  assert.match(headers[0]["content-type"], /^text\/plain/);
  assert.equal(headers[0].cookie, undefined);
});

test("the referrer is sent", async () => {
  serve();
  await page.goto(`${origin()}/`, { referer: "http://else.test/" });
  assert.equal((await sent(1))[0].r, "http://else.test/");
});

test("data-domain is sent as d; data-api is where beacons go", async () => {
  serve(
    `data-automated data-domain="a.example,b.example" data-api="http://edge.test:${port}/in"`,
  );
  await open();
  assert.equal((await sent(1))[0].d, "a.example,b.example");
  assert.equal(headers[0].path, "/in");
  assert.equal(headers[0].host, `edge.test:${port}`);
});

test("by default beacons go to the origin of the script", async () => {
  serve();
  html = html.replace("/js/", `http://edge.test:${port}/js/`);
  await open();
  await sent(1);
  assert.equal(headers[0].host, `edge.test:${port}`);
  assert.equal(headers[0].path, "/api/event");
});

test("pushState, replaceState and going back are page views when the path changes", async () => {
  serve();
  await open("/1");
  await page.evaluate(() => {
    history.pushState({}, "", "/2");
    history.pushState({}, "", "/3");
    history.replaceState({}, "", "/3?only=query");
    history.replaceState({}, "", "/3#hash");
    history.replaceState({}, "", "/4");
    history.back();
  });
  assert.deepEqual(
    (await sent(5)).map(({ u }) => u.slice(origin().length)),
    ["/1", "/2", "/3", "/4", "/2"],
  );
  assert.equal((await settled()).length, 5);
});

test("the hash is a page only with data-hash", async () => {
  serve();
  await open("/");
  await page.evaluate(() => (location.hash = "#/x"));
  assert.equal((await settled()).length, 1);

  beacons = [];
  serve("data-automated data-hash");
  await page.goto("about:blank");
  await open("/#/a");
  await page.evaluate(() => (location.hash = "#/b"));
  const views = await sent(2);
  assert.deepEqual(
    views.map(({ u, h }) => [u, h]),
    [
      [`${origin()}/#/a`, 1],
      [`${origin()}/#/b`, 1],
    ],
  );
});

test("engagement is sent when the page is hidden after 3 s, later only what is new", async () => {
  await page.clock.install();
  serve("data-automated", TALL);
  await open("/long");
  await sent(1);

  await page.clock.runFor(2900);
  await setHidden(true);
  assert.equal((await settled()).length, 1, "under 3 s");
  await page.clock.runFor(60_000);
  await setHidden(false);
  await page.clock.runFor(200);
  await setHidden(true);
  const [, first] = await sent(2);
  assert.equal(first.n, "engagement");
  assert.equal(first.u, `${origin()}/long`);
  assert.ok(
    first.e >= 3100 && first.e < 4000,
    `hidden time counts: ${first.e}`,
  );
  assert.equal(first.sd, 7);

  await setHidden(false);
  await page.clock.runFor(1000);
  await setHidden(true);
  assert.equal((await settled()).length, 2, "nothing new");

  await setHidden(false);
  await scrollTo(5000 - page.viewportSize().height);
  await scrollTo(0);
  await setHidden(true);
  const deeper = (await settled()).at(-1);
  assert.equal(deeper.sd, 50);
  assert.ok(deeper.e >= 1000 && deeper.e < 2500, `only new time: ${deeper.e}`);
});

test("only time with the focus is engaged", async () => {
  await page.clock.install();
  serve();
  await open();
  await sent(1);
  await page.evaluate(() => {
    document.hasFocus = () => false;
    dispatchEvent(new Event("blur"));
  });
  await page.clock.runFor(60_000);
  await setHidden(true);
  assert.equal((await settled()).length, 1);
});

test("engagement is sent on leaving, and of the old page on a navigation inside", async () => {
  serve("data-automated", TALL);
  await open("/old");
  await scrollTo(100_000);
  await page.evaluate(() => history.pushState({}, "", "/new"));
  const [, left, view] = await sent(3);
  assert.deepEqual(
    [left.n, left.u, left.sd],
    ["engagement", `${origin()}/old`, 100],
  );
  assert.deepEqual([view.n, view.u], ["pageview", `${origin()}/new`]);

  await scrollTo(100);
  await scrollTo(200);
  await page.goto("about:blank");
  assert.equal((await sent(4))[3].n, "engagement");
  assert.equal(beacons[3].u, `${origin()}/new`);
});

const LINKS = `
  <a id="out" href="http://else.test/p/a?id=1#h" target="_blank"><b>x</b></a>
  <a id="file" href="/f/Report.PDF?token=1">x</a>
  <a id="in" href="#in">x</a>
  <a id="mail" href="mailto:a@b.example">x</a>
  <form id="form" action="/done"><input name="q" /><button>x</button></form>
  <script>
    // A page that keeps clicks and submissions to itself.
    for (const type of ["click", "auxclick", "submit"])
      document.body.addEventListener(type, (event) => {
        if (event.target.tagName != "BUTTON") event.preventDefault();
        event.stopPropagation();
      });
  </script>`;

const clickAll = async () => {
  for (const id of ["out", "file", "in", "mail"]) await page.click(`#${id}`);
  await page.click("#form button");
};

const expected = {
  outbound: {
    n: "Outbound Link: Click",
    props: { url: "http://else.test/p/a" },
  },
  downloads: { n: "File Download", props: { url: "/f/Report.PDF" } },
  forms: { n: "Form: Submission" },
};

for (const track of [
  "",
  "outbound",
  "downloads",
  "forms",
  "outbound downloads forms",
])
  test(`data-track="${track}" sends these events and no others`, async () => {
    serve(`data-automated data-track="${track}"`, LINKS);
    await open("/p");
    await clickAll();
    const [, ...events] = await settled();
    assert.deepEqual(
      events,
      track
        .split(" ")
        .filter(Boolean)
        .map((word) => {
          const { n, props } = expected[word];
          const url = props && new URL(props.url, origin()).href;
          return {
            n,
            u: `${origin()}/p`,
            r: "",
            ...(url && { props: { url } }),
          };
        }),
    );
  });

test("links and forms are not tracked without data-track", async () => {
  serve("data-automated", LINKS);
  await open();
  await clickAll();
  assert.equal((await settled()).length, 1);
});

test("a middle click counts, a right click does not", async () => {
  serve('data-automated data-track="outbound"', LINKS);
  await open();
  await page.click("#out", { button: "right" });
  await page.click("#out", { button: "middle" });
  assert.deepEqual(names(await settled()), [
    "pageview",
    "Outbound Link: Click",
  ]);
});

test("a link in an open shadow root counts", async () => {
  serve(
    'data-automated data-track="outbound"',
    `<div id="host"></div><script>
      host.attachShadow({ mode: "open" }).innerHTML =
        '<a href="http://else.test/s" target="_blank">x</a>';
    </script>`,
  );
  await open();
  await page.click("#host a");
  assert.deepEqual((await sent(2))[1].props, { url: "http://else.test/s" });
});

test("custom events carry props, revenue and interactive; the callback gets the status", async () => {
  serve();
  await open("/shop");
  const status = await page.evaluate(
    () =>
      new Promise((resolve) =>
        dayfly("Signup", {
          props: { plan: "pro", seats: 3 },
          revenue: { currency: "EUR", amount: 9.5 },
          interactive: false,
          callback: (result) => resolve(result.status),
        }),
      ),
  );
  assert.equal(status, 202);
  assert.deepEqual(beacons[1], {
    n: "Signup",
    u: `${origin()}/shop`,
    r: "",
    props: { plan: "pro", seats: 3 },
    revenue: { currency: "EUR", amount: 9.5 },
    interactive: false,
  });
});

test("dayfly('404') leaves props.path to the server", async () => {
  serve();
  await open("/nowhere");
  await page.evaluate(() => dayfly("404"));
  assert.deepEqual((await sent(2))[1], {
    n: "404",
    u: `${origin()}/nowhere`,
    r: "",
  });
});

test("the callback gets the error of a request that fails, and nothing is thrown", async () => {
  serve('data-automated data-api="http://site.test:1/"');
  const errors = [];
  page.on("pageerror", (error) => errors.push(error));
  await open();
  const error = await page.evaluate(() =>
    new Promise((callback) => dayfly("x", { callback })).then(
      (result) => result.error.name,
    ),
  );
  assert.equal(error, "TypeError");
  assert.deepEqual(errors, []);
});

test("the callback gets the status of a refusal", async () => {
  serve();
  status = 400;
  await open();
  const answer = await page.evaluate(() =>
    new Promise((callback) => dayfly("x", { callback })).then(
      (result) => result.status,
    ),
  );
  assert.equal(answer, 400);
});

test("calls from before the script are sent, after the page view", async () => {
  serve(
    "data-automated",
    "",
    `<script>
      window.dayfly = window.dayfly || function () { (dayfly.q = dayfly.q || []).push(arguments) };
      dayfly("Early", { props: { a: 1 } });
    </script>`,
  );
  await open();
  const list = await sent(2);
  assert.deepEqual(names(list), ["pageview", "Early"]);
  assert.deepEqual(list[1].props, { a: 1 });
});

test("data-manual sends no page view but the owner's, whose url it keeps", async () => {
  await page.clock.install();
  serve("data-automated data-manual");
  await open("/secret/123");
  await page.evaluate(() => {
    history.pushState({}, "", "/secret/456");
    dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
  });
  assert.deepEqual(await settled(), []);
  await page.evaluate(() =>
    dayfly("pageview", {
      url: "https://site.test/secret/_",
      props: { kind: "x" },
    }),
  );
  assert.deepEqual(await settled(), [
    {
      n: "pageview",
      u: "https://site.test/secret/_",
      r: "",
      props: { kind: "x" },
    },
  ]);
  await page.clock.runFor(3000);
  await setHidden(true);
  const last = (await settled()).at(-1);
  assert.deepEqual(
    [last.n, last.u],
    ["engagement", "https://site.test/secret/_"],
  );
});

test("data-exclude and data-include: * within a segment, ** across, lists", async () => {
  const visit = async (attributes, paths) => {
    beacons = [];
    serve(`data-automated ${attributes}`);
    await open(paths[0]);
    await page.evaluate((rest) => {
      for (const path of rest) history.pushState({}, "", path);
    }, paths.slice(1));
    return (await settled()).map(({ u }) => new URL(u).pathname);
  };
  const paths = ["/", "/a", "/a/b", "/a/b/c", "/x.y", "/xzy", "/blog/1"];
  assert.deepEqual(await visit('data-exclude="/a/*, /x.y"', paths), [
    "/",
    "/a",
    "/a/b/c",
    "/xzy",
    "/blog/1",
  ]);
  assert.deepEqual(await visit('data-exclude="/a**"', paths), [
    "/",
    "/x.y",
    "/xzy",
    "/blog/1",
  ]);
  assert.deepEqual(await visit('data-include="/a/**,/blog/*"', paths), [
    "/a/b",
    "/a/b/c",
    "/blog/1",
  ]);
  assert.deepEqual(
    await visit('data-include="/a/**" data-exclude="/**/c"', paths),
    ["/a/b"],
  );
});

test("on an excluded page nothing is sent: no event, no engagement", async () => {
  await page.clock.install();
  serve('data-automated data-exclude="/admin/**"');
  await open("/admin/x");
  const result = await page.evaluate(
    () => new Promise((callback) => dayfly("Signup", { callback })),
  );
  assert.deepEqual(result, { error: "ignored" });
  await page.clock.runFor(10_000);
  await setHidden(true);
  assert.deepEqual(await settled(), []);
});

test("engagement with the page before an excluded one is still sent", async () => {
  await page.clock.install();
  serve('data-automated data-exclude="/admin/**"');
  await open("/before");
  await sent(1);
  await page.clock.runFor(4000);
  await page.evaluate(() => history.pushState({}, "", "/admin/x"));
  assert.deepEqual(
    (await settled()).map(({ n, u }) => [n, u]),
    [
      ["pageview", `${origin()}/before`],
      ["engagement", `${origin()}/before`],
    ],
  );
});

for (const flag of ["plausible_ignore", "dayfly_ignore"])
  test(`localStorage.${flag} = "true" sends nothing, at once`, async () => {
    serve();
    await open();
    await sent(1);
    await page.evaluate((key) => localStorage.setItem(key, "true"), flag);
    await page.evaluate(() => dayfly("Signup"));
    await page.reload();
    assert.equal((await settled()).length, 1);
  });

test("blocked storage is no flag", async () => {
  await page.addInitScript(() =>
    Object.defineProperty(window, "localStorage", {
      get() {
        throw new DOMException("blocked", "SecurityError");
      },
    }),
  );
  serve();
  await open();
  await sent(1);
});

test("nothing from this machine without data-local", async () => {
  for (const host of ["127.0.0.1", "localhost"]) {
    serve();
    await open("/", host);
    await page.evaluate(() => dayfly("Signup"));
    assert.deepEqual(await settled(), [], host);
  }
  serve("data-automated data-local");
  await open("/", "127.0.0.1");
  await sent(1);
});

test("nothing from an automated browser without data-automated", async () => {
  serve("");
  await open();
  assert.equal(await page.evaluate(() => navigator.webdriver), true);
  await page.evaluate(() => dayfly("Signup"));
  assert.deepEqual(await settled(), []);
});

test("a person's browser needs no attribute at all", async () => {
  await page.addInitScript(() =>
    Object.defineProperty(navigator, "webdriver", { value: false }),
  );
  serve("");
  await open();
  await sent(1);
});

test("GPC: a bare page view, and nothing else", async () => {
  await page.clock.install();
  await page.addInitScript(() =>
    Object.defineProperty(navigator, "globalPrivacyControl", { value: true }),
  );
  serve('data-automated data-track="outbound downloads forms"', LINKS);
  await page.goto(`${origin()}/a?email=x#y`, { referer: "http://else.test/" });
  await clickAll();
  const result = await page.evaluate(
    () => new Promise((callback) => dayfly("Signup", { callback })),
  );
  assert.deepEqual(result, { error: "ignored" });
  await page.clock.runFor(10_000);
  await setHidden(true);
  assert.deepEqual(await settled(), [{ n: "pageview", u: `${origin()}/a` }]);
});

test("a page nobody has seen (prerendered, background tab) waits, its events too", async () => {
  await page.addInitScript(() =>
    Object.defineProperty(document, "hidden", {
      value: true,
      configurable: true,
    }),
  );
  serve();
  await open("/later");
  await page.evaluate(() => dayfly("Signup"));
  assert.deepEqual(await settled(), []);
  await setHidden(false);
  assert.deepEqual(names(await sent(2)), ["pageview", "Signup"]);
});

test("a page out of the back-forward cache is viewed again", async () => {
  serve();
  await open();
  await page.evaluate(() => {
    dispatchEvent(new PageTransitionEvent("pageshow", { persisted: false }));
    dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
  });
  assert.deepEqual(names(await settled()), ["pageview", "pageview"]);
});

test("no cookie, no storage and no fingerprinting interface is touched", async () => {
  await page.addInitScript(() => {
    window.touched = [];
    const trap = (object, key, label) => {
      const found = Object.getOwnPropertyDescriptor(object, key);
      if (!found) throw new Error(`no ${label}`);
      const note = (value) => (window.touched.push(label), value);
      Object.defineProperty(
        object,
        key,
        "value" in found
          ? {
              ...found,
              value: function (...args) {
                return note(found.value.apply(this, args));
              },
            }
          : {
              ...found,
              get() {
                return note(found.get.call(this));
              },
              set(value) {
                note(found.set?.call(this, value));
              },
            },
      );
    };
    trap(Document.prototype, "cookie", "cookie");
    for (const key of ["sessionStorage", "indexedDB"]) trap(window, key, key);
    for (const key of ["getItem", "setItem", "removeItem", "clear", "key"])
      trap(Storage.prototype, key, key);
    for (const key of [
      "userAgent",
      "platform",
      "language",
      "languages",
      "plugins",
      "hardwareConcurrency",
      "maxTouchPoints",
      "doNotTrack",
    ])
      trap(Navigator.prototype, key, key);
    for (const key of ["width", "height", "availWidth", "colorDepth"])
      trap(Screen.prototype, key, key);
    trap(window, "devicePixelRatio", "devicePixelRatio");
    trap(Date.prototype, "getTimezoneOffset", "time zone");
    trap(HTMLCanvasElement.prototype, "getContext", "canvas");
    // Of local storage nothing but the two flags may be read, nothing written.
    const storage = new Proxy(
      {},
      {
        get: (_, key) => void window.touched.push(`read ${String(key)}`),
        set: (_, key) => window.touched.push(`write ${String(key)}`),
      },
    );
    Object.defineProperty(window, "localStorage", { get: () => storage });
  });
  serve('data-automated data-track="outbound downloads forms"', TALL + LINKS);
  await open();
  await scrollTo(3000);
  await clickAll();
  await page.evaluate(() => dayfly("Signup"));
  await setHidden(true);
  const list = await settled();
  assert.ok(names(list).includes("engagement"));
  assert.deepEqual(
    [...new Set(await page.evaluate(() => window.touched))].sort(),
    ["read dayfly_ignore", "read plausible_ignore"],
  );
  assert.deepEqual(await context.cookies(), []);
  assert.deepEqual((await context.storageState()).origins, []);
});
