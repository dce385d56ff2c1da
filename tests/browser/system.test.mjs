// Drives a whole Dayfly, as scripts/run starts it, with a real Chromium and kill -9. Run from the
// repository's root (the first time scripts/run compiles everything):
//   node --test tests/browser/system.test.mjs
// Each suite has a Dayfly of its own, on free ports and a temporary folder. Nothing here sleeps
// for a fixed time: exact totals are read after a later page view has been counted, because
// batches come in order. Screenshots are left in tests/artifacts/.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createServer, get } from "node:http";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import {
  awayFromMidnight,
  CHROME,
  close,
  Dayfly,
  endAll,
  FIREFOX,
  freePorts,
  launchChromium,
  listen,
  processesOf,
  refusedRun,
  ROOT,
  temporaryFolder,
  waitFor,
} from "./support.mjs";

const SITE = "shop.example";
const ARTIFACTS = new URL("../artifacts/", import.meta.url);
const PERIODS = [
  "day",
  "yesterday",
  "7d",
  "30d",
  "month",
  "lastmonth",
  "year",
  "12mo",
  "all",
];
const ICON = '<link rel="icon" href="data:,">';

let browser;

before(async () => {
  await awayFromMidnight(150_000);
  browser = await launchChromium();
});

after(async () => {
  await browser?.close();
  endAll();
});

/** The site's own web server: every path is a page with this in its head. */
const serveSite = async (head) => {
  const server = createServer((request, response) => {
    response.writeHead(200, { "content-type": "text/html" });
    response.end(`<!doctype html><title>Shop</title>${ICON}${head}<p>Hello`);
  });
  const port = await listen(server);
  return { server, origin: `http://127.0.0.1:${port}` };
};

/** The next beacon of a page, answered. */
const beaconOf = (page) =>
  page.waitForResponse((response) => response.url().endsWith("/api/event"));

/** Does something with a page and waits for the answer to the beacon of it, which must be 202. */
const acknowledged = async (page, act) => {
  const [response] = await Promise.all([beaconOf(page), act()]);
  assert.equal(response.status(), 202);
  assert.equal(response.headers()["x-dayfly-dropped"], undefined);
};

const numberOf = async (page, selector) =>
  Number((await page.textContent(selector)).replaceAll("\u202f", ""));

/** The rows of a panel, as [[label, visitors, views]…]. */
const panel = (page, title) =>
  page
    .locator("section", {
      has: page.getByRole("heading", { name: title, exact: true }),
    })
    .locator("tbody tr")
    .evaluateAll((rows) =>
      rows.map((row) => [...row.cells].map((cell) => cell.innerText.trim())),
    );

/** Notes every violation of the policy and every error of a context's pages. */
const watched = async (options = {}) => {
  const context = await browser.newContext(options);
  const problems = [];
  await context.exposeFunction("noteViolation", (text) => problems.push(text));
  await context.addInitScript(() =>
    addEventListener("securitypolicyviolation", (event) =>
      window.noteViolation(`${event.violatedDirective}: ${event.blockedURI}`),
    ),
  );
  context.on("weberror", (error) => problems.push(String(error.error())));
  context.on("console", (message) => {
    // Chromium also reports the status of the pages that are meant to be 404 or 400.
    const isStatus = /^Failed to load resource: .* status of 40[04] /;
    if (message.type() == "error" && !isStatus.test(message.text()))
      problems.push(message.text());
  });
  return { context, problems };
};

