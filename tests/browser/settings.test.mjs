// What an owner sets, in a real Chromium without scripts, as scripts/run starts everything: add a
// site, see its first page view arrive without reloading by hand, goals, funnels, shields, privacy,
// keys, export, another domain, the end of the site. Screenshots of all pages are left in
// tests/artifacts/.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import {
  awayFromMidnight,
  CHROME,
  close,
  Dayfly,
  endAll,
  launchChromium,
  listen,
  waitFor,
} from "./support.mjs";

const FIRST = "shop.example";
const SITE = "new.example";
const ARTIFACTS = new URL("../artifacts/", import.meta.url);

let browser, dayfly, page, shop;

before(async () => {
  await awayFromMidnight(150_000);
  browser = await launchChromium();
  dayfly = await Dayfly.start({ site: FIRST });
  mkdirSync(ARTIFACTS, { recursive: true });
  const context = await browser.newContext({
    javaScriptEnabled: false,
    acceptDownloads: true,
    ...(await dayfly.loggedIn()),
  });
  page = await context.newPage();
  page.problems = [];
  page.on("console", (message) => {
    // Chromium also reports the status of the pages that are meant to refuse.
    if (message.type() == "error" && !/status of 4\d\d /.test(message.text()))
      page.problems.push(message.text());
  });
});

after(async () => {
  await browser?.close();
  close(shop);
  endAll();
});

/** Screenshots of what the page shows, light and dark, wide and narrow; nothing scrolls sideways. */
const shoot = async (name) => {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const width of [1440, 768, 360]) {
      await page.setViewportSize({ width, height: 800 });
      const file = `settings-${name}-${colorScheme}-${width}.png`;
      const path = new URL(file, ARTIFACTS).pathname;
      await page.screenshot({ path, fullPage: true });
      const [wide] = await page
        .locator("html")
        .evaluateAll((all) => all.map((html) => html.scrollWidth));
      assert.ok(wide <= width, `${name}: ${wide} px at ${width}`);
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  assert.deepEqual(page.problems, []);
};

/** Sends the form that a button belongs to, by keyboard. */
const press = async (name, within = page) => {
  const button = within.getByRole("button", { name, exact: true });
  await button.focus();
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
};

/** Waits until a page of this heading is there. */
const isAt = (name) =>
  page.getByRole("heading", { name, exact: true, level: 1 }).waitFor();

/** Opens a page of the settings by the navigation. */
const open = async (name) => {
  const nav = page.getByRole("navigation", { name: /^Settings of/ });
  await nav.getByRole("link", { name, exact: true }).click();
  await isAt(name);
};

/** Removes a line of a list: asked once more. */
const remove = async (summary, button) => {
  await page.locator("summary", { hasText: summary }).click();
  await press(button);
};

const line = (text) => page.locator(".lines li", { hasText: text });
const said = () => page.locator(".note.good").innerText();

