//! A site's day from its settings to its end, as one run of the whole system: on workerd, under
//! `wrangler dev` (with the tests' clock, and until the evening in the bundle that Cloudflare would be
//! given), and on workerd where every request comes in outside the EU (`EU_ONLY`). The story is the same,
//! and so are the counts.

use jiff::civil::time;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::beacon::chunked;
use crate::eu_only::{self, CF_HEADER};
use crate::shields::dropped;
use crate::stored::until_stored;
use crate::system::{Options, Runtime, SITE, System, agent};

const ADDRESS: &str = "CF-Connecting-IP";
/// Where the platform names a country, this is it; Sweden's are assigned to where it does not.
const COUNTRY: &str = "SE";
const SWEDISH: [&str; 3] = ["130.237.28.40", "193.10.252.19", "2001:6b0::1"];
const LATE: &str = "late.example";

/// Somebody: an address and a browser.
type Person<'a> = (&'a str, &'a str);
const ANN: Person = (SWEDISH[0], "Ann");
const BEN: Person = (SWEDISH[1], "Ben");
const CEM: Person = (SWEDISH[2], "Cem");

struct Story {
    system: System,
    key: String,
    /// What the platform says of every request.
    cf: String,
}

impl Story {
    async fn send(&self, (address, browser): Person<'_>, event: &Value) -> Response {
        self.say((address, browser), event, &[]).await
    }

    async fn say(
        &self,
        (address, browser): Person<'_>,
        event: &Value,
        more: &[(&str, &str)],
    ) -> Response {
        let mut headers = vec![
            (ADDRESS, address),
            ("user-agent", browser),
            (CF_HEADER, &self.cf),
        ];
        headers.extend(more);
        self.system.post(event.to_string(), &headers).await
    }

    /// An event that must be counted.
    async fn count(&self, person: Person<'_>, event: Value) {
        assert_eq!(dropped(&self.send(person, &event).await), None, "{event}");
    }

    async fn me(&self, method: Method, (address, browser): Person<'_>) -> Value {
        let request = self
            .system
            .http
            .request(method, self.system.edge_url("/me?site=a.example"));
        let request = request.header(ADDRESS, address).header(CF_HEADER, &self.cf);
        let answer = request
            .header("user-agent", agent(browser))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json::<Value>().await.unwrap()["sites"][0]["held"].take()
    }

    async fn settings_arrive(&mut self) {
        let system = &self.system;
        system.dayfly(&["shield", "add", SITE, "page", "/admin/**"]);
        system.dayfly(&["goal", "add", SITE, "--event", "Signup"]);
        self.system.start_edge().await;
        if self.system.options.test_clock {
            self.system.advance_to(time(12, 0, 0, 0)).await;
        }
        // A site that is added while the edge runs.
        let event = json!({"n": "pageview", "u": format!("https://{LATE}/")});
        let told = self.send(CEM, &event).await;
        assert_eq!(dropped(&told), Some(("unknown_site", "1")));
        self.system.dayfly(&["site", "add", LATE]);
        let is_known = async || dropped(&self.send(CEM, &event).await).is_none();
        self.system.until("the new site is known", is_known).await;
    }

    /// Beacons of every kind that is counted.
    async fn beacons(&self) {
        let page = |path: &str| format!("https://a.example{path}");
        self.count(ANN, json!({"n": "pageview", "u": page("/?utm_campaign=spring"), "r": "https://www.google.com/"})).await;
        self.count(ANN, json!({"n": "pageview", "u": page("/pricing")}))
            .await;
        self.count(
            ANN,
            json!({"n": "engagement", "u": page("/pricing"), "e": 9_000, "sd": 80}),
        )
        .await;
        self.count(ANN, json!({"n": "Signup", "u": page("/pricing"), "p": {"plan": "pro"}, "$": {"currency": "EUR", "amount": "12.5"}})).await;
        self.count(BEN, json!({"n": "pageview", "u": page("/"), "d": SITE}))
            .await;
        // Global Privacy Control: a page view of nobody.
        let gpc = self
            .say(
                BEN,
                &json!({"n": "pageview", "u": page("/")}),
                &[("sec-gpc", "1")],
            )
            .await;
        assert_eq!(dropped(&gpc), None);
        // Two sites by one event.
        self.count(
            CEM,
            json!({"n": "pageview", "u": page("/"), "d": format!("{SITE},{LATE}")}),
        )
        .await;
    }

