// What scripts add to a site's page: it is filtered, compared and gone through without being loaded
// anew; the graph; the keyboard; what keeps itself true. And what is sent for all that. Screenshots
// are left in tests/artifacts/.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { get } from "node:http";
import {
  awayFromMidnight,
  CHROME,
  Dayfly,
  endAll,
  FIREFOX,
  launchChromium,
  waitFor,
} from "./support.mjs";

const SITE = "shop.example";
const ARTIFACTS = new URL("../artifacts/", import.meta.url);
const WIDTHS = [1440, 768, 360];

let browser, dayfly, page;

/** A page that is logged in. What it must not do is noted: errors, violations, other origins. */
const newPage = async (options = {}) => {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    ...(await dayfly.loggedIn()),
    ...options,
  });
  const page = await context.newPage();
  page.problems = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()))
      page.problems.push(message.text());
  });
  page.on("pageerror", (error) => page.problems.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith(`${dayfly.dashboard}/`))
      page.problems.push(`asked ${request.url()}`);
  });
  return page;
};

const open = async (query = "", site = SITE) => {
  await page.goto(`${dayfly.dashboard}/sites/${site}${query}`);
  // Gone as soon as the page is loaded anew.
  await page.evaluate(() => (window.stays = true));
};

const stays = () => page.evaluate(() => window.stays === true);

const text = async (selector) =>
  (await page.innerText(selector)).replaceAll("\u202f", "").trim();

/** Waits until an element says something. */
const says = (selector, pattern, timeoutMs) =>
  waitFor(
    `${selector} says ${pattern}`,
    async () => pattern.test(await text(selector)),
    timeoutMs,
  );

const goesTo = (pattern) =>
  waitFor(`goes to ${pattern}`, () => pattern.test(page.url()));

const shoot = async (name) => {
  const path = new URL(`scripts-${name}.png`, ARTIFACTS).pathname;
  await page.screenshot({ path, fullPage: true });
};

before(async () => {
  await awayFromMidnight(150_000);
  mkdirSync(ARTIFACTS, { recursive: true });
  browser = await launchChromium();
  dayfly = await Dayfly.start({ site: SITE });
  for (const site of ["new.example", "quiet.example"])
    assert.equal((await dayfly.cli("site", "add", site)).code, 0);
  await dayfly.beacon("/");
  for (const agent of [FIREFOX, CHROME]) {
    await dayfly.beacon("/pricing?utm_source=Bing&utm_campaign=spring", {
      agent,
    });
    await dayfly.beacon("/docs", { agent });
  }
  await dayfly.settled();
  page = await newPage();
});

after(async () => {
  await browser?.close();
  endAll();
});

