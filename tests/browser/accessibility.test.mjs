// axe-core over every kind of page, as it is and with menus open, in light and dark, from 360 px to
// 1440 px: nothing that WCAG's levels A and AA forbid.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import axe from "axe-core";
import {
  awayFromMidnight,
  CHROME,
  Dayfly,
  endAll,
  FIREFOX,
  launchChromium,
} from "./support.mjs";
import { addWorld } from "./world.mjs";

const SITE = "shop.example";
const WORLD = "world.example";
const TAGS = [
  "wcag2a",
  "wcag2aa",
  "wcag21a",
  "wcag21aa",
  "wcag22a",
  "wcag22aa",
];

let browser, dayfly, inside, outside, invitation, newPassword, locked;

before(async () => {
  await awayFromMidnight(150_000);
  browser = await launchChromium();
  // Nothing is sent: that there is a server makes the page that asks for a new password.
  const smtp = {
    DAYFLY_SMTP_HOST: "127.0.0.1",
    DAYFLY_SMTP_PORT: "1",
    DAYFLY_SMTP_TLS: "none",
    DAYFLY_MAIL_FROM: "stats@example.com",
    DAYFLY_DASHBOARD_URL: "https://stats.example",
  };
  dayfly = await Dayfly.start({ site: SITE, more: smtp });
  assert.equal((await dayfly.cli("site", "add", "new.example")).code, 0);
  for (const agent of [FIREFOX, CHROME]) {
    await dayfly.beacon("/pricing?utm_source=Bing&utm_campaign=spring", {
      agent,
    });
    await dayfly.beacon("/docs", { agent });
  }
  await dayfly.settled();
  await addWorld(dayfly, WORLD);
  const logIn = await dayfly.loggedIn();
  const made = await dayfly.cli("user", "add", "bob@example.com");
  [invitation] = made.stdout.match(/http\S+\/welcome\/\S+/);
  assert.ok(invitation.startsWith(dayfly.dashboard), invitation);
  const reset = await dayfly.cli("user", "reset", "admin@example.com");
  [newPassword] = reset.stdout.match(/http\S+\/reset\/\S+/);
  const link = ["share", "add", SITE, "Bob", "--password-stdin"];
  const shared = await dayfly.told("open sesame, please", ...link);
  [locked] = shared.stdout.match(/http\S+\/shared\/\S+/);
  inside = await (await browser.newContext(logIn)).newPage();
  outside = await (await browser.newContext()).newPage();
});

after(async () => {
  await browser?.close();
  endAll();
});

/** What is forbidden and there, in every width and colour scheme. */
const check = async (page, name) => {
  await page.evaluate(axe.source);
  const found = new Set();
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const width of [1440, 768, 360]) {
      await page.setViewportSize({ width, height: 800 });
      const { violations, passes } = await page.evaluate(
        (tags) => window.axe.run({ runOnly: tags }),
        TAGS,
      );
      assert.ok(passes.length > 5, `${name}: looked at nothing`);
      for (const { id, help, nodes } of violations)
        for (const { html, any } of nodes) {
          // A country is as large as it is on the map; the list beside it has the same links, large.
          if (id == "target-size" && /^<a [^>]*><title>/.test(html)) continue;
          found.add(
            `${id} (${help}) ${colorScheme} ${width}: ${html.slice(0, 200)} ${any[0]?.message ?? ""}`,
          );
        }
    }
  }
  assert.deepEqual([...found], [], name);
};