    async fn limits_and_refusals(&self) {
        let view = |path: &str| json!({"n": "pageview", "u": format!("https://a.example{path}")});
        for (person, event, reason) in [
            ((SWEDISH[0], "raw:curl/8.5.0"), view("/"), "bot"),
            (ANN, view("/admin/users"), "shield_page"),
            (
                ANN,
                json!({"n": "pageview", "u": "https://a.example/", "r": "http://darodar.com/"}),
                "spam_referrer",
            ),
        ] {
            assert_eq!(
                dropped(&self.send(person, &event).await),
                Some((reason, "1"))
            );
        }
        for (event, field) in [
            (json!({"n": "pageview"}), "url"),
            (json!({"u": "https://a.example/"}), "name"),
            (json!({"n": "pageview", "u": "data:x"}), "url"),
        ] {
            let answer = self.send(ANN, &event).await;
            assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
            let told: Value = answer.json().await.unwrap();
            assert!(told["errors"][field][0].is_string(), "{told}");
        }
        let large = json!({"n": "x".repeat(70_000)});
        let answer = self.send(ANN, &large).await;
        assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
        let answer = chunked(
            &self.system,
            100_000,
            &format!("{CF_HEADER}: {}\r\n", self.cf),
        )
        .await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        for (method, path, status) in [
            (Method::OPTIONS, "/api/event", 204),
            (Method::PUT, "/api/event", 405),
            (Method::GET, "/js/script.js", 200),
            (Method::GET, "/health", 200),
            (Method::GET, "/nothing", 404),
        ] {
            let request = self.system.http.request(method, self.system.edge_url(path));
            let answer = request.header(CF_HEADER, &self.cf).send().await.unwrap();
            assert_eq!(answer.status(), status, "{path}");
            assert_eq!(answer.headers()["access-control-allow-origin"], "*");
        }
    }

    async fn asking_and_objecting(&self) {
        let held = self.me(Method::GET, ANN).await;
        assert_eq!(
            (&held["events"], &held["client"]["country"]),
            (&json!(4), &json!(COUNTRY))
        );
        assert_eq!(held["pages"], json!(["/", "/pricing"]));
        assert_eq!(
            self.me(Method::GET, (SWEDISH[0], "nobody")).await,
            json!(null)
        );
        let left = self.me(Method::DELETE, BEN).await;
        assert_eq!(
            (&left["events"], &left["ignored_today"]),
            (&json!(0), &json!(true))
        );
        let event = json!({"n": "pageview", "u": "https://a.example/"});
        assert_eq!(
            dropped(&self.send(BEN, &event).await),
            Some(("opted_out", "1"))
        );
    }

    /// What was acknowledged is there after the edge was killed, and everybody is known again.
    async fn a_restart_keeps(&mut self) {
        let again = json!({"n": "pageview", "u": "https://a.example/again"});
        self.count(ANN, again.clone()).await;
        self.system.stop_edge("KILL");
        self.system.start_edge().await;
        self.count(ANN, again.clone()).await;
        assert_eq!(
            dropped(&self.send(BEN, &again).await),
            Some(("opted_out", "1"))
        );
        assert_eq!(self.me(Method::GET, ANN).await["events"], 6);
    }

