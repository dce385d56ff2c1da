// The map of the world, properties and revenue on a site's page, without scripts and with them.
// Screenshots are left in tests/artifacts/.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import {
  awayFromMidnight,
  Dayfly,
  endAll,
  launchChromium,
  waitFor,
} from "./support.mjs";
import { addWorld, COUNTRIES, DAYS } from "./world.mjs";

const SITE = "world.example";
const ARTIFACTS = new URL("../artifacts/", import.meta.url);

let browser, dayfly, page;

/** A page that is logged in; errors of scripts and of the policy of content are noted. */
const newPage = async (options = {}) => {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    javaScriptEnabled: false,
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
  return page;
};

const open = (query = "", on = page) =>
  on.goto(`${dayfly.dashboard}/sites/${SITE}?period=7d${query}`);

const text = async (selector, on = page) =>
  (await on.innerText(selector)).replaceAll("\u202f", " ").trim();

const rows = (id, on = page) =>
  on
    .locator(`#${id} tbody tr`)
    .evaluateAll((rows) =>
      rows.map((row) => [...row.cells].map((cell) => cell.innerText.trim())),
    );

/** Screenshots of a page in every width and colour scheme; nothing scrolls sideways. */
const shoot = async (on, name, selector) => {
  for (const colorScheme of ["light", "dark"]) {
    await on.emulateMedia({ colorScheme });
    for (const width of [1440, 768, 360]) {
      await on.setViewportSize({ width, height: 800 });
      const file = `panels-${name}-${colorScheme}-${width}.png`;
      const path = new URL(file, ARTIFACTS).pathname;
      if (selector) await on.locator(selector).screenshot({ path });
      else await on.screenshot({ path, fullPage: true });
      const wide = await on.evaluate(
        () => document.documentElement.scrollWidth,
      );
      assert.ok(wide <= width, `${name}: ${wide} px at ${width}`);
    }
  }
  await on.emulateMedia({ colorScheme: "light" });
  await on.setViewportSize({ width: 1440, height: 900 });
};

before(async () => {
  await awayFromMidnight(150_000);
  mkdirSync(ARTIFACTS, { recursive: true });
  browser = await launchChromium();
  dayfly = await Dayfly.start({ site: "shop.example" });
  await addWorld(dayfly, SITE);
  page = await newPage();
});

after(async () => {
  await browser?.close();
  endAll();
});

describe("the map", () => {
  const link = (name, on = page) =>
    on.locator("#countries").getByRole("link", { name, exact: true });

  test("shows every country with its visitors, and names what it lacks", async () => {
    await open();
    for (const [name, code] of [
      ["Germany", "DE"],
      ["Taiwan", "TW"],
      ["Kosovo", "XK"],
      ["Malta", "MT"],
      ["Réunion", "RE"],
    ]) {
      const visitors = COUNTRIES[code] * DAYS;
      assert.equal(
        await link(`${name}: ${visitors} visitors`).count(),
        1,
        name,
      );
    }
    assert.equal(
      await text(".map figcaption p"),
      "Not on the map: Antarctica 3",
    );
    assert.match(await text(".legend"), /^3[\s\S]*–180$/);
    assert.deepEqual((await rows("countries"))[0], ["Germany", "180", "180"]);
    await shoot(page, "site");
    await shoot(page, "map", "#countries");
  });

  test("is darker where more come from", async () => {
    await open();
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      const opacity = (name) =>
        link(name)
          .locator("path")
          .evaluate((path) => Number(getComputedStyle(path).fillOpacity));
      assert.equal(await opacity("Germany: 180 visitors"), 1);
      assert.ok((await opacity("United States: 72 visitors")) < 1);
      assert.ok((await opacity("Kosovo: 3 visitors")) < 0.3);
    }
    await page.emulateMedia({ colorScheme: "light" });
  });

  test("filters by a click and by the keyboard, and is left for the list", async () => {
    await open();
    await link("Brazil: 21 visitors").click();
    assert.match(page.url(), /filter=is%2Cvisit%3Acountry%2CBR/);
    assert.equal(await text("#visitors"), "21");
    assert.equal(await page.locator("#countries .map a").count(), 1);
    await page.click(".chips a");
    await link("Malta: 6 visitors").focus();
    const stroke = await link("Malta: 6 visitors")
      .locator("circle")
      .evaluate((it) => getComputedStyle(it).stroke);
    await page.mouse.move(0, 0);
    assert.equal(stroke, "rgb(27, 34, 48)");
    await page.keyboard.press("Enter");
    await page.waitForURL(/country%2CMT/);
    assert.equal(await text("#visitors"), "6");
    await open();
    await page.click("#countries nav >> text=Countries");
    assert.match(page.url(), /countries=country/);
    assert.equal(await page.locator(".map").count(), 0);
    assert.equal((await rows("countries")).length, 10);
    await page.click("#countries >> text=All of them");
    assert.equal(await text("h1"), "Countries");
  });

  test("filters in place where there are scripts", async () => {
    const scripted = await newPage({ javaScriptEnabled: true });
    await open("", scripted);
    await scripted.evaluate(() => (window.stays = true));
    await link("Australia: 12 visitors", scripted).click();
    await waitFor(
      "it is filtered",
      async () => (await text(".chips", scripted)) == "Country is Australia ×",
    );
    assert.match(scripted.url(), /filter=is%2Cvisit%3Acountry%2CAU/);
    assert.ok(await scripted.evaluate(() => window.stays === true));
    await scripted.goBack();
    await waitFor(
      "no filter",
      async () => (await scripted.locator(".chips").count()) == 0,
    );
    assert.equal(await link("Australia: 12 visitors", scripted).count(), 1);
    assert.ok(await scripted.evaluate(() => window.stays === true));
    assert.deepEqual(scripted.problems, []);
    await scripted.context().close();
  });

  test("tells a guest what the list tells, and leads nowhere", async () => {
    await dayfly.cli("share", "public", SITE, "on");
    const guest = await newPage({ storageState: undefined });
    await guest.goto(`${dayfly.dashboard}/public/${SITE}?period=7d`);
    assert.equal(await guest.locator(".map a").count(), 0);
    const titles = await guest
      .locator(".map title")
      .evaluateAll((all) => all.map((title) => title.textContent));
    assert.ok(titles.includes("Germany: 180 visitors"), titles.join());
    for (const title of titles)
      assert.ok(Number(/: (\d+)/.exec(title)[1]) >= 5 * DAYS, title);
    assert.match(await text(".map figcaption p", guest), /\(other\)/);
    assert.equal(await guest.locator("#properties").count(), 0);
    await shoot(guest, "guest", "#countries");
    await guest.context().close();
  });
});