describe("accessibility", () => {
  for (const [name, path, prepare] of [
    ["the overview", "/"],
    ["a site", `/sites/${SITE}`],
    ["a site, compared", `/sites/${SITE}?period=7d&compare=previous`],
    [
      "a site, filtered",
      `/sites/${SITE}?filter=is,event:page,/docs&filter=is_not,visit:country,DE`,
    ],
    ["a site without a number", `/sites/${SITE}?period=yesterday`],
    [
      "the menu of dates",
      `/sites/${SITE}`,
      (page) => page.click("summary:text('Dates')"),
    ],
    [
      "the menu of comparisons",
      `/sites/${SITE}`,
      (page) => page.click("summary:text('Compare')"),
    ],
    [
      "the form of filters",
      `/sites/${SITE}`,
      (page) => page.click("summary:text('Filter')"),
    ],
    [
      "the graph as a table",
      `/sites/${SITE}`,
      (page) => page.click("summary:text('As a table')"),
    ],
    ["the keys", `/sites/${SITE}`, (page) => page.keyboard.press("?")],
    ["the map, properties and revenue", `/sites/${WORLD}?period=7d`],
    [
      "the list of countries",
      `/sites/${WORLD}?period=7d&countries=country&properties=team`,
    ],
    [
      "a country on the map",
      `/sites/${WORLD}?period=7d`,
      (page) => page.focus(".map a"),
    ],
    [
      "a list of a property",
      `/sites/${WORLD}/list/property?period=7d&properties=plan`,
    ],
    ["a new site", "/sites/new.example"],
    ["a list", `/sites/${SITE}/list/page`],
    ["a list without a line", `/sites/${SITE}/list/page?search=zzz`],
    [
      "the menu of segments",
      `/sites/${SITE}?filter=is,event:page,/docs`,
      (page) => page.click("summary:text-is('Segments')"),
    ],
    [
      "the segments",
      `/sites/${SITE}/segments?filter=is,event:page,/docs`,
      async (page) => {
        await page.getByLabel("Name").fill("Readers");
        await page.click("button:text('Save as segment')");
        await page.goto(
          `${dayfly.dashboard}/sites/${SITE}/segments?filter=is,event:page,/docs`,
        );
        await page.click("summary:has-text('Change')");
      },
    ],
    ["the people of a site", `/sites/${SITE}/people`],
    ...[
      "general",
      "snippet",
      "goals",
      "funnels",
      "properties",
      "shields",
      "privacy",
      "sharing",
      "mail",
      "keys",
      "data",
      "delete",
    ].map((name) => [
      `the settings: ${name}`,
      `/sites/${SITE}/settings/${name}`,
    ]),
    ["a site to be added", "/add-site"],
    ["the keys of the server", "/keys"],
    ["the account", "/account"],
    ["a page that says no", "/sites/unknown.example"],
    ["the API's document", "/docs/api"],
  ])
    test(name, async () => {
      await inside.goto(dayfly.dashboard + path);
      await prepare?.(inside);
      await check(inside, name);
    });

  test("what everybody may see", async () => {
    await dayfly.cli("share", "public", SITE, "on");
    await outside.goto(`${dayfly.dashboard}/public/${SITE}`);
    await check(outside, "what everybody may see");
    await dayfly.cli("share", "public", WORLD, "on");
    await outside.goto(`${dayfly.dashboard}/public/${WORLD}?period=7d`);
    await check(outside, "a map that everybody may see");
  });

  for (const [name, address] of [
    ["the log-in", () => `${dayfly.dashboard}/login`],
    [
      "a link that opens nothing",
      () => `${dayfly.dashboard}/welcome/${"x".repeat(43)}`,
    ],
    ["a link that makes an account", () => invitation],
    ["a forgotten password", () => `${dayfly.dashboard}/forgot`],
    ["a link for a new password", () => newPassword],
    ["a link with a password", () => locked],
  ])
    test(name, async () => {
      const response = await outside.goto(address());
      assert.equal(response.status(), /x{43}/.test(address()) ? 404 : 200);
      await check(outside, name);
    });

  test("what is wrong with a password", async () => {
    for (const [address, label, button] of [
      [newPassword, "New password", "Set the password"],
      [locked, "Password", "Show the numbers"],
    ]) {
      await outside.goto(address);
      await outside.getByLabel(label).fill("admin@example.com");
      await Promise.all([
        outside.waitForNavigation(),
        outside.getByRole("button", { name: button }).click(),
      ]);
      assert.equal(await outside.getByRole("alert").count(), 1, address);
      await check(outside, `${button}, refused`);
    }
  });
});
