// One story from the link that the server prints to the site that is deleted, as its owner lives it:
// at three widths with scripts, and once without. Each step leaves a screenshot in tests/artifacts/,
// and nothing scrolls sideways or is refused by the page's own policy.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import {
  awayFromMidnight,
  CHROME,
  Dayfly,
  endAll,
  FIREFOX,
  launchChromium,
  PASSWORD,
  waitFor,
} from "./support.mjs";

const SITE = "shop.example";
const SECRET = "open sesame, please";
const ARTIFACTS = new URL("../artifacts/", import.meta.url);

let browser;

before(async () => {
  mkdirSync(ARTIFACTS, { recursive: true });
  browser = await launchChromium();
});

after(async () => {
  await browser?.close();
  endAll();
});

/** A browser of its own, whose page notes errors and violations of the policy. */
const pageOf = async ({ width, colorScheme, scripts }) => {
  const context = await browser.newContext({
    viewport: { width, height: 800 },
    colorScheme,
    javaScriptEnabled: scripts,
  });
  const page = await context.newPage();
  page.problems = [];
  page.on("console", (message) => {
    // Chromium also reports the status of the pages that are meant to refuse.
    if (message.type() == "error" && !/status of 4\d\d /.test(message.text()))
      page.problems.push(message.text());
  });
  page.on("pageerror", (error) => page.problems.push(String(error)));
  return page;
};

const text = async (page, selector) =>
  (await page.innerText(selector)).replaceAll("\u202f", "").trim();

/** Waits until an element says something. */
const says = (page, selector, pattern, timeoutMs) =>
  waitFor(
    `${selector} says ${pattern}`,
    async () => pattern.test(await text(page, selector)),
    timeoutMs,
  );

const press = (page, name) =>
  Promise.all([
    page.waitForNavigation(),
    page.getByRole("button", { name, exact: true }).click(),
  ]);