describe("properties", () => {
  test("are lists of their values, which filter", async () => {
    await open();
    assert.deepEqual((await text("#properties nav")).split(/\s+/), [
      "plan",
      "team",
    ]);
    assert.equal((await rows("properties"))[0][0], "pro");
    await page.click("#properties nav >> text=team");
    assert.match(page.url(), /properties=team/);
    assert.deepEqual(
      (await rows("properties")).map(([name]) => name),
      ["big", "small"],
    );
    await page.click("#properties >> text=small");
    assert.match(await text(".chips"), /^Property team is small/);
  });

  test("tell the conversion rate under a goal", async () => {
    await open("&filter=is,event:goal,Order");
    assert.match(await text("#properties thead"), /Visitors\s+Events\s+Rate/);
    assert.deepEqual((await rows("properties"))[0].slice(0, 1), ["pro"]);
  });

  test("have all of a list with search and CSV", async () => {
    await page.goto(
      `${dayfly.dashboard}/sites/${SITE}/list/property?period=7d&properties=plan`,
    );
    assert.equal(await text("h1"), "Property plan");
    assert.equal(await page.locator(".list tbody tr").count(), 4);
    await page.fill("input[type=search]", "ENT");
    await page.click("button:text('Search')");
    assert.equal(await page.locator(".list tbody tr").count(), 1);
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.click("text=CSV"),
    ]);
    const csv = await readFile(await download.path(), "utf8");
    assert.match(csv, /^plan,visitors,events\nenterprise,/);
  });

  test("are chosen from a menu when there are many, also with scripts", async () => {
    const props = Object.fromEntries(
      Array.from({ length: 8 }, (_, n) => [`key ${n}`, `value of ${n}`]),
    );
    const event = { n: "Many", u: `https://${SITE}/`, d: SITE, p: props };
    await waitFor(
      "the edge knows the site",
      async () => {
        const answer = await fetch(`${dayfly.edge}/api/event`, {
          method: "POST",
          headers: {
            "content-type": "text/plain",
            "user-agent":
              "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
          },
          body: JSON.stringify(event),
        });
        return !answer.headers.get("x-dayfly-dropped");
      },
      70_000,
    );
    await waitFor("it is counted", async () => {
      await open();
      return await page.locator("#properties select").count();
    });
    await page.selectOption("#properties select", "key 5");
    await page.click("#properties button");
    assert.match(page.url(), /period=7d.*properties=key\+5/);
    assert.equal((await rows("properties"))[0][0], "value of 5");
    await shoot(page, "properties", "#properties");
    const scripted = await newPage({ javaScriptEnabled: true });
    await open("", scripted);
    await scripted.evaluate(() => (window.stays = true));
    await scripted.selectOption("#properties select", "key 3");
    await scripted.click("#properties button");
    await waitFor("it is there", async () =>
      /value of 3/.test(await text("#properties", scripted)),
    );
    assert.ok(await scripted.evaluate(() => window.stays === true));
    assert.deepEqual(scripted.problems, []);
    await scripted.context().close();
  });
});

describe("goals and the graph", () => {
  test("goals tell their rate and what they brought in", async () => {
    await open();
    const [signup, order] = await rows("events");
    assert.equal(signup[0], "Signup");
    assert.match(signup[2], /%$/);
    assert.equal(order[0], "Order");
    assert.match(order[3], /^€\d+\.\dK$/);
    await shoot(page, "goals", "#events");
  });

  test("the last name of the graph's axis is whole", async () => {
    const scripted = await newPage({ javaScriptEnabled: true });
    const day = (back) =>
      new Date(Date.now() - back * 86_400_000).toISOString().slice(0, 10);
    // So many that there is a name below the last one.
    for (const days of [92, 85, 29])
      for (const width of [1440, 768, 360]) {
        await scripted.setViewportSize({ width, height: 800 });
        const range = `from=${day(days - 1)}&to=${day(0)}`;
        await scripted.goto(
          `${dayfly.dashboard}/sites/${SITE}?${range}&compare=off`,
        );
        await scripted.waitForSelector("#graph canvas");
        const path = new URL(`panels-axis-${days}-${width}.png`, ARTIFACTS);
        await scripted
          .locator("figure.chart")
          .screenshot({ path: path.pathname });
        const inked = await scripted.evaluate(() => {
          const canvas = document.querySelector("#graph canvas");
          const [edge, axis] = [2, 26].map((px) => px * devicePixelRatio);
          const { data } = canvas
            .getContext("2d")
            .getImageData(
              canvas.width - edge,
              canvas.height - axis,
              edge,
              axis,
            );
          return data.some((byte, at) => at % 4 == 3 && byte > 0);
        });
        assert.ok(!inked, `${days} days at ${width} px`);
      }
    await scripted.context().close();
  });
});