describe("a site's page with scripts", () => {
  test("a click filters what is there; back and forward go through what was seen", async () => {
    await open("?period=7d");
    await page.click("#pages >> text=/docs");
    await says(".chips", /^Page is \/docs/);
    assert.match(page.url(), /period=7d&filter=is%2Cevent%3Apage%2C%2Fdocs$/);
    assert.equal(await text("#pageviews"), "2");
    assert.match(await text("body > [role=status]"), /: Visitors|: Daily/);
    await page.click("#devices >> text=Browsers");
    await says("#devices", /Firefox/);
    await page.goBack();
    await says("#devices", /Desktop/);
    await page.goBack();
    await says("#pageviews", /^6$/);
    assert.equal(await page.locator(".chips").count(), 0);
    assert.match(page.url(), /\?period=7d$/);
    await page.goForward();
    await says(".chips", /^Page is \/docs/);
    await page.click(".chips a");
    await says("#pageviews", /^6$/);
    assert.ok(await stays());
    // What a URL says is what the server shows for it.
    await page.reload();
    assert.equal(await text("#pageviews"), "6");
  });

  test("menus compare and filter, close, and leave the focus where it was", async () => {
    await open("?period=7d");
    await page.click("summary:text('Compared with')");
    await page.click("text=No comparison");
    await goesTo(/compare=off/);
    await says(".range", /Compare/);
    assert.equal(await page.locator("details.menu[open]").count(), 0);
    assert.equal(
      await page.evaluate(() => document.activeElement.tagName),
      "SUMMARY",
    );
    await page.click("summary:text('Filter')");
    await page.selectOption("select[name=dimension]", "visit:browser");
    await page.selectOption("select[name=op]", "contains");
    await page.fill("input[name=value]", "fire");
    await page.click("text=Add filter");
    await says(".chips", /^Browser contains fire/);
    assert.equal(await text("#visitors"), "1");
    await page.click("summary:text('Dates')");
    await page.fill("input[name=from]", "2026-01-01");
    await page.fill("input[name=to]", "2026-01-31");
    await page.click("text=Show");
    await says(".range", /2026-01-01 to 2026-01-31/);
    assert.match(await text(".chips"), /^Browser contains fire/);
    assert.ok(await stays());
  });

  test("keys choose the period, compare, filter and take filters off", async () => {
    await open();
    for (const [key, url] of [
      ["e", /\?period=yesterday$/],
      ["W", /\?period=7d$/],
      ["t", /\?period=30d$/],
      ["m", /\?period=month$/],
      ["y", /\?period=year$/],
      ["l", /\?period=12mo$/],
      ["a", /\?period=all$/],
      ["w", /\?period=7d$/],
      ["x", /\?period=7d&compare=off$/],
      ["x", /\?period=7d&compare=previous$/],
      ["d", /\?compare=previous$/],
    ]) {
      // A capital by the lock key; with Shift it is another.
      await page.evaluate(
        (key) =>
          document.body.dispatchEvent(
            new KeyboardEvent("keydown", { key, bubbles: true }),
          ),
        key,
      );
      await goesTo(url);
      await waitFor("it is there", () =>
        page.evaluate(() => !document.querySelector("[aria-busy=true]")),
      );
    }
    const before = page.url();
    await page.keyboard.press("Control+e");
    await page.keyboard.press("Shift+E");
    await page.keyboard.press("/");
    await page.selectOption("select[name=dimension]", "event:page");
    await page.focus("input[name=value]");
    await page.keyboard.type("/docs");
    assert.equal(await page.inputValue("input[name=value]"), "/docs");
    assert.equal(page.url(), before);
    await page.keyboard.press("Escape");
    assert.equal(await page.locator("details.menu[open]").count(), 0);
    await page.keyboard.press("/");
    await page.focus("input[name=value]");
    await page.keyboard.press("Enter");
    await says(".chips", /^Page is \/docs/);
    await page.keyboard.press("Escape");
    await waitFor("no filter", async () => !(await page.$(".chips")));
    await page.keyboard.press("c");
    assert.equal(
      await page.evaluate(() => document.activeElement.name),
      "from",
    );
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    const dialog = page.getByRole("dialog", { name: "Keys" });
    assert.match(await dialog.innerText(), /W\s+7 days[\s\S]*X\s+/);
    await shoot("keys");
    await page.keyboard.press("Escape");
    await waitFor("the dialog is closed", () => dialog.isHidden());
    await page.click("text=Keys (?)");
    await dialog.getByRole("button", { name: "Close" }).click();
    await waitFor("the dialog is closed", () => dialog.isHidden());
    assert.ok(await stays());
  });

  test("the graph tells what is pointed at, and follows metric, width and colours", async () => {
    await open("?period=7d&compare=previous");
    assert.ok(await page.isVisible("#graph canvas"));
    assert.ok(await page.isHidden("figure .plot"));
    const over = await page.locator(".u-over").boundingBox();
    await page.mouse.move(over.x + over.width - 20, over.y + 60);
    const today = new Date().toISOString().slice(0, 10);
    await says(
      ".tip",
      new RegExp(`^${today}, not over yet\\s+2\\s+before: 0$`),
    );
    await shoot("hover");
    await page.click("dl.headline >> text=Page views");
    await says("figcaption", /^Page views by day/);
    await page.hover(".u-over", { position: { x: over.width - 40, y: 60 } });
    await says(".tip", /not over yet\s+6\s+before: 0$/);
    const drawn = () =>
      page.evaluate(() => document.querySelector("#graph canvas").toDataURL());
    await page.mouse.move(0, 0);
    const light = await drawn();
    await page.emulateMedia({ colorScheme: "dark" });
    await waitFor("other colours", async () => (await drawn()) != light);
    await page.setViewportSize({ width: 360, height: 740 });
    await waitFor("it is narrow", async () => {
      const { width } = await page.locator("#graph canvas").boundingBox();
      return width < 340;
    });
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize({ width: 1440, height: 900 });
    // Nothing to draw, then something again.
    await page.keyboard.press("e");
    await waitFor("no graph", async () => !(await page.$("#graph")));
    await page.keyboard.press("d");
    await page.waitForSelector("#graph canvas");
    assert.ok(await stays());
  });

  test("a list is searched and gone through in place", async () => {
    await open("", SITE);
    await page.goto(`${dayfly.dashboard}/sites/${SITE}/list/page?page=1`);
    await page.evaluate(() => (window.stays = true));
    await page.keyboard.press("/");
    await page.keyboard.type("doc");
    await page.keyboard.press("Enter");
    await says(".pages", /^1 in all$/);
    assert.match(page.url(), /\/list\/page\?search=doc$/);
    assert.equal(
      await page.evaluate(() => document.activeElement.id),
      "search",
    );
    assert.ok(await stays());
  });

  test("who is there and what was counted keep up, and disturb nobody", async () => {
    await page.clock.install();
    await open();
    const before = Number(await text("#pageviews"));
    await page.click("summary:text('Filter')");
    await page.fill("input[name=value]", "half typed");
    await dayfly.beacon("/late", { agent: CHROME });
    await dayfly.settled();
    await page.clock.fastForward(31_000);
    await says("#live", /^[12]$/);
    await page.clock.fastForward(31_000);
    await says("#pageviews", new RegExp(`^${before + 2}$`));
    assert.equal(await page.inputValue("input[name=value]"), "half typed");
    assert.equal(
      await page.evaluate(() => document.activeElement.name),
      "value",
    );
    assert.ok(await stays());
    await page.context().close();
    page = await newPage();
  });

  test("a new site's page changes by itself when the first page view is there", async () => {
    await open("", "new.example");
    assert.match(await text("main"), /Count the first page view/);
    await dayfly.beacon("/first", { site: "new.example" });
    await says("main", /Visitors[\s\S]*\/first/, 20_000);
    assert.ok(await page.isVisible("#graph canvas"));
    assert.ok(await stays());
  });

  test("a log-in that has ended leads to the log-in; a server that is away is told", async () => {
    const other = await newPage();
    await other.goto(`${dayfly.dashboard}/sites/${SITE}`);
    await other.route("**/sites/**", (route) => route.abort());
    await other.click("text=7 days");
    await other.getByRole("alert").filter({ hasText: "reached" }).waitFor();
    assert.ok(await other.isVisible("#pageviews"));
    await other.unroute("**/sites/**");
    await other.click("text=7 days");
    await other.waitForURL(/period=7d/);
    await other.context().clearCookies();
    await other.click("text=30 days");
    await other.waitForURL(/\/login\?next=.*30d/);
    await other.context().close();
  });

  test("nothing was complained about, asked elsewhere or scrolls sideways", async () => {
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 800 });
        await open("?period=7d&metric=pageviews");
        await page.waitForSelector("#graph canvas");
        await shoot(`site-${colorScheme}-${width}`);
        const wide = await page.evaluate(
          () => document.documentElement.scrollWidth,
        );
        assert.ok(wide <= width, `${wide} px at ${width}`);
      }
    }
    assert.deepEqual(page.problems, []);
  });
});