/** Goes to one of the site's settings by the navigation, which is a menu where there is little room. */
const subject = async (page, name) => {
  await page.getByRole("link", { name: "Settings", exact: true }).click();
  await page.waitForURL(/\/settings\//);
  const menu = page.locator("nav.subjects summary");
  if (await menu.isVisible()) await menu.click();
  await page.locator("nav.subjects a:visible", { hasText: name }).click();
  await waitFor(name, async () => (await text(page, "h1")) == name);
};

for (const variant of [
  { width: 1440, colorScheme: "light", scripts: true },
  { width: 768, colorScheme: "dark", scripts: true },
  { width: 360, colorScheme: "light", scripts: true },
  { width: 360, colorScheme: "dark", scripts: false },
]) {
  const { width, scripts } = variant;
  const title = `${width} px, ${scripts ? "with" : "without"} scripts`;
  describe(`the story at ${title}`, () => {
    let dayfly, page, guest, shared;
    let steps = 0;

    const shoot = async (name, of = page) => {
      steps += 1;
      const number = String(steps).padStart(2, "0");
      const file = `story-${width}${scripts ? "" : "-plain"}-${number}-${name}.png`;
      const path = new URL(file, ARTIFACTS).pathname;
      await of.screenshot({ path, fullPage: true });
      const wide = await of.evaluate(
        () => document.documentElement.scrollWidth,
      );
      assert.ok(wide <= width, `${name}: ${wide} px`);
      assert.deepEqual(of.problems, [], name);
    };

    before(async () => {
      await awayFromMidnight(150_000);
      // The server has another site, so that this one is added by its owner.
      dayfly = await Dayfly.start({ site: "other.example" });
      page = await pageOf(variant);
      guest = await pageOf(variant);
    });

    after(endAll);

    test("signs up by the link that was printed", async () => {
      const [, link] = dayfly.stdout.match(/^ +(http\S+\/welcome\/\S+)$/m);
      await page.goto(link);
      await shoot("welcome");
      await page.getByLabel("Mail address").fill("ada@example.com");
      await page.getByLabel("Your name").fill("Ada");
      await page.getByLabel("Password").fill(PASSWORD);
      await press(page, "Make the account");
      assert.equal(page.url(), `${dayfly.dashboard}/`);
      await shoot("overview");
    });

    test("adds a site and gets the line for its pages", async () => {
      await page.getByRole("link", { name: "Add a site" }).click();
      await page.getByLabel("Domain").fill(SITE);
      await page.getByLabel("Time zone").fill("UTC");
      await shoot("add-site");
      await press(page, "Add the site");
      assert.match(await text(page, "main"), /The site is added\./);
      assert.match(await text(page, "pre.line"), /data-domain="shop\.example"/);
      await shoot("snippet");
    });

    test("sees the first page view arrive", async () => {
      await page.goto(`${dayfly.dashboard}/sites/${SITE}`);
      assert.match(await text(page, "main"), /Count the first page view/);
      await shoot("waiting");
      if (scripts) await page.evaluate(() => (window.stays = true));
      await waitFor(
        "the edge knows the site",
        () => dayfly.beacon("/", { site: SITE }).then(() => true),
        20_000,
      );
      // Nobody does anything: a script asks, or the page is loaded again by itself.
      await says(page, "#pageviews", /^1$/, 30_000);
      if (scripts)
        assert.ok(
          await page.evaluate(() => window.stays),
          "it was not loaded again",
        );
      await shoot("first-view");
    });

    test("filters, and keeps the filter as a segment", async () => {
      for (const agent of [FIREFOX, CHROME]) {
        const options = { site: SITE, agent };
        await dayfly.beacon("/pricing?utm_source=Bing", options);
        await dayfly.beacon("/docs", options);
      }
      await dayfly.settled(SITE);
      await page.goto(`${dayfly.dashboard}/sites/${SITE}`);
      await says(page, "#pageviews", /^6$/);
      await page.click("#pages >> text=/pricing");
      await says(page, ".chips", /^Page is \/pricing ×$/);
      assert.equal(await text(page, "#pageviews"), "2");
      await shoot("filtered");
      await page.click("summary:text-is('Segments')");
      const menu = page.locator("details.menu[open]");
      await menu.getByLabel("Name").fill("Considering <b>");
      await menu.getByLabel("For").selectOption("members");
      await shoot("segment-menu");
      await press(page, "Save as segment");
      assert.match(page.url(), /\?segment=\d+$/);
      assert.equal(await text(page, ".chips"), "Segment: Considering <b> ×");
      assert.equal(await text(page, "#pageviews"), "2");
      // Beside another filter.
      await page.click("#sources >> text=Bing");
      await says(page, ".chips", /Segment: Considering <b> ×\s+Source is Bing/);
      assert.match(page.url(), /segment=\d+&filter=is%2Cvisit%3Asource%2CBing/);
      await shoot("segment");
      await page.click("summary:text-is('Segments')");
      await page.click("text=All segments");
      await page.waitForURL(/\/segments\?/);
      await page.click("summary:has-text('Change')");
      await shoot("segments");
      await page.getByLabel("Name").first().fill("Considering");
      await press(page, "Rename");
      assert.match(await text(page, "main"), /The segment has another name\./);
      await page.locator(".lines a", { hasText: "Considering" }).click();
      await says(page, ".chips", /^Segment: Considering ×$/);
      await page.click(".chips a");
      await says(page, "#pageviews", /^6$/);
    });

    test("compares", async () => {
      await page.click("summary:text-is('Compare')");
      await shoot("compare-menu");
      await page.click("text=Previous period");
      await says(page, ".range", /Compared with \d{4}-\d\d-\d\d/);
      assert.match(page.url(), /compare=previous/);
      await shoot("compared");
    });

    test(`changes the range ${scripts ? "with a key" : "by a link"}`, async () => {
      if (scripts) await page.keyboard.press("w");
      else await page.click("nav.periods >> text=7 days");
      await says(page, "nav.periods [aria-current]", /^7 days$/);
      assert.match(page.url(), /period=7d/);
      assert.equal(await text(page, "#pageviews"), "6");
      await shoot("week");
      // No menu reaches beyond the page, whatever stands beside it.
      for (const wide of [360, 480, 600, 730, 740, 800, 900, 1100]) {
        await page.setViewportSize({ width: wide, height: 800 });
        for (const name of ["Dates", "Filter", "Segments", "Compared with"]) {
          const summary = page.locator("details.menu > summary", {
            hasText: name,
          });
          await summary.click();
          const menu = page.locator("details.menu[open] > :last-child");
          const { x, width } = await menu.boundingBox();
          assert.ok(x >= 0 && x + width <= wide, `${name} at ${wide} px`);
          await summary.click();
        }
      }
      await page.setViewportSize({ width, height: 800 });
    });

    test("shares it by a link with a password", async () => {
      await subject(page, "Sharing");
      const make = page.locator("[aria-labelledby=of-make]");
      await make.getByLabel("Name").fill("For Bob");
      await make.getByLabel("Fewest visitors").fill("1");
      await make.getByLabel("Password").fill(SECRET);
      await press(page, "Make the link");
      shared = await text(page, "#made");
      await shoot("shared");
      await guest.goto(shared);
      await shoot("password", guest);
      await guest.getByLabel("Password").fill(SECRET);
      await press(guest, "Show the numbers");
      assert.equal(await text(guest, "#pageviews"), "6");
      assert.doesNotMatch(await text(guest, "main"), /Segments|Considering/);
      await shoot("guest", guest);
    });

    test("revokes the link, which is dead at once", async () => {
      await page.goto(`${dayfly.dashboard}/sites/${SITE}/settings/sharing`);
      await press(page, "Revoke the link For Bob");
      assert.equal((await guest.reload()).status(), 404);
      assert.equal((await guest.goto(shared)).status(), 404);
      assert.equal(await text(guest, "h1"), "Nothing here");
      await shoot("revoked", guest);
    });

    test("deletes the site when its name is typed", async () => {
      await page.goto(`${dayfly.dashboard}/sites/${SITE}`);
      await subject(page, "Delete the site");
      const confirm = page.getByLabel(`To confirm, type ${SITE}`);
      await confirm.fill("shop");
      await press(page, "Delete the site for good");
      assert.match(
        await text(page, "[role=alert]"),
        /^Confirmation: type the site’s domain\.$/,
      );
      await shoot("not-confirmed");
      await confirm.fill(SITE);
      await press(page, "Delete the site for good");
      assert.equal(await text(page, "h1"), "The site is deleted");
      await shoot("deleted");
      const gone = await page.goto(`${dayfly.dashboard}/sites/${SITE}`);
      assert.equal(gone.status(), 404);
      await page.goto(dayfly.dashboard);
      assert.deepEqual(await page.locator(".sites strong").allInnerTexts(), [
        "other.example",
      ]);
    });
  });
}
