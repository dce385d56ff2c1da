// Drives edge/tracker/dist/script.js in a real Chromium against a small local
// server that records the beacons. Run from the repository's root:
//   node edge/tracker/build.mjs && node --test tests/browser/tracker.test.mjs
// What always holds: "nothing is sent" is asserted after a request of the page
// itself has come through, never after a pause.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { gzipSync } from "node:zlib";
import { chromium } from "playwright-core";
import {
  chromiumOptions,
  close,
  endAll,
  launchChromium,
  listen,
  temporaryFolder,
} from "./support.mjs";

const read = (path) =>
  readFileSync(new URL(`../../edge/tracker/${path}`, import.meta.url));
const script = read("dist/script.js");

/** A public host name; Chromium resolves it to this machine. */
const HOST = "site.test";
const RESOLVE = "--host-resolver-rules=MAP *.test 127.0.0.1";

let server, port, browser, context, page;
let html = "";
/** Other requests a test wants to answer itself: path → function of the response. */
let answers = {};
let beacons = [];
let headers = [];
/** The bodies of the beacons in the order in which the page sent them. */
let issued = [];
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
      response.writeHead(202, { "access-control-allow-origin": "*" });
      response.end("ok");
      changed();
    } else if (answers[request.url]) {
      answers[request.url](response);
    } else if (request.url == "/js/script.js") {
      response.writeHead(200, { "content-type": "text/javascript" });
      response.end(script);
    } else {
      response.writeHead(200, { "content-type": "text/html" });
      response.end(html);
    }
  });
  port = await listen(server);
  browser = await launchChromium(RESOLVE);
});

after(async () => {
  await browser?.close();
  close(server);
  endAll();
});

beforeEach(async () => {
  forget();
  answers = {};
  context = await browser.newContext();
  context.on("request", (request) => {
    if (request.method() == "POST") issued.push(request.postData());
  });
  page = await context.newPage();
});

afterEach(() => context.close());

/** As if nothing had been sent yet. */
const forget = () => {
  beacons = [];
  headers = [];
  issued = [];
};

/** The beacons as the page sent them: they come over several connections, and
    one may overtake another. */
const inOrder = () => {
  const place = (beacon) => {
    const at = issued.indexOf(JSON.stringify(beacon));
    return at < 0 ? issued.length : at;
  };
  return [...beacons].sort((a, b) => place(a) - place(b));
};

const origin = (host = HOST) => `http://${host}:${port}`;

/** Sets what the server answers, whatever the path. */
const serve = (attributes = "data-local", body = "", head = "") => {
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
  return inOrder();
};

