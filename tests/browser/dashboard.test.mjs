// A site's page, as its owner uses it: filters, comparison, graph, lists, CSV, goals, funnels. Without
// scripts, because none is needed.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  awayFromMidnight,
  CHROME,
  Dayfly,
  endAll,
  execute,
  FIREFOX,
  launchChromium,
  ROOT,
  temporaryFolder,
} from "./support.mjs";

const SITE = "shop.example";
let browser, dayfly, context, page;

const text = async (selector) =>
  (await page.innerText(selector)).replaceAll("\u202f", "");

/** The rows of a panel. */
const panel = (id) =>
  page
    .locator(`#${id} tbody tr`)
    .evaluateAll((rows) =>
      rows.map((row) => [...row.cells].map((cell) => cell.innerText.trim())),
    );

const open = async (query = "") => {
  const response = await page.goto(`${dayfly.dashboard}/sites/${SITE}${query}`);
  assert.equal(response.status(), 200, await page.innerText("main"));
};

before(async () => {
  await awayFromMidnight(150_000);
  browser = await launchChromium();
  // Goals are made before the edge starts: it would learn of them within a minute only.
  const data = temporaryFolder();
  const program = join(
    process.env.CARGO_TARGET_DIR ?? join(ROOT, "target"),
    "debug/dayfly",
  );
  for (const words of [
    ["site", "add", SITE],
    ["goal", "add", SITE, "--event", "Signup"],
    ["goal", "add", SITE, "--page", "/pricing"],
    ["funnel", "add", SITE, "--name", "Buying", "2", "1"],
  ]) {
    const { code, stderr } = await execute(program, words, {
      DAYFLY_DATA: data,
    });
    assert.equal(code, 0, stderr);
  }
  dayfly = await Dayfly.start({ site: SITE, data });
  await dayfly.beacon("/");
  for (const agent of [FIREFOX, CHROME]) {
    await dayfly.beacon("/pricing?utm_source=Bing&utm_campaign=spring", {
      agent,
    });
    await dayfly.beacon("/docs", { agent });
  }
  await dayfly.beacon("/pricing", { agent: CHROME, name: "Signup" });
  await dayfly.settled();
  context = await browser.newContext({
    javaScriptEnabled: false,
    acceptDownloads: true,
    ...(await dayfly.loggedIn()),
  });
  page = await context.newPage();
});

after(async () => {
  await browser?.close();
  endAll();
});