describe("counting", () => {
  let dayfly, site, persons;

  before(async () => {
    dayfly = await Dayfly.start({ site: SITE });
    const [snippet] = dayfly.stdout.match(/<script .*<\/script>/);
    site = await serveSite(snippet.replace("<script ", "<script data-local "));
    persons = await Promise.all(
      [CHROME, FIREFOX].map((userAgent) => browser.newContext({ userAgent })),
    );
  });

  after(async () => {
    for (const person of persons ?? []) await person.close();
    close(site?.server);
    endAll();
  });

  test("scripts/run prints where everything is", async () => {
    const { stdout, edge, dashboard } = dayfly;
    const ready = stdout.split("\n").filter((line) => /^ready /.test(line));
    assert.deepEqual(ready, [`ready edge=${edge} dashboard=${dashboard}`]);
    const script = `${edge}/js/script.js`;
    assert.ok(
      stdout.includes(
        `    <script defer data-domain="${SITE}" src="${script}"></script>\n`,
      ),
      stdout,
    );
    const response = await fetch(script);
    assert.match(response.headers.get("content-type"), /^text\/javascript/);
    assert.equal(
      await response.text(),
      readFileSync(`${ROOT}/edge/tracker/dist/script.js`, "utf8"),
    );
    const [, url] = stdout.match(/^ +See it: +(\S+)$/m);
    assert.equal(url, `${dashboard}/sites/${SITE}`);
    assert.match(
      stdout,
      new RegExp(`^    ${dashboard}/welcome/[\\w-]{43}$`, "m"),
      "there is no account yet",
    );
    const cookie = await dayfly.logIn();
    assert.equal((await fetch(url, { headers: { cookie } })).status, 200);
  });

  test("a page view is in the API and on the dashboard within 10 s", async (t) => {
    const made = await dayfly.cli(
      "key",
      "create",
      "--site",
      SITE,
      "--hourly-limit",
      "100000",
    );
    assert.equal(made.code, 0);
    assert.equal(made.stderr, "");
    assert.match(made.stdout, /^\S{32,}\n$/, "the key and nothing else");
    dayfly.key = made.stdout.trim();

    const page = await persons[0].newPage();
    const dashboard = await browser.newPage(await dayfly.loggedIn());
    const began = performance.now();
    await acknowledged(page, () => page.goto(`${site.origin}/first?a=b`));
    const answered = performance.now();
    await waitFor("the API has it", async () => {
      const [[, views]] = await dayfly.query();
      return views == 1;
    });
    const inApi = performance.now();
    await waitFor("the dashboard has it", async () => {
      await dashboard.goto(`${dayfly.dashboard}/sites/${SITE}`);
      return (await numberOf(dashboard, "#pageviews")) == 1;
    });
    const onDashboard = performance.now();
    assert.deepEqual(await dayfly.query(["event:page"]), [["/first", 1, 1]]);
    assert.equal(await numberOf(dashboard, "#visitors"), 1);
    assert.deepEqual(await panel(dashboard, "Pages"), [["/first", "1", "1"]]);
    assert.ok(onDashboard - began < 10_000);
    const since = (moment) => `${Math.round(moment - began)} ms`;
    t.diagnostic(
      `from the start of the load: 202 ${since(answered)}, API ${since(inApi)}, dashboard ${since(onDashboard)}`,
    );
    await Promise.all([page.close(), dashboard.close()]);
  });

  test("another User-Agent is another visitor, a reload is not", async () => {
    const pages = await Promise.all(persons.map((person) => person.newPage()));
    for (const page of pages)
      await acknowledged(page, () => page.goto(`${site.origin}/both`));
    await acknowledged(pages[0], () => pages[0].reload());
    assert.deepEqual((await dayfly.settled()).get("/both"), [2, 3]);
    await Promise.all(pages.map((page) => page.close()));
  });

  test("a navigation inside the page counts, a custom event is answered 202", async () => {
    const page = await persons[0].newPage();
    await acknowledged(page, () => page.goto(`${site.origin}/app`));
    await acknowledged(page, () =>
      page.evaluate(() => history.pushState({}, "", "/app/inside")),
    );
    await acknowledged(page, () => page.evaluate(() => dayfly("Signup")));
    const pages = await dayfly.settled();
    assert.deepEqual(pages.get("/app"), [1, 1]);
    assert.deepEqual(pages.get("/app/inside"), [1, 1]);
    await page.close();
  });

  test("no header is believed for an address unless it is named", async () => {
    for (const ip of ["217.0.0.1", "194.2.0.1"])
      await dayfly.beacon("/forged", {
        agent: CHROME,
        headers: { "X-Forwarded-For": ip, "X-Test-IP": ip },
      });
    assert.deepEqual((await dayfly.settled()).get("/forged"), [1, 2]);
    const countries = await dayfly.query(["visit:country"]);
    assert.deepEqual(
      countries.map(([country]) => country),
      ["(none)"],
    );
  });
});