/** Every beacon there is, once everything the page has sent must be here. */
const settled = async () => {
  await page.evaluate(() => fetch("/mark", { method: "POST" }).then(() => {}));
  // The mark may overtake beacons that came over other connections.
  for (let seen = -1; seen !== beacons.length;) {
    seen = beacons.length;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return inOrder();
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

test("it weighs at most 1,000 bytes, and as many as the README says", () => {
  const bytes = gzipSync(script, { level: 9 }).length;
  assert.ok(bytes <= 1000, `${bytes} bytes`);
  const said = read("README.md")
    .toString()
    .match(/^(\d+) bytes gzipped/m);
  assert.equal(Number(said[1]), bytes);
});

test("the README's snippet is one line that loads the script itself", async () => {
  const [, snippet] = read("README.md")
    .toString()
    .match(/```html\n([\s\S]*?)\n```/);
  assert.match(snippet, /^<script [^\n]*><\/script>$/);
  serve();
  html = `<!doctype html>${snippet.replace("https://edge.example", origin())}`;
  await asPerson();
  await open("/page");
  assert.equal((await sent(1))[0].u, `${origin()}/page`);
});

test("a page view is sent with n, u, h, r and nothing else", async () => {
  serve();
  await open("/a?utm_source=x#part");
  assert.deepEqual(await sent(1), [
    { n: "pageview", u: `${origin()}/a?utm_source=x#part`, h: false, r: "" },
  ]);
  assert.equal(headers[0].path, "/api/event");
  assert.match(headers[0]["content-type"], /^text\/plain/);
});

test("a beacon outlives its page", async () => {
  await page.addInitScript(() => {
    const native = window.fetch;
    window.fetch = (url, options) => {
      window.keepalive = options.keepalive;
      return native(url, options);
    };
  });
  serve();
  await open();
  await sent(1);
  assert.equal(await page.evaluate(() => window.keepalive), true);
});

test("a beacon carries no cookie, though the site has one and the API is its own", async () => {
  await context.addCookies([{ name: "session", value: "x", url: origin() }]);
  serve();
  await open();
  await sent(1);
  assert.equal(headers[0].host, `${HOST}:${port}`);
  assert.equal(headers[0].cookie, undefined);
  assert.equal(await page.evaluate(() => document.cookie), "session=x");
});

test("the referrer is sent", async () => {
  serve();
  await page.goto(`${origin()}/`, { referer: "http://else.test/" });
  assert.equal((await sent(1))[0].r, "http://else.test/");
});

test("data-domain is sent as d; data-api is where beacons go", async () => {
  serve(
    `data-local data-domain="a.example,b.example" data-api="http://edge.test:${port}/in"`,
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
    // Going back is not at once.
    (await sent(5)).map(({ u }) => u.slice(origin().length)).sort(),
    ["/1", "/2", "/2", "/3", "/4"],
  );
  assert.equal((await settled()).length, 5);
});

test("the hash is a page only with data-hash", async () => {
  serve();
  await open("/");
  await page.evaluate(() => (location.hash = "#/x"));
  assert.equal((await settled()).length, 1);

  forget();
  serve("data-local data-hash");
  await page.goto("about:blank");
  await open("/#/a");
  await page.evaluate(() => (location.hash = "#/b"));
  const views = await sent(2);
  assert.deepEqual(
    views.map(({ u, h }) => [u, h]),
    [
      [`${origin()}/#/a`, true],
      [`${origin()}/#/b`, true],
    ],
  );
});

test("engagement is sent when the page is hidden after 3 s, later only what is new", async () => {
  await page.clock.install();
  serve("data-local", TALL);
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
  assert.equal(Math.floor(first.sd), 7);

  await setHidden(false);
  await page.clock.runFor(1000);
  await setHidden(true);
  assert.equal((await settled()).length, 2, "nothing new");

  await setHidden(false);
  await scrollTo(5000 - page.viewportSize().height);
  await scrollTo(0);
  await setHidden(true);
  const deeper = (await settled()).at(-1);
  assert.equal(Math.floor(deeper.sd), 50);
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
  serve("data-local", TALL);
  await open("/old");
  await scrollTo(100_000);
  await page.evaluate(() => history.pushState({}, "", "/new"));
  const [, left, view] = await sent(3);
  assert.deepEqual([left.n, left.u], ["engagement", `${origin()}/old`]);
  // The server takes more than 100 for 100.
  assert.equal(Math.floor(left.sd), 100);
  assert.deepEqual([view.n, view.u], ["pageview", `${origin()}/new`]);

  await scrollTo(100);
  await scrollTo(200);
  await page.goto("about:blank");
  const gone = (await sent(4)).at(-1);
  assert.deepEqual([gone.n, gone.u], ["engagement", `${origin()}/new`]);
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
    serve(`data-local data-track="${track}"`, LINKS);
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
            h: false,
            r: "",
            ...(url && { props: { url } }),
          };
        }),
    );
  });

test("links and forms are not tracked without data-track", async () => {
  serve("data-local", LINKS);
  await open();
  await clickAll();
  assert.equal((await settled()).length, 1);
});

