// Mail over a real SMTP server: the settings and what is said when they are wrong; a new password by
// mail in a real Chromium; a week's report, on the Monday after, as mail programs show it. Screenshots
// are left in tests/artifacts/.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { certificates, headerOf, SECRET, Smtp, USER } from "./smtp.mjs";
import {
  endAll,
  execute,
  freePorts,
  launchChromium,
  PASSWORD,
  ROOT,
  temporaryFolder,
  waitFor,
} from "./support.mjs";

const SITE = "shop.example";
const FROM = "Stats <stats@example.com>";
const ARTIFACTS = new URL("../artifacts/", import.meta.url);
const DAY_MS = 86_400_000;

let program, certificate, salts;

before(async () => {
  mkdirSync(ARTIFACTS, { recursive: true });
  certificate = certificates();
  salts = temporaryFolder("/dev/shm");
  // With a clock that can be put forward.
  const built = await execute("scripts/build", ["aggregator"], {
    DAYFLY_PROFILE: "dev",
    DAYFLY_TEST_CLOCK: "1",
  });
  assert.equal(built.code, 0, built.stderr);
  const target = process.env.CARGO_TARGET_DIR ?? join(ROOT, "target");
  program = join(temporaryFolder(), "dayfly");
  copyFileSync(join(target, "debug/dayfly"), program);
});

after(endAll);

const settingsOf = (smtp, tls, more = {}) => ({
  DAYFLY_SMTP_HOST: "127.0.0.1",
  DAYFLY_SMTP_PORT: String(smtp.port),
  DAYFLY_SMTP_TLS: tls,
  DAYFLY_SMTP_CA: certificate.ca,
  DAYFLY_MAIL_FROM: FROM,
  DAYFLY_DASHBOARD_URL: "https://stats.example",
  ...more,
});
const LOGIN = { DAYFLY_SMTP_USER: USER, DAYFLY_SMTP_PASSWORD: SECRET };