describe("the dashboard", () => {
  const LONG = "averylongnameofasite".repeat(3) + ".example";
  const SCRIPT = "<script>alert(1)</script>";
  let dayfly, known;

  before(async () => {
    dayfly = await Dayfly.start({ site: SITE });
    known = `${dayfly.dashboard}/sites/${SITE}`;
    assert.equal((await dayfly.cli("site", "add", LONG)).code, 0);
    await dayfly.beacon(`/${SCRIPT}`);
    await dayfly.beacon(`/${"long".repeat(100)}`);
    await dayfly.settled();
  });

  after(endAll);

  /** Every kind of page, with the status it must have. */
  const everyPage = () => [
    [`${dayfly.dashboard}/`, 200],
    ...PERIODS.map((period) => [`${known}?period=${period}`, 200]),
    [`${dayfly.dashboard}/sites/${LONG}`, 200],
    [`${dayfly.dashboard}/sites/unknown.example`, 404],
    [`${known}?period=fortnight`, 400],
  ];

  test("the overview lists the sites with today's numbers", async () => {
    const page = await browser.newPage(await dayfly.loggedIn());
    await page.goto(dayfly.dashboard);
    const lines = await page.locator(".sites li").allInnerTexts();
    assert.equal(lines.length, 2, lines.join());
    const line = lines.find((text) => text.includes(SITE));
    assert.match(line, /1 visitors? and 3 page views today/);
    await page.click(`text=${SITE}`);
    assert.equal(page.url(), known);
    await page.close();
  });

  test("every period's link works and is marked, also without scripts", async () => {
    const page = await browser.newPage({
      ...(await dayfly.loggedIn()),
      javaScriptEnabled: false,
    });
    await page.goto(known);
    const links = page.locator("nav.periods a");
    const count = await links.count();
    assert.equal(count, PERIODS.length);
    for (let place = 0; place < count; place++) {
      const name = await links.nth(place).innerText();
      const [response] = await Promise.all([
        page.waitForNavigation(),
        links.nth(place).click(),
      ]);
      assert.equal(response.status(), 200, name);
      // What is shown by itself needs no words.
      const query = place ? `\\?period=${PERIODS[place]}` : "\\?";
      assert.match(page.url(), new RegExp(`${query}$`));
      const current = page.locator("nav.periods [aria-current=page]");
      assert.deepEqual(await current.allInnerTexts(), [name]);
      const views = ["Yesterday", "Last month"].includes(name) ? 0 : 3;
      assert.equal(await numberOf(page, "#pageviews"), views, name);
    }
    await page.close();
  });

  test("an unknown site is 404 and an unknown period 400, as pages", async () => {
    const page = await browser.newPage(await dayfly.loggedIn());
    for (const [path, status, heading] of [
      ["/sites/unknown.example", 404, "No such site"],
      [`/sites/${SITE}?period=fortnight`, 400, "No such period"],
    ]) {
      const response = await page.goto(dayfly.dashboard + path);
      assert.equal(response.status(), status);
      assert.match(response.headers()["content-type"], /^text\/html/);
      assert.equal(await page.innerText("h1"), heading);
    }
    await page.close();
  });

  test("a path that is markup is shown as text", async () => {
    const { context, problems } = await watched(await dayfly.loggedIn());
    const page = await context.newPage();
    page.on("dialog", (dialog) => {
      problems.push(`dialog: ${dialog.message()}`);
      dialog.dismiss();
    });
    await page.goto(known);
    const labels = (await panel(page, "Pages")).map(([label]) => label);
    assert.ok(labels.includes(`/${SCRIPT}`), labels.join());
    await page.goto(`${known}?period=${encodeURIComponent(SCRIPT)}`);
    assert.match(await page.innerText("main"), /no such period/);
    assert.equal(await page.locator("main script").count(), 0);
    assert.deepEqual(problems, []);
    await context.close();
  });

  test("no page has an error or breaks its policy", async () => {
    const { context, problems } = await watched(await dayfly.loggedIn());
    const page = await context.newPage();
    for (const [url, status] of everyPage()) {
      const response = await page.goto(url);
      assert.equal(response.status(), status, url);
      const policy = response.headers()["content-security-policy"];
      assert.match(policy, /default-src 'none'/);
      assert.doesNotMatch(policy, /unsafe|\*/);
      assert.deepEqual(problems, [], url);
      // Everything the page asks for is its own.
      const foreign = await page.evaluate(() =>
        performance
          .getEntriesByType("resource")
          .map(({ name }) => name)
          .filter((name) => !name.startsWith(location.origin)),
      );
      assert.deepEqual(foreign, [], url);
    }
    // The watch would have seen it.
    await page.evaluate(() => document.body.setAttribute("style", "color:red"));
    await page.evaluate(() => {
      document.body.insertAdjacentHTML("beforeend", "<p style='color:red'>x");
    });
    await waitFor("the violation is noted", () => problems.length > 0);
    await context.close();
  });

  test("everything works without scripts", async () => {
    const context = await browser.newContext({
      javaScriptEnabled: false,
      ...(await dayfly.loggedIn()),
    });
    const page = await context.newPage();
    await page.goto(dayfly.dashboard);
    await page.click(`text=${SITE}`);
    assert.equal(await numberOf(page, "#pageviews"), 3);
    await page.click("text=30 days");
    assert.equal(await numberOf(page, "#pageviews"), 3);
    await page.click("text=As a table");
    assert.equal(await page.locator("details tbody tr").count(), 30);
    assert.ok(await page.locator("details tbody tr").last().isVisible());
    await page.click("text=All sites");
    assert.equal(page.url(), `${dayfly.dashboard}/`);
    await context.close();
  });

  test("nothing scrolls sideways at 360 px", async () => {
    const viewport = { width: 360, height: 740 };
    const page = await browser.newPage({
      viewport,
      ...(await dayfly.loggedIn()),
    });
    const tooWide = [];
    for (const [url] of everyPage()) {
      await page.goto(url);
      for (const summary of await page.locator("summary").all())
        await summary.click();
      const width = await page.evaluate(() =>
        Math.max(
          document.documentElement.scrollWidth,
          document.body.scrollWidth,
        ),
      );
      if (width > viewport.width) tooWide.push(`${url}: ${width} px`);
    }
    assert.deepEqual(tooWide, []);
    await page.close();
  });

  test("another Host than loopback is sent to HTTPS", async () => {
    const answerOf = (path, host) =>
      new Promise((resolve, reject) => {
        const options = { headers: { host } };
        get(dayfly.dashboard + path, options, (response) => {
          response.resume();
          resolve([response.statusCode, response.headers.location]);
        }).on("error", reject);
      });
    for (const path of ["/", `/sites/${SITE}`, "/assets/dayfly.css"])
      for (const host of ["evil.example", "127.0.0.1.evil.example"])
        assert.deepEqual(await answerOf(path, host), [
          308,
          `https://${host}${path}`,
        ]);
    assert.equal((await answerOf("/login", "localhost"))[0], 200);
  });
});