describe("what an owner sets", () => {
  test("a site is added and its line shown", async () => {
    await page.goto(dayfly.dashboard);
    await page.getByRole("link", { name: "Add a site" }).click();
    await isAt("Add a site");
    await shoot("add-site");
    await page.getByLabel("Domain").fill("https://new.example/");
    await page.getByLabel("Time zone").fill("UTC");
    await press("Add the site");
    assert.match(await page.getByRole("alert").innerText(), /^Domain: /);
    const typed = page.getByLabel("Domain");
    assert.equal(await typed.inputValue(), "https://new.example/");
    await shoot("add-site-refused");
    await typed.fill(SITE);
    await press("Add the site");
    assert.equal(
      page.url(),
      `${dayfly.dashboard}/sites/${SITE}/settings/snippet?done=site`,
    );
    assert.match(await said(), /^The site is added\./);
    assert.match(await page.innerText(".waiting"), /^Waiting for the first/);
    // For the screenshots it has to hold still.
    const snippet = "**/settings/snippet*";
    await page.route(snippet, async (route) => {
      const response = await route.fetch();
      const { refresh, ...headers } = response.headers();
      assert.equal(refresh, "3");
      await route.fulfill({ response, headers });
    });
    await page.reload();
    await shoot("snippet-waiting");
    await page.unroute(snippet);
  });

  test("options change the line", async () => {
    await page.getByRole("link", { name: "Choose options" }).click();
    await page.getByRole("checkbox", { name: /^Also on localhost/ }).check();
    await page.getByLabel("Pages that send nothing").fill("admin");
    await press("Show the line");
    assert.match(
      await page.getByRole("alert").innerText(),
      /^Pages that send nothing: each begins with a slash/,
    );
    await page.getByLabel("Pages that send nothing").fill("/admin/**");
    await page.getByRole("checkbox", { name: /^Clicks on links/ }).check();
    await shoot("snippet-options");
    await press("Show the line");
    assert.equal(
      await page.innerText("pre.line"),
      `<script defer data-domain="${SITE}" data-track="outbound" data-local data-exclude="/admin/**" src="${dayfly.edge}/js/script.js"></script>`,
    );
  });

  test("the first page view arrives on the page by itself", async () => {
    const head = await page.innerText("pre.line");
    shop = createServer((_, response) => {
      response.writeHead(200, { "content-type": "text/html" });
      response.end(
        `<!doctype html><title>New</title><link rel="icon" href="data:,">${head}<p>Hello`,
      );
    });
    const port = await listen(shop);
    // The snippet's page is left alone from here on.
    assert.match(await page.innerText(".waiting"), /^Waiting for the first/);
    const person = await browser.newContext({ userAgent: CHROME });
    const visitor = await person.newPage();
    const [beacon] = await Promise.all([
      visitor.waitForResponse((it) => it.url().endsWith("/api/event")),
      visitor.goto(`http://127.0.0.1:${port}/hello`),
    ]);
    assert.equal(beacon.status(), 202);
    assert.equal(beacon.headers()["x-dayfly-dropped"], undefined);
    await page.locator(".arrived").waitFor({ timeout: 20_000 });
    assert.match(
      await page.innerText(".arrived"),
      /^Page views arrive\. 1 page view in the last 24 hours, the latest at /,
    );
    await shoot("snippet-arrived");
    await page.getByRole("link", { name: "See the numbers" }).click();
    await page.waitForURL(`${dayfly.dashboard}/sites/${SITE}`);
    assert.equal(await page.innerText("#pageviews"), "1");
  });

  test("goals and funnels are added and removed", async () => {
    await page.getByRole("link", { name: "Settings" }).click();
    await isAt("General");
    await open("Goals");
    await shoot("goals-empty");
    await page.getByLabel("Name of the event").fill("Signup");
    await press("Add the goal");
    assert.match(await said(), /^The goal is added\./);
    await page.getByRole("radio", { name: /^A page/ }).check();
    assert.ok(await page.getByLabel("Name of the event").isHidden());
    await page.getByLabel("Page", { exact: true }).fill("/pricing");
    await page.getByLabel(/^Shown as/).fill("Sees the prices");
    await press("Add the goal");
    await page.getByRole("radio", { name: /^Scrolling/ }).check();
    await page.getByLabel("Page", { exact: true }).fill("/blog/*");
    await page.getByLabel(/^How far/).fill("75");
    await press("Add the goal");
    assert.equal(await page.locator(".lines li").count(), 3);
    await open("Funnels");
    await page.getByLabel("Name").fill("Buying");
    await page.getByLabel("Step 1").selectOption("Sees the prices");
    await page.getByLabel("Step 2").selectOption("Signup");
    await press("Add the funnel");
    assert.match(await line("Buying").innerText(), /Sees the prices\s*Signup/);
    await shoot("funnels");
    await open("Goals");
    assert.match(await line("Signup").innerText(), /a step of Buying/);
    await page.getByRole("radio", { name: /^Scrolling/ }).check();
    const summary = (text) => page.locator("summary", { hasText: text });
    await summary("Rename the goal Scroll 75%").click();
    await page.locator("details[open] input[name=new_name]").fill("Signup");
    await press("Rename");
    assert.match(
      await page.getByRole("alert").innerText(),
      /^Name: there is a goal "Signup" already\.$/,
    );
    await shoot("goals-rename");
    await page.locator("details[open] input[name=new_name]").fill("Reads");
    await press("Rename");
    assert.match(await said(), /^The goal has another name\./);
    assert.match(
      await line("Reads").innerText(),
      /75 % of \/blog\/\* scrolled/,
    );
    await summary("Remove the goal Reads").click();
    await shoot("goals");
    await press("Remove “Reads”");
    assert.equal(await page.locator(".lines li").count(), 2);
  });

  test("properties, shields and privacy are saved", async () => {
    await open("Properties");
    await page.getByLabel("Name").fill("plan");
    await press("Show it");
    await shoot("properties");
    await remove("Remove the property plan", "Remove “plan”");
    assert.match(await page.innerText("main"), /every property is shown/);
    await open("Shields");
    await page.getByLabel("Country").selectOption("Norway");
    await press("Add", page.locator("#shields-of-country"));
    assert.match(await said(), /^The shield is added\./);
    const networks = page.locator("#shields-of-network");
    await page.getByLabel("Address or network").fill("192.0.2");
    await press("Add", networks);
    assert.match(
      await page.getByRole("alert").innerText(),
      /^Address or network: "192\.0\.2" is not an address/,
    );
    await shoot("shields");
    await page.getByLabel("Address or network").fill("192.0.2.0/24");
    await press("Add", networks);
    assert.equal(await line("192.0.2.0/24").count(), 1);
    await open("Privacy");
    await page
      .getByRole("group", { name: "Do Not Track" })
      .getByRole("radio", { name: /^Count nothing/ })
      .check();
    await page.getByLabel("Months").fill("12");
    await press("Save");
    assert.match(await said(), /^Saved\./);
    await shoot("privacy");
    const { stdout } = await dayfly.cli("site", "show", SITE);
    for (const kept of [
      "dnt\tdrop",
      "keep-months\t12",
      "shield\tcountry\tNO",
      "shield\tnetwork\t192.0.2.0/24",
      "funnel\t1\t2 > 1\tBuying",
    ])
      assert.ok(stdout.includes(`${kept}\n`), `${kept}: ${stdout}`);
  });

  test("a key is made, works, and is revoked", async () => {
    await open("Keys");
    await page.getByLabel(/^Name/).fill("Weekly report");
    await press("Make the key");
    const key = await page.innerText(".made code");
    await shoot("keys");
    const ask = (site) =>
      fetch(`${dayfly.dashboard}/api/v1/sites/${site}/export`, {
        headers: { authorization: `Bearer ${key}` },
      }).then((response) => response.status);
    assert.equal(await ask(SITE), 200);
    assert.equal(await ask(FIRST), 401);
    const prefix = key.slice(0, 11);
    await remove(`Revoke ${prefix}`, `Revoke ${prefix}…`);
    assert.match(await said(), /^The key is revoked/);
    await waitFor("the key is refused", async () => (await ask(SITE)) == 401);
  });

  test("everything is exported as a zip", async () => {
    await open("Import and export");
    await shoot("data");
    const button = page.getByRole("button", { name: "Download the zip" });
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      button.click(),
    ]);
    assert.match(download.suggestedFilename(), /^new\.example-[\d-]+\.zip$/);
    const bytes = readFileSync(await download.path());
    assert.equal(bytes.subarray(0, 2).toString(), "PK");
  });

  test("the domain is changed, and people are a page of the settings", async () => {
    await open("General");
    assert.match(await page.innerText("main"), /Something is counted by days/);
    await page.getByLabel(/^The site’s name/).fill("newer.example");
    await press("Change the domain");
    assert.match(await page.innerText("main"), /new\.example was its domain/);
    await shoot("general");
    await open("People");
    assert.equal(page.url(), `${dayfly.dashboard}/sites/newer.example/people`);
    await shoot("people");
    // On a phone the navigation is a menu.
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize({ width: 360, height: 800 });
    await page.locator(".subjects summary").click();
    await page.screenshot({
      path: new URL("settings-menu-light-360.png", ARTIFACTS).pathname,
    });
    await open("Shields");
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  test("the site is deleted by typing its domain", async () => {
    await open("Delete the site");
    await page.getByLabel(/^To confirm/).fill("new.example");
    await press("Delete the site for good");
    assert.match(await page.getByRole("alert").innerText(), /^Confirmation: /);
    await shoot("delete");
    await page.getByLabel(/^To confirm/).fill("newer.example");
    await press("Delete the site for good");
    assert.equal(await page.innerText("h1"), "The site is deleted");
    const path = "/sites/newer.example/settings/general";
    const gone = await page.goto(dayfly.dashboard + path);
    assert.equal(gone.status(), 404);
    assert.equal((await dayfly.cli("site", "list")).stdout, `${FIRST}\tUTC\n`);
  });

  test("admins make keys to every site", async () => {
    await page.goto(dayfly.dashboard);
    await page.getByRole("link", { name: "Keys" }).click();
    await isAt("Keys to every site");
    await press("Make the key");
    const key = await page.innerText(".made code");
    await shoot("keys-of-server");
    const list = await fetch(
      `${dayfly.dashboard}/api/v1/sites/${FIRST}/export`,
      {
        headers: { authorization: `Bearer ${key}` },
      },
    );
    assert.equal(list.status, 200);
  });
});