    async fn a_query_tells(&self) {
        let system = &self.system;
        // Ann, Ben, Cem; five views of Ann's, Ben's two, one of which is nobody's, one of Cem's.
        system.until_totals(&self.key, [3, 7]).await;
        let rows = system.rows(&self.key, &["event:page"]).await;
        let row = |page: &str, counts| (vec![page.to_owned()], counts);
        assert_eq!(
            rows,
            [
                row("/", [3, 4]),
                row("/again", [1, 2]),
                row("/pricing", [1, 1])
            ]
        );
        let rows = system.rows(&self.key, &["visit:country"]).await;
        assert_eq!(rows, [row(COUNTRY, [3, 7])]);
        let rows = system
            .rows(&self.key, &["visit:source", "visit:utm_campaign"])
            .await;
        assert!(
            rows.contains(&(vec!["Google".into(), "spring".into()], [1, 4])),
            "{rows:?}"
        );
        let query = json!({
            "site_id": SITE, "metrics": ["visitors", "events"], "date_range": "day", "dimensions": ["event:goal"],
        });
        let (_, answer) = system.api(&self.key, &query).await;
        assert_eq!(
            answer["results"],
            json!([{"dimensions": ["Signup"], "metrics": [1, 1]}])
        );
        let columns = ["name", "currency", "revenue_milli", "revenue_events"];
        until_stored(
            system,
            "revenue",
            &columns,
            vec![json!(["Signup", "EUR", 12_500, 1])],
        )
        .await;
        let columns = ["name", "key", "value", "prop_events"];
        until_stored(
            system,
            "props",
            &columns,
            vec![json!(["Signup", "plan", "pro", 1])],
        )
        .await;
        let reasons = [
            ("bot", 1),
            ("shield_page", 1),
            ("opted_out", 2),
            ("spam_referrer", 1),
        ];
        let reasons = reasons.map(|(reason, n)| json!([SITE, reason, n]));
        until_stored(
            system,
            "dropped",
            &["domain", "reason", "n"],
            reasons.to_vec(),
        )
        .await;
    }

    /// The next day begins with nobody.
    async fn midnight(&mut self) {
        let day = self.system.today();
        self.system.advance_to(time(0, 2, 0, 0)).await;
        assert_eq!(self.me(Method::GET, ANN).await, json!(null));
        // Every visit has its end, and no row of a visitor is left.
        self.system.until_counted("00:02", day, [3, 3, 3, 0]).await;
        self.count(ANN, json!({"n": "pageview", "u": "https://a.example/"}))
            .await;
        self.count(BEN, json!({"n": "pageview", "u": "https://a.example/"}))
            .await;
        self.system.until_totals(&self.key, [2, 2]).await;
    }

    /// So many events of one address are too many in a minute.
    async fn a_flood(&self) {
        let flood: Person = ("198.51.100.4", "flood");
        let event = json!({"n": "pageview", "u": "https://a.example/flood"});
        let mut taken = 0;
        while dropped(&self.send(flood, &event).await).is_none() {
            taken += 1;
            // A front object each has a count of its own, and a minute may end.
            assert!(taken <= 8 * 600);
        }
        assert!(taken >= 300, "{taken}");
        self.system.until_totals(&self.key, [3, 2 + taken]).await;
    }
}

/// Without the tests' clock, in the bundle as it is deployed, the story ends before midnight.
async fn tell(runtime: Runtime, colo: &str, test_clock: bool) {
    let options = Options {
        runtime,
        test_clock,
        ..eu_only::strict()
    };
    let options = Options {
        eu_only: options.eu_only.filter(|_| runtime == Runtime::Cloudflare),
        ..options
    };
    let system = System::aggregator_alone_with(options).await;
    let mut story = Story {
        key: system.api_key(),
        system,
        // Without the last wrangler believes that every client takes Brotli.
        cf: json!({"country": COUNTRY, "colo": colo, "clientAcceptEncoding": ""}).to_string(),
    };
    story.settings_arrive().await;
    story.beacons().await;
    story.limits_and_refusals().await;
    story.asking_and_objecting().await;
    story.a_restart_keeps().await;
    story.a_query_tells().await;
    if test_clock {
        story.midnight().await;
        story.a_flood().await;
    }
}

#[tokio::test]
async fn a_day_on_workerd() {
    tell(Runtime::Workerd, "FRA", true).await;
}

#[tokio::test]
async fn a_day_under_wrangler_dev() {
    tell(Runtime::Wrangler, "FRA", true).await;
}

#[tokio::test]
async fn the_bundle_that_is_deployed_under_wrangler_dev() {
    tell(Runtime::Wrangler, "FRA", false).await;
}

#[tokio::test]
async fn a_day_of_requests_that_come_in_outside_the_eu() {
    tell(Runtime::Cloudflare, "IAD", true).await;
}
