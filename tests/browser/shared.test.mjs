// Numbers for who has no account: a link with a password, opened in another browser, until it is revoked;
// the view for everybody, also as a part of another site's page. Screenshots are left in tests/artifacts/.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  awayFromMidnight,
  close,
  Dayfly,
  endAll,
  launchChromium,
  listen,
  temporaryFolder,
} from "./support.mjs";

const SITE = "shop.example";
const SECRET = "open sesame, please";
const ARTIFACTS = new URL("../artifacts/", import.meta.url);

let browser, dayfly, owner, guest, other, otherOrigin;
/** What the other site's page holds. */
let framed = "";

/** A page without scripts of its own, whose errors are noted. */
const pageOf = async (options = {}) => {
  const context = await browser.newContext({
    javaScriptEnabled: false,
    ...options,
  });
  const page = await context.newPage();
  page.problems = [];
  page.on("console", (message) => {
    if (message.type() == "error" && !/status of 4\d\d /.test(message.text()))
      page.problems.push(message.text());
  });
  return page;
};

/** Screenshots of what a page shows, light and dark, wide and narrow; nothing scrolls sideways. */
const shoot = async (page, name) => {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const width of [1440, 360]) {
      await page.setViewportSize({ width, height: 800 });
      const file = `shared-${name}-${colorScheme}-${width}.png`;
      const path = new URL(file, ARTIFACTS).pathname;
      await page.screenshot({ path, fullPage: true });
      const wide = await page.evaluate(
        () => document.documentElement.scrollWidth,
      );
      assert.ok(wide <= width, `${name}: ${wide} px at ${width}`);
    }
  }
  assert.deepEqual(page.problems, []);
};

const press = (page, name) =>
  Promise.all([
    page.waitForNavigation(),
    page.getByRole("button", { name, exact: true }).click(),
  ]);

const panel = (page, id) =>
  page
    .locator(`#${id} tbody tr`)
    .evaluateAll((rows) =>
      rows.map((row) => [...row.cells].map((cell) => cell.innerText.trim())),
    );

/** Three days that are over: twelve visitors a day, of whom two have seen a page that nobody else has. */
const lines = () => {
  const all = [];
  for (let back = 1; back <= 3; back++)
    for (let who = 0; who < 12; who++) {
      const day = new Date(Date.now() - back * 86_400_000)
        .toISOString()
        .slice(0, 10);
      const event = (path, minute) => ({
        name: "pageview",
        url: `https://${SITE}${path}`,
        time: `${day}T1${who % 3}:${minute}:00Z`,
        visitor: `${back}-${who}`,
        country: who < 7 ? "DE" : "FR",
      });
      all.push(event("/", "10"));
      if (who < 6) all.push(event("/pricing", "11"));
      if (who >= 10) all.push(event("/secret", "12"));
    }
  return all.map((event) => JSON.stringify(event)).join("\n");
};

before(async () => {
  await awayFromMidnight(150_000);
  mkdirSync(ARTIFACTS, { recursive: true });
  browser = await launchChromium();
  dayfly = await Dayfly.start({ site: SITE });
  const file = join(temporaryFolder(), "events.jsonl");
  writeFileSync(file, lines());
  const { code, stderr } = await dayfly.cli("import", "--site", SITE, file);
  assert.equal(code, 0, stderr);
  owner = await pageOf(await dayfly.loggedIn());
  guest = await pageOf();
  other = createServer((_, response) => {
    response.setHeader("content-type", "text/html");
    response.end(`<!doctype html><h1>Another site</h1>${framed}`);
  });
  otherOrigin = `http://127.0.0.1:${await listen(other)}`;
});

after(async () => {
  await browser?.close();
  close(other);
  endAll();
});

