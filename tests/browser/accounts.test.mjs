// Accounts in a real Chromium, as scripts/run starts everything: the one-time link, the second step,
// inviting somebody, leaving. Screenshots of these pages are left in tests/artifacts/.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { mkdirSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { Dayfly, endAll, launchChromium, PASSWORD } from "./support.mjs";

const SITE = "shop.example";
const ARTIFACTS = new URL("../artifacts/", import.meta.url);
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** The code of a base32 secret, as an app makes it (RFC 6238). */
const codeOf = (secret, atMs = Date.now()) => {
  const bits = [...secret.replaceAll(" ", "")]
    .map((letter) => LETTERS.indexOf(letter).toString(2).padStart(5, "0"))
    .join("");
  const bytes = bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(atMs / 30_000)));
  const hash = createHmac("sha1", Buffer.from(bytes)).update(counter).digest();
  const number = hash.readUInt32BE(hash[19] & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
};

let browser, dayfly;

before(async () => {
  browser = await launchChromium();
  dayfly = await Dayfly.start({ site: SITE });
  mkdirSync(ARTIFACTS, { recursive: true });
});

after(async () => {
  await browser?.close();
  endAll();
});

/** A page whose errors and violations of the policy are noted; without scripts of its own. */
const pageOf = async (options = {}) => {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.problems = [];
  page.on("console", (message) => {
    // Chromium also reports the status of the pages that are meant to refuse.
    if (message.type() == "error" && !/status of 4\d\d /.test(message.text()))
      page.problems.push(message.text());
  });
  return page;
};