describe("what is sent", () => {
  /** An answer as it is on the wire. */
  const wire = async (path, accept) => {
    const { cookies } = (await dayfly.loggedIn()).storageState;
    const headers = {
      cookie: `${cookies[0].name}=${cookies[0].value}`,
      "accept-encoding": accept,
      accept: "text/html",
    };
    return await new Promise((resolve, reject) =>
      get(`${dayfly.dashboard}${path}`, { headers }, (answer) => {
        const parts = [];
        answer.on("data", (part) => parts.push(part));
        answer.on("end", () =>
          resolve({
            headers: answer.headers,
            status: answer.statusCode,
            bytes: Buffer.concat(parts),
          }),
        );
      }).on("error", reject),
    );
  };

  test("the page and all it loads are small, and what it loads is kept for good", async () => {
    const { headers, bytes } = await wire(`/sites/${SITE}`, "gzip");
    assert.equal(headers["content-encoding"], "gzip");
    assert.equal(headers["cache-control"], "no-store");
    assert.ok(bytes.length <= 60_000, `${bytes.length}`);
    const html = gunzipSync(bytes).toString();
    const paths = [...html.matchAll(/"(\/assets\/[^"]+)"/g)].map(
      ([, it]) => it,
    );
    assert.ok(new Set(paths).size >= 3, paths.join());
    let sum = 0;
    for (const path of new Set(paths)) {
      const packed = await wire(path, "gzip");
      sum += packed.bytes.length;
      assert.equal(
        packed.headers["cache-control"],
        "public, max-age=31536000, immutable",
      );
      const kind = path.split(".").at(-1);
      const types = { css: /^text\/css/, js: /^text\/javascript/, svg: /svg/ };
      assert.match(packed.headers["content-type"], types[kind]);
      const smaller = await wire(path, "gzip, br");
      assert.equal(smaller.headers["content-encoding"], "br");
      assert.ok(smaller.bytes.length < packed.bytes.length);
    }
    assert.ok(sum <= 60_000, `${sum}`);
    assert.equal(
      (await wire("/assets/site.000000000000.js", "gzip")).status,
      404,
    );
  });

  test("the largest thing is painted within a second, and nothing jumps", async () => {
    const fresh = await newPage();
    await fresh.goto(`${dayfly.dashboard}/sites/${SITE}?period=30d`, {
      waitUntil: "networkidle",
    });
    await fresh.waitForSelector("#graph canvas");
    const { paintMs, shift } = await fresh.evaluate(
      () =>
        new Promise((resolve) => {
          const seen = { paintMs: 0, shift: 0 };
          new PerformanceObserver((list) => {
            for (const entry of list.getEntries())
              seen.paintMs = Math.max(seen.paintMs, entry.startTime);
          }).observe({ type: "largest-contentful-paint", buffered: true });
          new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) seen.shift += entry.value;
          }).observe({ type: "layout-shift", buffered: true });
          setTimeout(() => resolve(seen), 500);
        }),
    );
    assert.ok(paintMs > 0 && paintMs < 1_000, `${paintMs} ms`);
    assert.ok(shift < 0.1, `${shift}`);
    assert.deepEqual(fresh.problems, []);
    await fresh.context().close();
  });
});

describe("without scripts", () => {
  test("the drawing is there, links load pages, and a new site's page asks again", async () => {
    const plain = await newPage({ javaScriptEnabled: false });
    await plain.goto(`${dayfly.dashboard}/sites/${SITE}`);
    assert.ok(await plain.isVisible("figure .plot svg"));
    assert.ok(await plain.isHidden("#graph"));
    await plain.click("text=7 days");
    assert.match(plain.url(), /period=7d$/);
    const refresh = plain.locator("meta[http-equiv=refresh]");
    assert.equal(await refresh.count(), 0);
    await plain.goto(`${dayfly.dashboard}/sites/quiet.example`);
    assert.equal(await refresh.getAttribute("content"), "10");
    assert.deepEqual(plain.problems, []);
    await plain.context().close();
  });
});