describe("a site's page", () => {
  test("says what was counted, in numbers that agree", async () => {
    await open();
    assert.equal(await text("#visitors"), "2");
    // With the one that `settled` waits for.
    assert.equal(await text("#pageviews"), "6");
    const pages = await panel("pages");
    assert.deepEqual(
      new Set(pages.map(([name]) => name)),
      new Set(["/", "/pricing", "/docs", "/settled/1"]),
    );
    const views = pages.map(([, , views]) => Number(views));
    assert.equal(
      views.reduce((sum, n) => sum + n, 0),
      6,
    );
    assert.match(await text("#live"), /^[0-2]$/);
  });

  test("is filtered by a click, and the filter is taken off again", async () => {
    await open();
    await page.click("#pages >> text=/docs");
    assert.match(page.url(), /filter=is%2Cevent%3Apage%2C%2Fdocs/);
    assert.equal(await text(".chips"), "Page is /docs ×");
    assert.equal(await text("#pageviews"), "2");
    assert.deepEqual(await panel("devices"), [["Desktop", "2", "2"]]);
    await page.click(".chips a");
    assert.equal(await text("#pageviews"), "6");
  });

  test("is filtered by the form, also by a part of a value", async () => {
    await open("?period=7d");
    await page.click("summary:text('Filter')");
    await page.selectOption("select[name=dimension]", "visit:browser");
    await page.selectOption("select[name=op]", "contains");
    await page.fill("input[name=value]", "fire");
    await page.click("text=Add filter");
    assert.match(page.url(), /period=7d/);
    assert.match(await text(".chips"), /^Browser contains fire/);
    assert.equal(await text("#visitors"), "1");
    // Nothing that is typed is markup.
    await page.click("summary:text('Filter')");
    await page.selectOption("select[name=dimension]", "event:page");
    await page.fill("input[name=value]", "<b>x");
    await page.click("text=Add filter");
    assert.match(await text(".chips"), /Page is <b>x/);
    assert.match(
      await text("main"),
      /Nothing was counted in this period under these filters/,
    );
  });

  test("shows any metric in the graph, and compares", async () => {
    await open("?period=7d");
    await page.click("dl.headline >> text=Page views");
    assert.match(await text("figcaption"), /^Page views by day/);
    await page.click("summary:text('Compared with')");
    await page.click("text=No comparison");
    assert.equal(await page.locator("polyline").count(), 0);
    await page.click("summary:text('Compare')");
    await page.click("text=Year before");
    assert.match(await text("dl.headline"), /\+100%/);
    assert.equal(await page.locator("polyline").count(), 1);
  });

  test("shows any dates, and refuses those that are none", async () => {
    await open();
    await page.click("summary:text('Dates')");
    await page.fill("input[name=from]", "2026-01-01");
    await page.fill("input[name=to]", "2026-01-31");
    await page.click("text=Show");
    assert.match(await text(".range"), /2026-01-01 to 2026-01-31/);
    assert.equal(await text("#pageviews"), "0");
    for (const query of [
      "?from=2026-02-01&to=2026-01-01",
      "?filter=is,event:page",
      "?filter=is,time:day,x",
      "?metric=wealth",
      "?compare=never",
      "?page=0",
    ]) {
      const at = `${dayfly.dashboard}/sites/${SITE}${query}`;
      assert.equal((await page.goto(at)).status(), 400, query);
    }
  });

  test("tells goals with their rates, events, campaigns and funnels", async () => {
    await open();
    const goals = await panel("events");
    assert.deepEqual(
      new Set(goals.map((row) => row.join(" "))),
      new Set(["Visit /pricing 2 100%", "Signup 1 50%"]),
    );
    await page.click("#events nav >> text=Events");
    const events = await panel("events");
    assert.ok(
      events.some((row) => row.join(" ") == "Signup 1 1"),
      events.join("; "),
    );
    const campaigns = await panel("campaigns");
    assert.deepEqual(campaigns[0].slice(0, 1), ["None"]);
    assert.deepEqual(campaigns[1].slice(0, 2), ["spring", "1"]);
    const steps = page.locator("section", { hasText: "Funnel: Buying" });
    const lines = await steps.locator("tbody tr").allInnerTexts();
    assert.deepEqual(
      lines.map((line) => line.replaceAll(/\s+/g, " ").trim()),
      ["Visit /pricing 2 100%", "Signup 1 50%"],
    );
    await page.click("#events nav >> text=Goals");
    await page.click("#events >> text=Signup");
    assert.match(await text("dl.headline"), /Conversion rate\s+50%/);
  });

  test("has all of a list with search, pages and CSV", async () => {
    await page.goto(`${dayfly.dashboard}/sites/${SITE}/list/page`);
    assert.equal(await page.locator(".list tbody tr").count(), 4);
    await page.fill("input[type=search]", "PRI");
    await page.click("button:text('Search')");
    assert.equal(await page.locator(".list tbody tr").count(), 1);
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.click("text=CSV"),
    ]);
    const csv = await readFile(await download.path(), "utf8");
    const [header, line, end] = csv.split("\n");
    assert.equal(
      header,
      "page,visitors,visits,pageviews,bounce_rate,visit_duration",
    );
    assert.match(line, /^\/pricing,2,2,2,/);
    assert.equal(end, "");
    const nothing = `${dayfly.dashboard}/sites/${SITE}/list/secrets`;
    assert.equal((await page.goto(nothing)).status(), 404);
  });

  test("does not scroll sideways at 360 px, whatever is shown", async () => {
    const narrow = await browser.newPage({
      viewport: { width: 360, height: 740 },
      ...(await dayfly.loggedIn()),
    });
    for (const path of ["", "?period=30d&events=event", "/list/page"]) {
      await narrow.goto(`${dayfly.dashboard}/sites/${SITE}${path}`);
      const width = await narrow.evaluate(
        () => document.documentElement.scrollWidth,
      );
      assert.ok(width <= 360, `${path}: ${width}`);
    }
    await narrow.close();
  });
});