describe("crashes and restarts", () => {
  let dayfly, data;
  let sent = 0;

  before(async () => {
    data = temporaryFolder();
    // Page views of their own addresses: neither a bound of an address nor of a visitor is met.
    const more = { CLIENT_IP_HEADER: "X-Test-IP" };
    dayfly = await Dayfly.start({ data, site: SITE, more });
    await comesBack();
  });

  after(endAll);

  /** A page view of one and the same visitor. */
  const comesBack = () =>
    dayfly.beacon("/again", { headers: { "X-Test-IP": "192.0.2.1" } });

  /** A page view of a new visitor of a new page, so that every count must be 1. */
  const view = async () => {
    const number = ++sent;
    const path = `/view/${number}`;
    const ip = `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`;
    await dayfly.beacon(path, { headers: { "X-Test-IP": ip } });
    return path;
  };

  /** Sends page views, four at a time, until told to stop. */
  const traffic = () => {
    const yes = new Set();
    const unknown = new Set();
    let on = true;
    const one = async () => {
      while (on) {
        const path = `/view/${sent + 1}`;
        const answer = view();
        try {
          yes.add(await answer);
        } catch {
          unknown.add(path);
        }
        await delay(20); // The pace of the traffic.
      }
    };
    const all = Promise.all([one(), one(), one(), one()]);
    const more = (count) => {
      const until = yes.size + count;
      return waitFor(`${until} page views`, () => yes.size >= until, 30_000);
    };
    const stop = async () => {
      on = false;
      await all;
    };
    return { yes, unknown, more, stop };
  };

  /** Everything acknowledged is counted once, and nothing that was not sent. */
  const assertExact = async (yes, maybe = new Set()) => {
    const pages = await dayfly.settled();
    pages.delete("/again");
    for (const path of yes)
      assert.deepEqual(pages.get(path), [1, 1], `${path} was acknowledged`);
    for (const [path, counts] of pages) {
      assert.ok(yes.has(path) || maybe.has(path), `${path} was sent`);
      assert.deepEqual(counts, [1, 1], path);
    }
    return pages;
  };

  const counted = new Set();
  const maybe = new Set();

  test("kill -9 of the aggregator under traffic loses nothing", async (t) => {
    const { yes, unknown, more, stop } = traffic();
    for (let round = 0; round < 2; round++) {
      await more(30);
      const before = yes.size;
      await dayfly.crash("aggregator");
      await dayfly.answers("aggregator");
      t.diagnostic(`${yes.size - before} acknowledged while it was away`);
      await more(30);
    }
    await stop();
    assert.deepEqual([...unknown], [], "the edge answers all the time");
    yes.forEach((path) => counted.add(path));
    const pages = await assertExact(counted);
    assert.equal(pages.size, sent);
    const [[, views]] = await dayfly.query();
    assert.equal(views, sent + 1 + dayfly.marks, "with those beside them");
    t.diagnostic(`${sent} page views, all counted once`);
  });

  test("kill -9 of the edge right after it acknowledged loses nothing", async () => {
    for (let count = 0; count < 20; count++) counted.add(await view());
    await dayfly.crash("edge");
    await dayfly.answers("edge");
    for (let count = 0; count < 20; count++) counted.add(await view());
    const pages = await assertExact(counted);
    assert.equal(pages.size, sent);
  });

  test("kill -9 of the edge under traffic counts nothing twice", async (t) => {
    const { yes, unknown, more, stop } = traffic();
    for (let round = 0; round < 2; round++) {
      await more(30);
      await dayfly.crash("edge");
      await dayfly.answers("edge");
      await more(30);
    }
    await stop();
    yes.forEach((path) => counted.add(path));
    unknown.forEach((path) => maybe.add(path));
    const pages = await assertExact(counted, maybe);
    t.diagnostic(
      `${counted.size} acknowledged, ${unknown.size} without an answer, ${pages.size} counted`,
    );
  });

  test("a folder in use or a taken port is one line and exit 1", async () => {
    const [edgePort, dashboardPort] = await freePorts(2);
    const free = { site: SITE, edgePort, dashboardPort };
    const taken = createServer();
    const port = await listen(taken);
    const elsewhere = temporaryFolder();
    for (const [options, line] of [
      [{ ...free, data }, /^run: error: the data folder .* is in use by .*\n$/],
      [
        { ...free, data: elsewhere, edgePort: port },
        new RegExp(`^run: error: port ${port} is taken; .*EDGE_PORT=….*\\n$`),
      ],
      [
        { ...free, data: elsewhere, dashboardPort: port },
        new RegExp(
          `^run: error: port ${port} is taken; .*DASHBOARD_PORT=….*\\n$`,
        ),
      ],
      [
        { ...free, data: elsewhere, edgePort: "http" },
        /^run: error: .*port.*\n$/,
      ],
    ]) {
      const { code, stdout, stderr } = await refusedRun(options);
      assert.match(stderr, line);
      assert.equal(stdout, "");
      assert.equal(code, 1);
    }
    close(taken);
    assert.deepEqual(processesOf(elsewhere), []);
    // The one that runs has not noticed.
    await dayfly.answers("edge");
    await dayfly.answers("aggregator");
  });

  for (const group of [false, true])
    test(`SIGINT to ${group ? "the whole group, as Ctrl-C," : "scripts/run"} ends everything; starting again changes no number`, async (t) => {
      // Not waited for: what is acknowledged now waits at the edge while it is stopped.
      for (let count = 0; count < 20; count++) counted.add(await view());
      const { edgePort, dashboardPort } = dayfly;
      const { code, signal, ms } = await dayfly.stop("SIGINT", { group });
      assert.deepEqual({ code, signal }, { code: 0, signal: null });
      assert.match(dayfly.stdout, /^run: stopped\n$/m);
      assert.ok(ms < 10_000, `${ms} ms`);
      assert.deepEqual(processesOf(data), []);
      for (const port of [edgePort, dashboardPort])
        await assert.rejects(
          new Promise((resolve, reject) =>
            connect(port, "127.0.0.1")
              .on("connect", resolve)
              .on("error", reject),
          ),
          { code: "ECONNREFUSED" },
        );
      t.diagnostic(`stopped in ${Math.round(ms)} ms`);

      const { key, marks, more } = dayfly;
      dayfly = await Dayfly.start({ data, site: SITE, more });
      t.diagnostic(`started in ${Math.round(dayfly.startMs)} ms`);
      Object.assign(dayfly, { key, marks });
      assert.doesNotMatch(dayfly.stdout, /generating/);
      assert.match(
        dayfly.stdout,
        /^run: site: shop\.example is there already$/m,
      );
      const sites = await dayfly.cli("site", "list");
      assert.equal(sites.stdout, `${SITE}\tUTC\n`);
      const pages = await assertExact(counted, maybe);
      const [[, views]] = await dayfly.query();
      assert.equal(views, pages.size + 1 + dayfly.marks);
    });

  test(
    "a visitor who comes back after a restart is no new one, or the API says so",
    {},
    async () => {
      await comesBack();
      const [visitors, views] = (await dayfly.settled()).get("/again");
      assert.equal(views, 2);
      const { meta } = await dayfly.ask();
      if (!meta.metric_warnings?.visitors) assert.equal(visitors, 1);
    },
  );
});

