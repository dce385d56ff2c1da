//! Visitors whose every trace is known: what they send is found again wherever it is kept.

use std::hash::BuildHasher as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::json;

use crate::needles::{encoded, of_person};
use crate::system::{KEY, SITE, System};

/// A number that no other run has.
pub fn random() -> u64 {
    std::hash::RandomState::new().hash_one(0)
}

/// Letters that look like no number of anything: a path keeps them.
fn letters() -> String {
    let n = random();
    let letter = |at: u32| char::from(b'g' + (n >> (4 * at) & 15) as u8);
    (0..12).map(letter).collect()
}

/// See the module. Addresses of the networks for benchmarks (RFC 2544, RFC 5180).
pub struct Canaries {
    v4: [Ipv4Addr; 3],
    v6: Ipv6Addr,
    agent: String,
    cookie: String,
    query: String,
    mail: String,
    token: String,
    forged: String,
    /// A page whose path is counted: it must be found, or the look has no eyes.
    pub control: String,
    /// The page they see on another site.
    pub elsewhere: String,
}

impl Canaries {
    /// New ones.
    pub fn new() -> Self {
        let [a, b, c] = std::array::from_fn(|_| random());
        let v4 = [a, b, c].map(|n| Ipv4Addr::from_bits(0xc612_0000 | (n as u32 & 0x0001_ffff)));
        let groups: [u16; 5] = std::array::from_fn(|_| random() as u16 | 0x1001);
        let [d, e, f, g, h] = groups;
        let secret = |name: &str| format!("{name}{:016x}", random());
        Self {
            v4,
            v6: Ipv6Addr::new(0x2001, 0x2, 0, d, e, f, g, h),
            agent: format!(
                "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0 {}",
                secret("Canary")
            ),
            cookie: secret("cookie"),
            query: secret("query"),
            mail: format!("{}@mail.example", secret("ada")),
            token: format!("{:016x}{:016x}", random(), random()),
            forged: secret("forged"),
            control: format!("/seen/{}", letters()),
            elsewhere: format!("/elsewhere/{}", letters()),
        }
    }

    /// The addresses, as texts.
    pub fn addresses(&self) -> Vec<String> {
        let v4 = self.v4.iter().map(Ipv4Addr::to_string);
        v4.chain([self.v6.to_string()]).collect()
    }

    /// The browser.
    pub fn agent(&self) -> &str {
        &self.agent
    }

    /// One page view of each at a site.
    pub async fn view(&self, system: &System, site: &str) {
        for address in self.addresses() {
            let page = match site {
                SITE => &self.control,
                _ => &self.elsewhere,
            };
            let url = format!("https://{site}{page}");
            let body = json!({ "n": "pageview", "d": site, "u": url }).to_string();
            let headers = [("X-Real-IP", &*address), ("user-agent", &*self.agent)];
            let answer = system.post(body, &headers).await;
            assert_eq!(answer.status(), 202);
            assert!(answer.headers().get("x-dayfly-dropped").is_none());
        }
    }

    /// Everything that tells who it was, in every form; and the control, by its name.
    pub fn needles(&self, date: &str) -> Vec<(String, Vec<u8>)> {
        let mut all = Vec::new();
        let mut add = |name: &str, needles: Vec<Vec<u8>>| {
            all.extend(needles.into_iter().map(|needle| (name.to_owned(), needle)));
        };
        for address in self.addresses() {
            add(
                "an address or a hash of it",
                of_person(&address, &self.agent, SITE, date, KEY),
            );
        }
        for address in self.v4 {
            let bits = address.to_bits();
            add(
                "an address as a number",
                vec![bits.to_string().into_bytes()],
            );
        }
        for (name, secret) in [
            ("the User-Agent", &self.agent),
            ("the cookie", &self.cookie),
            ("the referrer's query", &self.query),
            ("the mail address in the path", &self.mail),
            ("the token in the path", &self.token),
            ("a header's value", &self.forged),
        ] {
            add(name, encoded(secret.as_bytes()));
            // What is unique of it, in the midst of something else.
            let unique = secret.split('@').next().unwrap();
            let unique = unique.rsplit(' ').next().unwrap();
            add(name, encoded(unique.as_bytes()));
            add(
                name,
                crate::needles::hashed(secret.as_bytes(), &[KEY.as_bytes()]),
            );
        }
        // Four bytes are found anywhere by chance, three times four are not (`packed_addresses`).
        for (at, address) in self.v4.iter().enumerate() {
            add(PACKED[at], vec![address.octets().to_vec()]);
        }
        add(CONTROL, vec![self.control.clone().into_bytes()]);
        all
    }

    /// Sends what they do on a site; all of it is acknowledged, or refused without a trace.
    pub async fn visit(&self, system: &System) {
        let agent = ("user-agent", self.agent.as_str());
        let cookie = format!("session={}", self.cookie);
        let referrer = format!("https://search.example/find?q={}", self.query);
        let page = |path: &str| {
            json!({
                "n": "pageview", "d": SITE, "u": format!("https://{SITE}{path}"), "r": referrer,
            })
            .to_string()
        };
        let paths = [
            format!("{}?key={}&utm_source=news", self.control, self.query),
            format!("/people/{}/orders", self.mail),
            format!("/reset/{}#{}", self.token, self.query),
        ];
        for address in self.addresses() {
            let headers = [
                ("X-Real-IP", address.as_str()),
                agent,
                ("cookie", &cookie),
                ("x-forwarded-for", &self.forged),
                ("authorization", &self.forged),
            ];
            for path in &paths {
                let answer = system.post(page(path), &headers).await;
                assert_eq!(answer.status(), 202);
                assert!(answer.headers().get("x-dayfly-dropped").is_none());
            }
            // What is refused must not tell either.
            for body in [
                format!("{{\"{}", self.query),
                json!({"n": self.token, "d": self.mail, "u": "no url"}).to_string(),
                page("/").replace(SITE, &format!("{}.example", self.query)),
            ] {
                let status = system.post(body, &headers).await.status().as_u16();
                assert!([202, 400].contains(&status), "{status}");
            }
            let mut asked = system.http.get(system.edge_url("/me"));
            for (name, value) in headers {
                asked = asked.header(name, value);
            }
            assert_eq!(asked.send().await.unwrap().status(), 200);
            // Whoever looks at the numbers has a browser, too; nothing of it is kept.
            for path in [
                "/login",
                "/sites/a.example",
                "/api/v2/query",
                "/edge/v1/salts",
                "/no",
            ] {
                let url = system.dashboard_url(&format!("{path}?q={}", self.query));
                let mut asked = system.http.get(url);
                for (name, value) in headers {
                    asked = asked.header(name, value);
                }
                asked.send().await.unwrap();
            }
        }
    }
}

/// The name of the needle that must be found.
pub const CONTROL: &str = "the page that is counted";
/// Names of addresses in four bytes.
pub const PACKED: [&str; 3] = ["four bytes 1", "four bytes 2", "four bytes 3"];