test("what a file is: these endings in any case, and no others", async () => {
  const files = "csv dmg doc docx exe gz mp3 mp4 pdf ppt pptx txt xls xlsx ZIP";
  const pages = "html php 3 doe zipper pdf/ html?f=a.pdf html#a.pdf";
  const endings = (words) => words.split(" ");
  serve(
    'data-local data-track="downloads"',
    endings(`${files} ${pages}`)
      .map((ending) => `<a href="/d/a.${ending}">x</a>`)
      .join(" ") +
      `<script>
        addEventListener("click", (event) => event.preventDefault());
      </script>`,
  );
  await open();
  for (const link of await page.locator("a").all()) await link.click();
  assert.deepEqual(
    (await settled()).slice(1).map(({ n, props }) => [n, props.url]),
    endings(files).map((ending) => [
      "File Download",
      `${origin()}/d/a.${ending}`,
    ]),
  );
});

test("a form's field called hostname is no link", async () => {
  serve(
    'data-local data-track="outbound"',
    '<form><input name="hostname" /><input name="href" /></form>',
  );
  const errors = [];
  page.on("pageerror", (error) => errors.push(error));
  await open();
  await page.click("[name=hostname]");
  assert.deepEqual(names(await settled()), ["pageview"]);
  assert.deepEqual(errors, []);
});

test("a middle click counts, a right click does not", async () => {
  serve('data-local data-track="outbound"', LINKS);
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
    'data-local data-track="outbound"',
    `<div id="host"></div><script>
      host.attachShadow({ mode: "open" }).innerHTML =
        '<a href="http://else.test/s" target="_blank">x</a>';
    </script>`,
  );
  await open();
  await page.click("#host a");
  assert.deepEqual((await sent(2))[1].props, { url: "http://else.test/s" });
});

test("custom events carry props, revenue and interactive", async () => {
  serve();
  await open("/shop");
  await page.evaluate(() =>
    dayfly("Signup", {
      props: { plan: "pro", seats: 3 },
      revenue: { currency: "EUR", amount: 9.5 },
      interactive: false,
    }),
  );
  assert.deepEqual((await sent(2))[1], {
    n: "Signup",
    u: `${origin()}/shop`,
    h: false,
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
    h: false,
    r: "",
  });
});

test("a beacon that fails is no error of the page", async () => {
  serve('data-local data-api="http://site.test:1/"');
  const errors = [];
  page.on("pageerror", (error) => errors.push(error));
  const failed = page.waitForEvent("requestfailed");
  await open();
  await failed;
  assert.deepEqual(await settled(), []);
  assert.deepEqual(errors, []);
});