/** Screenshots of what a page shows, light and dark, wide and narrow; nothing scrolls sideways. */
const shoot = async (page, name) => {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const width of [1440, 768, 360]) {
      await page.setViewportSize({ width, height: 800 });
      const file = `account-${name}-${colorScheme}-${width}.png`;
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

/** Sends the form that a button belongs to, by keyboard. */
const press = async (page, name) => {
  const button = page.getByRole("button", { name, exact: true });
  await button.focus();
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
};

describe("accounts", () => {
  let ada, secret, codes, invitation;

  test("the printed link makes the first account, once", async () => {
    const [, link] = dayfly.stdout.match(/^ +(http\S+\/welcome\/\S+)$/m);
    ada = await pageOf();
    await ada.goto(link);
    await shoot(ada, "welcome");
    await ada.getByLabel("Mail address").fill("ada@example.com");
    await ada.getByLabel("Your name").fill("Ada Lovelace");
    await ada.getByLabel("Password").fill("ada@example.com");
    await press(ada, "Make the account");
    const alert = ada.getByRole("alert");
    assert.match(await alert.innerText(), /^Password: everybody guesses/);
    assert.equal(
      await ada.getByLabel("Your name").inputValue(),
      "Ada Lovelace",
    );
    await ada.getByLabel("Password").fill(PASSWORD);
    await press(ada, "Make the account");
    assert.equal(ada.url(), `${dayfly.dashboard}/`);
    assert.equal(await ada.locator(".sites li").count(), 1);
    const [cookie] = await ada.context().cookies();
    assert.deepEqual(
      [cookie.name, cookie.httpOnly, cookie.sameSite, cookie.secure],
      ["dayfly-loopback", true, "Lax", false],
    );
    const again = await ada.goto(link);
    assert.equal(again.status(), 404);
    assert.equal(await ada.innerText("h1"), "This link opens nothing");
  });

  test("the second step is turned on by a code of the app", async () => {
    await ada.goto(dayfly.dashboard);
    await ada.getByRole("link", { name: "Account" }).click();
    await shoot(ada, "settings");
    await press(ada, "Turn it on");
    secret = await ada.innerText(".key");
    await shoot(ada, "totp");
    await ada.getByLabel("The code that the app shows").fill("000000");
    await press(ada, "Turn it on");
    assert.match(await ada.getByRole("alert").innerText(), /^Code: /);
    assert.equal(await ada.innerText(".key"), secret);
    await ada.getByLabel("The code that the app shows").fill(codeOf(secret));
    await press(ada, "Turn it on");
    codes = await ada.locator(".codes li").allInnerTexts();
    assert.equal(new Set(codes).size, 10);
    await shoot(ada, "recovery");
    await ada.getByRole("link", { name: "I have kept them" }).click();
    await shoot(ada, "settings-totp");
  });

  test("logged out, a page asks for password and code, and is then shown", async () => {
    await press(ada, "Log out");
    assert.equal(new URL(ada.url()).pathname, "/login");
    await ada.goto(`${dayfly.dashboard}/sites/${SITE}?period=7d`);
    assert.equal(new URL(ada.url()).pathname, "/login");
    await ada.getByLabel("Mail address").fill("ada@example.com");
    await ada.getByLabel("Password").fill("wrong");
    await press(ada, "Log in");
    assert.match(await ada.getByRole("alert").innerText(), /is wrong\.$/);
    await shoot(ada, "login");
    await ada.getByLabel("Password").fill(PASSWORD);
    await press(ada, "Log in");
    assert.equal(await ada.innerText("h1"), "Your code");
    // Half-way is not in.
    const half = await ada.context().newPage();
    await half.goto(`${dayfly.dashboard}/account`);
    assert.equal(new URL(half.url()).pathname, "/login");
    await half.close();
    await shoot(ada, "code");
    await ada.getByLabel(/^Code of your app/).fill(codes[3].toLowerCase());
    await press(ada, "Continue");
    assert.equal(ada.url(), `${dayfly.dashboard}/sites/${SITE}?period=7d`);
  });

  test("somebody is invited by a link and sees that site only", async () => {
    assert.equal((await dayfly.cli("site", "add", "other.example")).code, 0);
    await ada.setViewportSize({ width: 1280, height: 800 });
    await ada.getByRole("link", { name: "Settings" }).click();
    await ada.getByRole("link", { name: "People", exact: true }).click();
    await ada.getByLabel("Mail address").fill("bob@example.com");
    await ada.getByRole("radio", { name: /^Editor/ }).check();
    await press(ada, "Make the link");
    invitation = await ada.innerText(".made code");
    await shoot(ada, "people-made");
    const bob = await pageOf({ javaScriptEnabled: false });
    await bob.goto(invitation);
    assert.match(await bob.innerText(".lead"), /shop\.example, as an editor/);
    await shoot(bob, "invited");
    await bob.getByLabel("Your name").fill("Bob");
    await bob.getByLabel("Password").fill(PASSWORD);
    await press(bob, "Make the account");
    assert.deepEqual(await bob.locator(".sites strong").allInnerTexts(), [
      SITE,
    ]);
    for (const [path, status] of [
      [`/sites/${SITE}`, 200],
      [`/sites/${SITE}/people`, 403],
      ["/sites/other.example", 404],
    ])
      assert.equal((await bob.goto(dayfly.dashboard + path)).status(), status);
    // Ada makes Bob an owner, then removes him.
    await ada.goto(`${dayfly.dashboard}/sites/${SITE}/people`);
    await ada.getByLabel("Mail address").fill("late@example.com");
    await press(ada, "Make the link");
    await ada.goto(`${dayfly.dashboard}/sites/${SITE}/people`);
    await shoot(ada, "people");
    await ada.getByLabel("Role of Bob", { exact: true }).selectOption("owner");
    await press(ada, "Change the role of Bob");
    const people = `${dayfly.dashboard}/sites/${SITE}/people`;
    assert.equal((await bob.goto(people)).status(), 200);
    await press(ada, "Withdraw the invitation of late@example.com");
    await press(ada, "Remove Bob");
    assert.equal((await bob.goto(people)).status(), 404);
    // And Bob goes.
    await bob.goto(`${dayfly.dashboard}/account`);
    await bob.getByText("Delete it …").click();
    await bob.getByLabel(/^To confirm/).fill("bob@example.com");
    await bob.locator("#delete-password").fill(PASSWORD);
    await press(bob, "Delete my account");
    assert.equal(await bob.innerText("h1"), "Goodbye");
    const { stdout } = await dayfly.cli("user", "list");
    assert.match(stdout, /^ada@example\.com\tadmin\ttotp\t[^\n]+\n$/);
  });

  test("what is not allowed is a page that says so", async () => {
    await ada.goto(`${dayfly.dashboard}/sites/unknown.example`);
    assert.equal(await ada.innerText("h1"), "No such site");
    const guess = await pageOf();
    for (let n = 0; n < 6; n++) {
      await guess.goto(`${dayfly.dashboard}/login`);
      await guess.getByLabel("Mail address").fill(`nobody${n}@example.com`);
      await guess.getByLabel("Password").fill("wrong");
      await press(guess, "Log in");
    }
    assert.equal(await guess.innerText("h1"), "Too many tries");
    await shoot(guess, "too-many");
  });
});