describe("screenshots", () => {
  // One visitor each: an address, a browser, the pages of a visit.
  const DE = ["217.0.0.1", "217.0.1.1", "217.0.2.1", "217.0.3.1", "217.0.4.1"];
  const FR = ["194.2.0.1", "194.2.1.1", "2a01:e0a::1"];
  const US = ["8.8.8.8", "8.8.4.4"];
  const PAGES = [
    "/",
    "/pricing",
    "/blog/how-we-count-visitors-without-knowing-who-they-are",
    "/docs/install",
    "/docs/events",
    "/docs/api",
    "/about",
    "/contact",
    "/blog",
    "/jobs",
    "/imprint",
    "/produkte/für-städte",
  ];
  let dayfly;

  before(async () => {
    mkdirSync(ARTIFACTS, { recursive: true });
    const more = { CLIENT_IP_HEADER: "X-Test-IP" };
    dayfly = await Dayfly.start({ site: SITE, more });
    await dayfly.cli("site", "add", "new.example");
  });

  after(endAll);

  test("the countries of the visitors are counted", async () => {
    const addresses = [...DE, ...FR, ...US, "203.0.113.9"];
    for (const [number, ip] of addresses.entries())
      for (const agent of [CHROME, FIREFOX])
        for (const path of PAGES.slice(0, PAGES.length - number))
          await dayfly.beacon(path, { agent, headers: { "X-Test-IP": ip } });
    await dayfly.settled();
    const rows = await dayfly.query(["visit:country"]);
    const visitors = new Map(rows.map(([country, count]) => [country, count]));
    assert.equal(visitors.get("DE"), 2 * DE.length);
    assert.equal(visitors.get("FR"), 2 * FR.length);
    assert.equal(visitors.get("US"), 2 * US.length);
  });

  test("screenshots of every page, light and dark, 1440, 768 and 360 px", async () => {
    const url = dayfly.dashboard;
    for (const colorScheme of ["light", "dark"]) {
      const page = await browser.newPage({
        colorScheme,
        ...(await dayfly.loggedIn()),
      });
      for (const width of [1440, 768, 360]) {
        await page.setViewportSize({ width, height: 900 });
        for (const [name, path] of [
          ["overview", "/"],
          ["site", `/sites/${SITE}`],
          ["site-30d", `/sites/${SITE}?period=30d`],
          ["empty", "/sites/new.example"],
          ["nothing", `/sites/${SITE}?period=yesterday`],
          ["unknown", "/sites/unknown.example"],
        ]) {
          await page.goto(url + path);
          const file = `${name}-${colorScheme}-${width}.png`;
          const at = new URL(file, ARTIFACTS).pathname;
          await page.screenshot({ path: at, fullPage: true });
          if (name == "empty")
            assert.ok(
              (await page.innerText("pre")).includes(
                `<script defer data-domain="new.example" src="${dayfly.edge}/js/script.js"></script>`,
              ),
            );
        }
      }
      await page.close();
    }
  });
});