test("calls from before the script are sent, after the page view", async () => {
  serve(
    "data-local",
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

test("data-manual: an event before any page view has the page's address", async () => {
  serve("data-local data-manual");
  await open("/a");
  await page.evaluate(() => dayfly("Signup"));
  assert.deepEqual(
    (await sent(1)).map(({ n, u }) => [n, u]),
    [["Signup", `${origin()}/a`]],
  );
});

test("data-manual sends no page view but the owner's, whose url it keeps", async () => {
  await page.clock.install();
  serve("data-local data-manual");
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
      h: false,
      r: "",
      // The option as it is: the server prefers the long name.
      url: "https://site.test/secret/_",
      props: { kind: "x" },
    },
  ]);
  await page.evaluate(() => dayfly("Signup"));
  assert.equal((await sent(2))[1].u, "https://site.test/secret/_");
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
    forget();
    serve(`data-local ${attributes}`);
    await open(paths[0]);
    await page.evaluate((rest) => {
      for (const path of rest) history.pushState({}, "", path);
    }, paths.slice(1));
    return (await settled()).map(({ u }) => new URL(u).pathname);
  };
  const paths = ["/", "/a", "/a/b", "/a/b/c", "/x.y", "/xzy", "/blog/1"];
  assert.deepEqual(await visit('data-exclude="/a/*, /blog/1"', paths), [
    "/",
    "/a",
    "/a/b/c",
    "/x.y",
    "/xzy",
  ]);
  // The rest is a regular expression of the whole path.
  assert.deepEqual(await visit('data-exclude="/x[.]y,/a|/(b|blog)/."', paths), [
    "/",
    "/a/b",
    "/a/b/c",
    "/xzy",
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
  serve('data-local data-exclude="/admin/**"');
  await open("/admin/x");
  await page.evaluate(() => dayfly("Signup"));
  await page.clock.runFor(10_000);
  await setHidden(true);
  assert.deepEqual(await settled(), []);
});

test("engagement with the page before an excluded one is still sent", async () => {
  await page.clock.install();
  serve('data-local data-exclude="/admin/**"');
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

const asPerson = () =>
  page.addInitScript(() =>
    Object.defineProperty(navigator, "webdriver", { value: false }),
  );

test("nothing from a host that is not public without data-local", async () => {
  await asPerson();
  for (const host of ["127.0.0.1", "localhost"]) {
    serve("");
    await open("/", host);
    await page.evaluate(() => dayfly("Signup"));
    assert.deepEqual(await settled(), [], host);
  }
  serve();
  await open("/", "127.0.0.1");
  await sent(1);
});

test("nothing from a file without data-local", async () => {
  await asPerson();
  const file = `${temporaryFolder()}/page.html`;
  const write = (attributes) =>
    writeFileSync(
      file,
      `<script defer ${attributes} src="${origin()}/js/script.js"></script>`,
    );
  write("");
  await page.goto(`file://${file}`);
  await page.evaluate(() => dayfly("Signup"));
  write("data-local");
  await page.goto(`file://${file}`);
  assert.deepEqual(
    (await sent(1)).map(({ n, u }) => [n, u]),
    [["pageview", `file://${file}`]],
  );
});

test("nothing from an automated browser without data-local", async () => {
  serve("");
  await open();
  assert.equal(await page.evaluate(() => navigator.webdriver), true);
  await page.evaluate(() => dayfly("Signup"));
  assert.deepEqual(await settled(), []);
});

test("a person's browser needs no attribute at all", async () => {
  await asPerson();
  serve("");
  await open();
  await sent(1);
});

test("GPC: a bare page view, and nothing else", async () => {
  await page.clock.install();
  await page.addInitScript(() =>
    Object.defineProperty(navigator, "globalPrivacyControl", { value: true }),
  );
  serve('data-local data-track="outbound downloads forms"', LINKS);
  await page.goto(`${origin()}/a?email=x#y`, { referer: "http://else.test/" });
  await clickAll();
  await page.evaluate(() => {
    dayfly("Signup");
    dayfly("pageview", { url: "https://site.test/b?c#d", props: { e: 1 } });
  });
  await page.clock.runFor(10_000);
  await setHidden(true);
  assert.deepEqual(await settled(), [
    { n: "pageview", u: `${origin()}/a`, h: false },
    { n: "pageview", u: "https://site.test/b", h: false },
  ]);
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

test("a prerendered page is counted once and when it is shown", async (t) => {
  // Chromium by itself: it does not prerender while Playwright is attached.
  const { executablePath, args } = chromiumOptions(RESOLVE);
  const rules = { prerender: [{ urls: ["/next"], eagerness: "immediate" }] };
  let beforeShown;
  serve(
    "data-local",
    `<script>
      addEventListener("DOMContentLoaded", async () => {
        if (location.pathname == "/next") await fetch("/prerendered");
        else {
          await fetch("/go");
          location.href = "/next";
        }
      });
      document.addEventListener("prerenderingchange", () =>
        setTimeout(() => fetch("/shown")));
    </script>
    <script type="speculationrules">${JSON.stringify(rules)}</script>`,
  );
  await new Promise((resolve, reject) => {
    let go;
    answers = {
      "/go": (response) => (go = () => response.end()),
      "/prerendered": (response) => {
        response.end();
        beforeShown ??= [...beacons];
        go();
      },
      "/shown": resolve,
    };
    const browser = spawn(
      executablePath,
      [...args, "--headless", `--user-data-dir=${temporaryFolder()}`].concat(
        `${origin()}/first`,
      ),
      { stdio: "ignore", detached: true },
    );
    browser.once("error", reject);
    const deadline = setTimeout(reject, 20_000, new Error("not shown"));
    t.after(async () => {
      clearTimeout(deadline);
      const ended = new Promise((done) => browser.once("close", done));
      process.kill(-browser.pid, "SIGKILL");
      await ended;
    });
  });
  assert.deepEqual(
    beforeShown.map(({ u }) => u),
    [`${origin()}/first`],
  );
  const views = (await sent(2)).filter(({ n }) => n == "pageview");
  assert.deepEqual(
    views.map(({ u }) => u),
    [`${origin()}/first`, `${origin()}/next`],
  );
});

test("a page out of the back-forward cache is viewed again", async (t) => {
  // Playwright turns that cache off.
  const browser = await chromium.launch({
    ...chromiumOptions(RESOLVE),
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
  });
  t.after(() => browser.close());
  page = await browser.newPage();
  serve(
    "data-local",
    `<script>
      addEventListener("pageshow", (event) => (window.persisted = event.persisted));
    </script>`,
  );
  await open("/1");
  await open("/2");
  await sent(2);
  await page.evaluate(() => history.back());
  await sent(3);
  await page.waitForFunction(() => location.pathname == "/1");
  assert.equal(await page.evaluate(() => window.persisted), true);
  assert.deepEqual(
    (await settled()).map(({ n, u }) => [n, u]),
    ["/1", "/2", "/1"].map((path) => ["pageview", origin() + path]),
  );
});

test("no cookie, no storage, no cache and no fingerprinting interface is touched", async () => {
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
    for (const key of ["sessionStorage", "indexedDB", "caches", "cookieStore"])
      if (key in window) trap(window, key, key);
    for (const [type, keys] of Object.entries({
      CacheStorage: ["open", "match", "keys"],
      IDBFactory: ["open", "databases"],
      StorageManager: ["estimate", "persist", "getDirectory"],
      ServiceWorkerContainer: ["register"],
      AudioContext: ["createOscillator"],
      OfflineAudioContext: ["startRendering"],
      WebGLRenderingContext: ["getParameter"],
      CanvasRenderingContext2D: ["getImageData", "measureText"],
      MediaDevices: ["enumerateDevices"],
      Permissions: ["query"],
      FontFaceSet: ["check"],
      Performance: ["getEntries", "getEntriesByType"],
    }))
      // Where the page's origin has the interface at all.
      if (window[type])
        for (const key of keys)
          if (Object.hasOwn(window[type].prototype, key))
            trap(window[type].prototype, key, `${type}.${key}`);
    trap(HTMLCanvasElement.prototype, "toDataURL", "canvas");
    trap(window, "matchMedia", "matchMedia");
    for (const key of ["requestStorageAccess", "hasStorageAccess"])
      if (key in Document.prototype) trap(Document.prototype, key, key);
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
      "userAgentData",
      "deviceMemory",
      "connection",
      "mimeTypes",
      "vendor",
      "getBattery",
      "mediaDevices",
      "permissions",
      "storage",
      "serviceWorker",
    ])
      if (key in Navigator.prototype) trap(Navigator.prototype, key, key);
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
  serve('data-local data-track="outbound downloads forms"', TALL + LINKS);
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
  assert.equal(context.serviceWorkers().length, 0);
  // Nor where a page has more of them than this one has.
  assert.doesNotMatch(
    script.toString(),
    /cookie|sessionStorage|indexedDB|caches|serviceWorker|canvas|screen|userAgent|setItem/i,
  );
});