describe("sharing", () => {
  let link;

  test("an owner makes a link with a password, which is shown once", async () => {
    await owner.goto(`${dayfly.dashboard}/sites/${SITE}`);
    await owner.click("text=Settings");
    await owner
      .locator("nav.subjects a:visible", { hasText: "Sharing" })
      .click();
    assert.equal(await owner.innerText("h1"), "Sharing");
    const make = owner.locator("[aria-labelledby=of-make]");
    await make.getByLabel("Name").fill("For Bob");
    await make.getByLabel("Password").fill("short");
    await press(owner, "Make the link");
    assert.match(
      await owner.getByRole("alert").innerText(),
      /^Password: it has at least 10 characters/,
    );
    assert.equal(await make.getByLabel("Name").inputValue(), "For Bob");
    await make.getByLabel("Password").fill(SECRET);
    await press(owner, "Make the link");
    link = await owner.innerText("#made");
    assert.match(link, /^http:\/\/127\.0\.0\.1:\d+\/shared\/[\w-]{43}$/);
    await shoot(owner, "settings");
    await owner.goto(`${dayfly.dashboard}/sites/${SITE}/settings/sharing`);
    assert.ok(!(await owner.content()).includes(link.slice(-43)));
    assert.match(await owner.innerText("main"), /For Bob\s+password/);
  });

  test("a guest gives the password and sees nothing of fewer than five", async () => {
    await guest.goto(link);
    assert.equal(await guest.innerText("h1"), "A password is asked for");
    await guest.getByLabel("Password").fill("a wrong one");
    await press(guest, "Show the numbers");
    assert.equal(
      await guest.getByRole("alert").innerText(),
      "The password is wrong.",
    );
    await shoot(guest, "password");
    await guest.getByLabel("Password").fill(SECRET);
    await press(guest, "Show the numbers");
    assert.equal(guest.url(), link);
    const [cookie] = await guest.context().cookies();
    assert.match(cookie.name, /^dayfly-link-[0-9a-f]+-loopback$/);
    assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, "Lax"]);
    assert.equal(await guest.innerText("#visitors"), "36");
    assert.equal(await guest.innerText("#pageviews"), "60");
    // Two a day are folded, and with them the smallest that is not.
    assert.deepEqual(await panel(guest, "pages"), [
      ["/", "36", "36"],
      ["(other)", "–", "24"],
    ]);
    assert.deepEqual(await panel(guest, "countries"), [
      ["Germany", "21", "39"],
      ["France", "15", "21"],
    ]);
    const text = await guest.innerText("main");
    for (const hidden of ["/secret", "/pricing", "Filter", "Not counted"])
      assert.ok(!text.includes(hidden), hidden);
    assert.match(text, /fewer than 5 now/);
    await shoot(guest, "view");
    await guest.click("text=7 days");
    assert.equal(await guest.innerText("#visitors"), "36");
  });

  test("a revoked link opens nothing any more", async () => {
    await owner.goto(`${dayfly.dashboard}/sites/${SITE}/settings/sharing`);
    await press(owner, "Revoke the link For Bob");
    const gone = await guest.goto(link);
    assert.equal(gone.status(), 404);
    assert.equal(await guest.innerText("h1"), "Nothing here");
  });

  test("the view for everybody is a part of another page, if it is asked to be", async () => {
    const open = `${dayfly.dashboard}/public/${SITE}`;
    assert.equal((await guest.goto(open)).status(), 404);
    await owner.getByLabel("Everybody may see the numbers").check();
    await press(owner, "Save");
    assert.equal((await guest.goto(open)).status(), 200);
    await owner.click("text=Put it into a page of yours");
    const frame = await owner.innerText("[aria-labelledby=of-public] pre");
    await shoot(owner, "public");
    const show = async (html) => {
      framed = html;
      const page = await pageOf();
      await page.goto(otherOrigin);
      const [, inner] = page.frames();
      return [page, inner];
    };
    const [page, inner] = await show(
      frame.replace("theme=light", "theme=dark"),
    );
    assert.equal(new URL(inner.url()).pathname, `/public/${SITE}`);
    assert.equal(await inner.innerText("#visitors"), "36");
    assert.equal(await inner.locator(".brand").count(), 0);
    const paper = await inner.evaluate(
      () => getComputedStyle(document.body).backgroundColor,
    );
    assert.equal(paper, "rgb(17, 21, 28)");
    await inner.click("text=Yesterday");
    await inner.waitForURL(/period=yesterday/);
    assert.equal(await inner.innerText("#visitors"), "12");
    await page.setViewportSize({ width: 800, height: 1_000 });
    const path = new URL("shared-embedded.png", ARTIFACTS).pathname;
    await page.screenshot({ path, fullPage: true });
    // Not where nobody asked for it, and no other page.
    for (const address of [open, `${dayfly.dashboard}/login?embed=true`]) {
      const [, inner] = await show(`<iframe src="${address}"></iframe>`);
      assert.match(inner.url(), /^chrome-error:/, address);
    }
  });
});