describe("dayfly mail test", () => {
  const tried = (settings, to = "ada@example.com") =>
    execute(program, ["mail", "test", to], settings);

  for (const tls of ["none", "starttls", "tls"])
    for (const login of [false, true])
      test(`sends with ${tls}, ${login ? "with" : "without"} a log-in`, async () => {
        const smtp = await Smtp.start({ tls, login, certificate });
        const told = await tried(settingsOf(smtp, tls, login ? LOGIN : {}));
        assert.equal(told.code, 0, told.stderr);
        assert.match(
          told.stdout,
          /^sent: 127\.0\.0\.1:\d+ took a mail to ada@/,
        );
        const mail = await smtp.next();
        assert.equal(mail.secure, tls != "none");
        assert.equal(mail.user || undefined, login ? USER : undefined);
        assert.equal(mail.envelope.mailFrom.address, "stats@example.com");
        assert.deepEqual(
          mail.envelope.rcptTo.map(({ address }) => address),
          ["ada@example.com"],
        );
        assert.equal(mail.from.name, "Stats");
        assert.equal(mail.subject, "Mail from Dayfly works");
        for (const part of [mail.text, mail.html])
          assert.match(part, /https:\/\/stats\.example\//);
        await smtp.stop();
      });

  test("says plainly what is wrong, and no password", async () => {
    const plain = await Smtp.start();
    const starttls = await Smtp.start({
      tls: "starttls",
      login: true,
      certificate,
    });
    const tls = await Smtp.start({ tls: "tls", login: true, certificate });
    const [nobody] = await freePorts(1);
    const wrong = { ...LOGIN, DAYFLY_SMTP_PASSWORD: "guessed-wrong" };
    const unknown = { DAYFLY_SMTP_CA: "/nonexistent" };
    const without = (settings, ...names) => {
      const copy = { ...settings };
      for (const name of names) delete copy[name];
      return copy;
    };
    for (const [settings, says, to] of [
      [settingsOf(tls, "tls", wrong), /refused user or password \(535\)/],
      [
        without(settingsOf(tls, "tls", LOGIN), "DAYFLY_SMTP_CA"),
        /no TLS with [\s\S]*certificate/,
      ],
      [
        settingsOf(starttls, "tls", LOGIN),
        /no TLS with|cannot be reached[\s\S]*465 is tls/,
      ],
      [settingsOf(plain, "starttls"), /STARTTLS/],
      [settingsOf(starttls, "starttls"), /refused user or password \(530\)/],
      [settingsOf(plain, "none", LOGIN), /smtp-user/],
      [settingsOf({ port: nobody }, "none"), /cannot be reached/],
      [
        settingsOf(plain, "none"),
        /refused the mail \(550\).*no such mailbox/,
        "nobody@example.com",
      ],
      [settingsOf(plain, "none"), /mail: that is not an address/, "ada"],
      [
        without(settingsOf(plain, "none"), "DAYFLY_DASHBOARD_URL"),
        /dashboard-url: mails link/,
      ],
      [
        settingsOf(plain, "none", { DAYFLY_DASHBOARD_URL: "http://a.example" }),
        /dashboard-url: .*https/,
      ],
      [
        settingsOf(plain, "none", {
          DAYFLY_MAIL_FROM: "a@b.example\r\nBcc: x",
        }),
        /mail-from: a control character/,
      ],
      [
        settingsOf(plain, "none", {
          ...LOGIN,
          DAYFLY_SMTP_HOST: "mail.example",
        }),
        /smtp-tls: with none the password/,
      ],
      [settingsOf(tls, "tls", unknown), /smtp-ca: /],
      [{}, /smtp-host: no SMTP server is named/],
    ]) {
      const told = await tried(settings, to);
      assert.equal(told.code, 1, told.stdout + told.stderr);
      assert.match(told.stderr, says);
      for (const secret of [SECRET, "guessed-wrong"])
        assert.ok(!told.stderr.includes(secret), told.stderr);
    }
    for (const smtp of [plain, starttls, tls]) {
      assert.equal(smtp.mails.length, 0);
      await smtp.stop();
    }
  });
});

describe("a server with mail", () => {
  const data = temporaryFolder();
  const clockFile = join(data, "clock");
  let smtp, browser, server, url, environment;
  let log = "";

  /** The Monday to come, 8:00 UTC: the site's zone. */
  const monday = (() => {
    const today = Math.floor(Date.now() / DAY_MS);
    const days = 7 - ((today + 3) % 7);
    return (today + days) * DAY_MS + 8 * 3_600_000;
  })();
  const setClock = (ms) => writeFileSync(clockFile, String(ms - Date.now()));
  const dateOf = (ms) => new Date(ms).toISOString().slice(0, 10);

  const cli = async (words, input) => {
    const told = await execute(program, words, environment, input);
    assert.equal(told.code, 0, told.stderr);
    return told.stdout;
  };

  before(async () => {
    browser = await launchChromium();
    smtp = await Smtp.start({ tls: "starttls", login: true, certificate });
    const [port] = await freePorts(1);
    url = `http://127.0.0.1:${port}`;
    environment = {
      ...settingsOf(smtp, "starttls", LOGIN),
      DAYFLY_DASHBOARD_URL: url,
      DAYFLY_DATA: data,
      DAYFLY_SALTS_DIR: salts,
      DASHBOARD_PORT: String(port),
      DAYFLY_TEST_CLOCK_FILE: clockFile,
      DAYFLY_EDGE_KEYS: "x".repeat(40),
      DAYFLY_LOG: "debug",
    };
    setClock(monday - 3_600_000);
    await cli(["site", "add", SITE]);
    await cli(
      ["user", "add", "admin@example.com", "--password-stdin"],
      PASSWORD,
    );
    const ada = ["user", "add", "ada@example.com", "--password-stdin"];
    await cli(ada, PASSWORD);
    await cli([
      "user",
      "role",
      "ada@example.com",
      "--site",
      SITE,
      "--role",
      "viewer",
    ]);
    await cli(["goal", "add", SITE, "--page", "/thanks"]);
    server = spawn(program, ["serve"], {
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const name of ["stdout", "stderr"])
      server[name].setEncoding("utf8").on("data", (part) => (log += part));
    await waitFor("it answers", async () => (await fetch(`${url}/health`)).ok);
  });

  after(async () => {
    const ended = server && new Promise((done) => server.once("close", done));
    server?.kill("SIGTERM");
    await ended;
    await browser?.close();
    await smtp?.stop();
  });

  const shoot = async (page, name) => {
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      for (const width of [1440, 360]) {
        await page.setViewportSize({ width, height: 800 });
        const file = `mail-${name}-${colorScheme}-${width}.png`;
        const path = new URL(file, ARTIFACTS).pathname;
        await page.screenshot({ path, fullPage: true });
        const wide = await page.evaluate(
          () => document.documentElement.scrollWidth,
        );
        assert.ok(wide <= width, `${name}: ${wide} px at ${width}`);
      }
    }
  };

  const press = async (page, name) => {
    const button = page.getByRole("button", { name, exact: true });
    await button.focus();
    await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  };

  const logIn = async (page, password) => {
    await page.goto(`${url}/login`);
    await page.getByLabel("Mail address").fill("ada@example.com");
    await page.getByLabel("Password").fill(password);
    await press(page, "Log in");
  };

  test("a new password by mail", async () => {
    const page = await browser.newPage();
    await page.goto(`${url}/login`);
    await page.getByRole("link", { name: "Forgotten your password?" }).click();
    await page.getByLabel("Mail address").fill("ada@example.com");
    await shoot(page, "forgot");
    await press(page, "Send the link");
    await page.getByText("a mail with a link is on its way").waitFor();
    const mail = await smtp.next();
    assert.equal(mail.to[0].address, "ada@example.com");
    assert.ok(mail.secure);
    const [link] = mail.text.match(/http:\/\/127\.0\.0\.1:\d+\/reset\/\S+/);
    assert.ok(mail.html.includes(`href="${link}"`));
    const shown = await browser.newPage();
    await shown.setContent(mail.html);
    await shoot(shown, "reset-letter");
    await shown.close();
    await page.goto(link);
    await page.getByLabel("New password").fill("another horse battery");
    await press(page, "Set the password");
    await page.getByText("Your new password is set").waitFor();
    await logIn(page, "another horse battery");
    assert.equal(new URL(page.url()).pathname, "/");
    await page.close();
    // Who has no account gets nothing.
    const asked = await fetch(`${url}/forgot`, {
      method: "POST",
      headers: { origin: url },
      body: new URLSearchParams({ mail: "stranger@example.com" }),
    });
    assert.equal(asked.status, 200);
    assert.equal(smtp.mails.length, 0);
  });

  test("a report comes on Monday, is shown by any mail program, and is switched off", async () => {
    const page = await browser.newPage();
    await logIn(page, "another horse battery");
    await page.goto(`${url}/sites/${SITE}/settings/mail`);
    await page.getByRole("checkbox", { name: "Every week" }).check();
    await page.getByLabel("From so many at once").fill("40");
    await shoot(page, "settings");
    await press(page, "Save");
    await page.getByText("Saved.").waitFor();
    assert.ok(
      await page.getByRole("checkbox", { name: "Every week" }).isChecked(),
    );
    assert.equal(
      await page.getByLabel("From so many at once").inputValue(),
      "40",
    );

    // Two weeks of visits: each day one more of them, and one with a name that is no HTML.
    const lines = [];
    const first = monday - 8 * 3_600_000 - 14 * DAY_MS;
    const pages = [
      "/",
      "/pricing",
      "/blog/how-it-began",
      "/<script>alert(1)</script>",
    ];
    for (let day = 0; day < 14; day++)
      for (let visitor = 0; visitor < 5 + day * 3; visitor++) {
        const at = first + day * DAY_MS + (6 + (visitor % 12)) * 3_600_000;
        const view = (path, minutes) => ({
          name: "pageview",
          domain: SITE,
          url: `https://${SITE}${path}`,
          referrer: visitor % 3 ? "https://news.ycombinator.com/" : "",
          time: new Date(at + minutes * 60_000).toISOString(),
          visitor: `v${visitor}`,
          user_agent:
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
          country: ["DE", "FR", "NP"][visitor % 3],
        });
        lines.push(view(pages[visitor % pages.length], 0));
        if (visitor % 4 == 0) lines.push(view("/thanks", 3));
      }
    const file = join(data, "events.jsonl");
    writeFileSync(file, lines.map((line) => JSON.stringify(line)).join("\n"));
    await cli(["import", "--site", SITE, file]);
    assert.equal(smtp.mails.length, 0, "not before Monday, eight o'clock");

    // The server takes no mail at first: it is tried again ten minutes later.
    smtp.refusal = Object.assign(new Error("busy with <ada@example.com>"), {
      responseCode: 451,
    });
    setClock(monday + 1_000);
    await waitFor(
      "it is put off",
      () => /is to be tried again/.test(log),
      15_000,
    );
    smtp.refusal = undefined;
    setClock(monday + 11 * 60_000);
    const mail = await smtp.next();
    const from = dateOf(monday - 7 * DAY_MS);
    const to = dateOf(monday - DAY_MS);
    assert.equal(mail.subject, `${SITE}: the week from ${from} to ${to}`);
    assert.equal(mail.to[0].address, "ada@example.com");
    for (const part of [mail.text, mail.html])
      for (const says of [
        "Daily visitors, summed",
        "Germany",
        "/pricing",
        "Hacker News",
        "/thanks",
      ])
        assert.ok(part.includes(says), `${says}\n${part}`);
    assert.match(
      mail.text,
      /Daily visitors, summed: 245 \(\+\d+(\.\d)?% from 98\)/,
    );
    assert.match(mail.text, /#{24} {2}44\n/);
    assert.ok(mail.text.includes("<script>alert(1)</script>"));
    assert.ok(!mail.html.includes("<script"));

    const shown = await browser.newPage();
    const asked = [];
    shown.on("request", (request) => asked.push(request.url()));
    await shown.setContent(mail.html);
    await shoot(shown, "report");
    assert.deepEqual(asked, [], "nothing is loaded from anywhere");
    assert.equal(await shown.locator("script, img, svg, link").count(), 0);
    writeFileSync(new URL("mail-report.txt", ARTIFACTS), mail.text);
    writeFileSync(new URL("mail-report.html", ARTIFACTS), mail.html);
    await shown.close();

    // Nothing more this week.
    setClock(monday + 2 * DAY_MS);
    await new Promise((done) => setTimeout(done, 2_500));
    assert.equal(smtp.mails.length, 0);

    // A mail program's own button (RFC 8058).
    const off = headerOf(mail, "List-Unsubscribe").match(/^<(\S+)>$/)[1];
    assert.equal(
      headerOf(mail, "List-Unsubscribe-Post"),
      "List-Unsubscribe=One-Click",
    );
    const looked = await fetch(off);
    assert.equal(looked.status, 200);
    await page.goto(off);
    await shoot(page, "unsubscribe");
    await page.goto(`${url}/sites/${SITE}/settings/mail`);
    assert.ok(
      await page.getByRole("checkbox", { name: "Every week" }).isChecked(),
    );
    const clicked = await fetch(off, {
      method: "POST",
      body: new URLSearchParams({ "List-Unsubscribe": "One-Click" }),
    });
    assert.equal(clicked.status, 200);
    await page.reload();
    assert.ok(
      !(await page.getByRole("checkbox", { name: "Every week" }).isChecked()),
    );
    await page.close();
  });

  test("no log holds an address, a link or the password", () => {
    assert.match(log, /a weekly report of shop\.example is to be tried again/);
    for (const secret of [
      "ada@example.com",
      "stranger@",
      "/reset/",
      "/unsubscribe/",
      "hunter2",
      "busy with",
    ])
      assert.ok(!log.includes(secret), `${secret} in\n${log}`);
  });
});
