// Plausible's npm trackers, as they are installed, against a whole Dayfly: only the address of the
// API is set. Run from the repository's root (the first time scripts/run compiles everything):
//   node --test tests/browser/plausible.test.mjs
// The trackers do not send from this machine's own host names, and one of them not from automated
// browsers: the site has a public name that Chromium resolves to this machine, and the pages are
// told that no program drives them. Nothing here sleeps for a fixed time.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { build } from "esbuild";
import {
  awayFromMidnight,
  CHROME,
  close,
  Dayfly,
  endAll,
  launchChromium,
  listen,
  ROOT,
  waitFor,
} from "./support.mjs";

const SITE = "shop.example";
const ELSEWHERE = "else.example";

/** What a site's own code does with each package; `track` is left to the tests. */
const PACKAGES = {
  "@plausible-analytics/tracker": (edge) => `
    import { init, track } from "@plausible-analytics/tracker";
    init({
      domain: "${SITE}",
      endpoint: "${edge}/api/event",
      outboundLinks: true,
      fileDownloads: true,
      formSubmissions: true,
    });
    window.track = track;`,
  "plausible-tracker": (edge) => `
    import Plausible from "plausible-tracker";
    const plausible = Plausible({ domain: "${SITE}", apiHost: "${edge}" });
    plausible.enableAutoPageviews();
    plausible.enableAutoOutboundTracking();
    window.track = plausible.trackEvent;`,
};

let browser, dayfly, server, port;
const scripts = {};

before(async () => {
  await awayFromMidnight(120_000);
  dayfly = await Dayfly.start({ site: SITE });
  for (const [name, code] of Object.entries(PACKAGES)) {
    const { outputFiles } = await build({
      stdin: { contents: code(dayfly.edge), resolveDir: ROOT },
      bundle: true,
      format: "iife",
      write: false,
    });
    scripts[`/${name}.js`] = outputFiles[0].text;
  }
  // Every path is a page, with the tracker its first folder names.
  server = createServer((request, response) => {
    const script = scripts[request.url];
    const type = script ? "text/javascript" : "text/html";
    response.writeHead(200, { "content-type": type });
    if (script) return response.end(script);
    const tracker = `/${decodeURIComponent(request.url.split("/")[1])}.js`;
    response.end(
      `<!doctype html><title>Shop</title><link rel="icon" href="data:,">
      <body style="height: 3000px">
        <a id="out" href="http://${ELSEWHERE}:${port}/there?a=b" target="_blank">x</a>
        <a id="file" href="/files/report.pdf" target="_blank">x</a>
        <form id="form" action="/done" target="_blank"><button>x</button></form>
        ${scripts[tracker] ? `<script defer src="${tracker}"></script>` : ""}`,
    );
  });
  port = await listen(server);
  browser = await launchChromium(
    "--host-resolver-rules=MAP *.example 127.0.0.1",
  );
});

after(async () => {
  await browser?.close();
  close(server);
  endAll();
});

for (const name of Object.keys(PACKAGES))
  describe(name, () => {
    const folder = `/${encodeURIComponent(name)}`;
    let context, page;
    let sent = [];

    before(async () => {
      context = await browser.newContext({ userAgent: CHROME });
      await context.addInitScript(() =>
        Object.defineProperty(navigator, "webdriver", { value: false }),
      );
      context.on("response", (response) => {
        if (response.url() != `${dayfly.edge}/api/event`) return;
        sent.push({
          ...response.request().postDataJSON(),
          status: response.status(),
          dropped: response.headers()["x-plausible-dropped"],
        });
      });
      page = await context.newPage();
    });

    after(() => context?.close());

    /** Does something and waits until all the events of it are answered, and with 202 and counted. */
    const acknowledged = async (names, act) => {
      sent = [];
      await act();
      await waitFor(
        `${names} of ${JSON.stringify(sent)}`,
        () => sent.length >= names.length,
      );
      assert.deepEqual(sent.map(({ n }) => n).sort(), [...names].sort());
      for (const { n, status, dropped } of sent)
        assert.deepEqual(
          { n, status, dropped },
          { n, status: 202, dropped: undefined },
        );
      return sent;
    };

    const address = (path) => `http://${SITE}:${port}${folder}${path}`;

    test("a page view is acknowledged and in the stats API", async () => {
      const [view] = await acknowledged(["pageview"], () =>
        page.goto(address("/first")),
      );
      assert.equal(view.d, SITE);
      assert.equal(view.u, address("/first"));
      const pages = await dayfly.settled();
      assert.deepEqual(pages.get(`/${name}/first`)?.[1], 1);
    });

    test("a custom event with props is acknowledged", async () => {
      const [event] = await acknowledged(["Signup"], () =>
        page.evaluate(() => track("Signup", { props: { plan: "pro" } })),
      );
      assert.match(JSON.stringify(event.p), /plan.*pro/);
    });

    const isOfficial = name.startsWith("@");

    if (isOfficial)
      test("a custom event with revenue is acknowledged", async () => {
        const revenue = { currency: "EUR", amount: "9.50" };
        const [event] = await acknowledged(["Purchase"], () =>
          page.evaluate((revenue) => track("Purchase", { revenue }), revenue),
        );
        assert.deepEqual(event.$, revenue);
      });

    test("a navigation inside the page is a page view in the stats API", async () => {
      // The official one also says how long the page before was engaged with.
      const names = isOfficial ? ["engagement", "pageview"] : ["pageview"];
      await acknowledged(names, () =>
        page.evaluate(
          (path) => history.pushState({}, "", path),
          `${folder}/second`,
        ),
      );
      const pages = await dayfly.settled();
      assert.deepEqual(pages.get(`/${name}/second`)?.[1], 1);
    });

    if (isOfficial)
      test("engagement is acknowledged when the page is hidden", async () => {
        await page.evaluate(
          () =>
            new Promise((resolve) => {
              addEventListener("scroll", resolve, { once: true });
              scrollTo(0, 2000);
            }),
        );
        const [engagement] = await acknowledged(["engagement"], () =>
          page.evaluate(() => {
            Object.defineProperty(document, "visibilityState", {
              value: "hidden",
              configurable: true,
            });
            document.dispatchEvent(new Event("visibilitychange"));
            delete document.visibilityState;
          }),
        );
        assert.equal(engagement.u, address("/second"));
        assert.ok(engagement.sd > 50, `sd: ${engagement.sd}`);
      });

    if (isOfficial)
      test("a download and a form's submission are acknowledged", async () => {
        const [download] = await acknowledged(["File Download"], () =>
          page.click("#file"),
        );
        assert.match(download.p.url, /\/files\/report\.pdf$/);
        await acknowledged(["Form: Submission"], () =>
          page.click("#form button"),
        );
      });

    test("an outbound link is acknowledged", async () => {
      const [event] = await acknowledged(["Outbound Link: Click"], () =>
        page.click("#out"),
      );
      assert.match(JSON.stringify(event.p), /else\.example:\d+\/there/);
    });
  });
