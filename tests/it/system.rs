//! One running Dayfly for a test: its own data folder, ports and processes. Everything ends with
//! the value.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

pub use crate::process::{Process, signal};

pub const KEY: &str = "test-key-test-key-test-key-test-key-";
pub const SITE: &str = "a.example";
/// How long anything is waited for before the test fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// The `dayfly` that was built beside this test, or the one that `DAYFLY_PROGRAM` names.
pub fn dayfly() -> PathBuf {
    if let Some(program) = std::env::var_os("DAYFLY_PROGRAM") {
        return program.into();
    }
    let mut folder = std::env::current_exe().unwrap();
    folder.pop();
    folder.pop();
    let program = folder.join("dayfly");
    assert!(
        program.exists(),
        "run scripts/test: {} is missing",
        program.display()
    );
    program
}

pub fn free_port() -> u16 {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.local_addr().unwrap().port()
}

/// What runs the Worker.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Runtime {
    /// workerd, with the configuration that is shipped.
    #[default]
    Workerd,
    /// `wrangler dev`, with wrangler.toml (wrangler.rs).
    Wrangler,
    /// workerd, with Cloudflare's jurisdictions and locations simulated (eu_only.rs).
    Cloudflare,
}

/// How to start a system that differs from the usual.
#[derive(Default)]
pub struct Options {
    /// What runs the Worker.
    pub runtime: Runtime,
    /// `EU_ONLY` of the edge.
    pub eu_only: Option<&'static str>,
    /// `CLIENT_IP_HEADER` of the edge.
    pub client_ip_header: Option<&'static str>,
    /// Another edge key than the aggregator's.
    pub edge_key: Option<&'static str>,
    /// `ACK` of the edge.
    pub ack: Option<&'static str>,
    /// Another `JURISDICTION` than none.
    pub jurisdiction: Option<&'static str>,
    /// Both sides' clocks can be put forward (clock.rs), and the aggregator can be made to refuse
    /// batches ([`System::refuse`]).
    pub test_clock: bool,
    /// `DAYFLY_TRUST_PROXY` of the aggregator.
    pub trust_proxy: Option<&'static str>,
    /// The port of the private listener, where there is one.
    pub metrics_port: Option<u16>,
    /// A Postgres database in the place of the SQLite file.
    pub postgres: bool,
    /// `DAYFLY_LOG` of the aggregator.
    pub log: Option<&'static str>,
}

pub struct System {
    pub data: TempDir,
    pub salts: TempDir,
    pub http: Client,
    pub edge_port: u16,
    pub dashboard_port: u16,
    /// The port the edge delivers to, if it is not that.
    pub delivers_to: Option<u16>,
    pub options: Options,
    /// The URL of its database, if it is not the file in the data folder.
    pub database: Option<String>,
    /// How far the clocks were put forward, ms.
    pub offset_ms: i64,
    pub aggregator: Option<Process>,
    pub edge: Option<Process>,
}

impl System {
    pub async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    pub async fn start_with(options: Options) -> Self {
        let mut system = Self::aggregator_alone_with(options).await;
        system.start_edge().await;
        system
    }

    /// For what needs no edge.
    pub async fn aggregator_alone() -> Self {
        Self::aggregator_alone_with(Options::default()).await
    }

    pub async fn aggregator_alone_with(options: Options) -> Self {
        let mut system = Self::unstarted(options).await;
        system.dayfly(&["site", "add", SITE, "--timezone", "Europe/Berlin"]);
        system.start_aggregator().await;
        system
    }

    /// A data folder with a key; there is no database yet, or an empty one on Postgres.
    pub async fn unstarted(options: Options) -> Self {
        crate::clock::away_from_midnight().await;
        let database = match options.postgres {
            true => Some(crate::postgres::database().await),
            false => None,
        };
        let system = Self {
            database,
            data: tempfile::tempdir().unwrap(),
            salts: tempfile::tempdir_in("/dev/shm").unwrap(),
            http: Client::builder().timeout(PATIENCE).build().unwrap(),
            edge_port: free_port(),
            dashboard_port: free_port(),
            delivers_to: None,
            options,
            offset_ms: 0,
            aggregator: None,
            edge: None,
        };
        std::fs::create_dir(system.data.path().join("edge")).unwrap();
        std::fs::write(system.data.path().join("edge.key"), KEY).unwrap();
        system
    }

    pub fn log(&self, name: &str) -> PathBuf {
        self.data.path().join(format!("{name}.log"))
    }

    /// Starts a process that writes to [`System::log`].
    pub fn logged(&self, command: &mut Command, name: &str) -> Process {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.log(name))
            .unwrap();
        command
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .stdin(Stdio::null())
            // Whatever it leaves behind where it stands, as a core dump, is seen.
            .current_dir(self.data.path());
        Process::start(command.process_group(0))
    }

    pub async fn start_aggregator(&mut self) {
        let mut command = Command::new(dayfly());
        command
            .arg("serve")
            .env("DAYFLY_DATA", self.data.path())
            .env("DAYFLY_SALTS_DIR", self.salts.path())
            .env("DASHBOARD_PORT", self.dashboard_port.to_string());
        if let Some(url) = &self.database {
            command.env("DAYFLY_DATABASE", url);
        }
        if let Some(proxies) = self.options.trust_proxy {
            command.env("DAYFLY_TRUST_PROXY", proxies);
        }
        if let Some(port) = self.options.metrics_port {
            command.env("DAYFLY_METRICS_LISTEN", format!("127.0.0.1:{port}"));
        }
        if let Some(level) = self.options.log {
            command.env("DAYFLY_LOG", level);
        }
        if self.options.test_clock {
            command.env("DAYFLY_TEST_CLOCK_FILE", self.clock_file());
            command.env("DAYFLY_TEST_REFUSE_FILE", self.refuse_file());
            command.env("DAYFLY_TEST_WIRE_FILE", self.wire_file());
        }
        self.aggregator = Some(self.logged(&mut command, "aggregator"));
        self.until_answers(self.dashboard_url("/health")).await;
    }

    fn wire_file(&self) -> PathBuf {
        self.data.path().join("test-wire")
    }

    /// Makes the aggregator take batches of these versions, as one of another release would
    /// (aggregator/src/test_version.rs).
    pub fn takes(&self, versions: &str) {
        assert!(self.options.test_clock);
        std::fs::write(self.wire_file(), versions).unwrap();
    }

    fn refuse_file(&self) -> PathBuf {
        self.data.path().join("test-refuse")
    }

    /// Makes the aggregator call every batch malformed that has this string, as one of another
    /// version would (aggregator/src/test_version.rs); `None` makes it take all again.
    pub fn refuse(&self, string: Option<&str>) {
        assert!(self.options.test_clock);
        match string {
            Some(string) => std::fs::write(self.refuse_file(), string).unwrap(),
            None => std::fs::remove_file(self.refuse_file()).unwrap(),
        }
    }

    pub async fn start_edge(&mut self) {
        match self.offset_ms {
            0 => self.start_edge_without_waiting(),
            _ => self.start_edge_on_time().await,
        }
        if self.options.edge_key.is_none() {
            self.until_answers(self.edge_url("/health")).await;
        }
    }

    pub fn start_edge_without_waiting(&mut self) {
        let mut command = match self.options.runtime {
            Runtime::Wrangler => crate::wrangler::dev(self),
            Runtime::Workerd | Runtime::Cloudflare => self.workerd(),
        };
        self.edge = Some(self.logged(&mut command, "edge"));
    }

    /// Where the edge delivers to.
    pub fn aggregator_address(&self) -> String {
        format!(
            "127.0.0.1:{}",
            self.delivers_to.unwrap_or(self.dashboard_port)
        )
    }

    /// What the edge keeps.
    pub fn edge_state(&self) -> PathBuf {
        self.data.path().join("edge")
    }

    /// Variables of the edge that differ from the usual.
    pub fn edge_variables(&self) -> Vec<(&'static str, &str)> {
        let optional = [
            ("CLIENT_IP_HEADER", self.options.client_ip_header),
            ("ACK", self.options.ack),
            ("EU_ONLY", self.options.eu_only),
        ];
        let is_set = |(name, value): (&'static str, Option<&'static str>)| Some((name, value?));
        optional.into_iter().filter_map(is_set).collect()
    }

    fn workerd(&self) -> Command {
        let mut command = Command::new(root().join("scripts/edge"));
        command
            .arg(self.edge_config())
            .arg(format!("--socket-addr=http=127.0.0.1:{}", self.edge_port))
            .arg(format!(
                "--external-addr=aggregator={}",
                self.aggregator_address()
            ))
            .arg(format!(
                "--directory-path=state={}",
                self.edge_state().display()
            ))
            .env("DAYFLY_EDGE_KEYS", self.options.edge_key.unwrap_or(KEY))
            .env("FLUSH_MS", "200")
            .envs(self.edge_variables());
        command
    }

    /// workerd's configuration: the shipped one, or a copy that differs in what the options say.
    fn edge_config(&self) -> PathBuf {
        let shipped = root().join("edge/workerd.capnp");
        let as_on_cloudflare = self.options.runtime == Runtime::Cloudflare;
        let build = match self.options.test_clock {
            true => root().join("edge/build-test-clock"),
            false => root().join("edge/build"),
        };
        if !as_on_cloudflare && self.options.jurisdiction.is_none() {
            return match self.options.test_clock {
                true => build.join("workerd.capnp"),
                false => shipped,
            };
        }
        let mut text = std::fs::read_to_string(shipped).unwrap();
        if as_on_cloudflare {
            text = crate::eu_only::as_on_cloudflare(&text, self.data.path());
        }
        if let Some(place) = self.options.jurisdiction {
            text = text.replace("text = \"none\"", &format!("text = \"{place}\""));
        }
        let copy = self.data.path().join("workerd.capnp");
        std::fs::write(&copy, text).unwrap();
        // What it embeds lies beside it.
        let beside = self.data.path().join("build");
        if !beside.exists() {
            std::os::unix::fs::symlink(build, beside).unwrap();
        }
        copy
    }

    /// Waits until a URL answers 200.
    pub async fn until_answers(&self, url: String) {
        let get = async || {
            let answer = self.http.get(&url).send().await;
            answer.is_ok_and(|answer| answer.status() == StatusCode::OK)
        };
        self.until(&format!("{url} answers"), get).await;
    }

    /// Waits until `holds`; fails the test when it does not come true.
    pub async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let until = Instant::now() + PATIENCE;
        while !holds().await {
            assert!(
                Instant::now() < until,
                "waited in vain until {what}\n{}",
                self.logs()
            );
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    pub fn logs(&self) -> String {
        let read = |name| std::fs::read_to_string(self.log(name)).unwrap_or_default();
        format!(
            "aggregator:\n{}\nedge:\n{}",
            read("aggregator"),
            read("edge")
        )
    }

    /// Ends a process as `signal` does, and waits until it is gone.
    pub fn stop_aggregator(&mut self, signal: &str) {
        let mut process = self.aggregator.take().unwrap();
        process.signal(signal);
        process.wait();
    }

    /// The same. Told to stop is whoever started workerd (`scripts/edge`); it is workerd that dies.
    pub fn stop_edge(&mut self, signal: &str) {
        let mut process = self.edge.take().unwrap();
        match signal {
            _ if self.options.runtime == Runtime::Wrangler => process.signal_group(signal),
            "TERM" => process.signal(signal),
            _ => self::signal(process.started("workerd"), signal),
        }
        process.wait();
    }

    pub fn edge_url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.edge_port)
    }

    pub fn dashboard_url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.dashboard_port)
    }

    /// Runs `dayfly` on the data folder; gives its standard output, and fails when it fails.
    pub fn dayfly(&self, arguments: &[&str]) -> String {
        let output = self.dayfly_output(arguments);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn dayfly_output(&self, arguments: &[&str]) -> std::process::Output {
        self.dayfly_told(arguments, "")
    }

    /// The same with something on its standard input.
    pub fn dayfly_told(&self, arguments: &[&str], input: &str) -> std::process::Output {
        let mut command = Command::new(dayfly());
        if let Some(url) = &self.database {
            command.env("DAYFLY_DATABASE", url);
        }
        if self.options.test_clock {
            command.env("DAYFLY_TEST_CLOCK_FILE", self.clock_file());
        }
        let mut child = command
            .env("DASHBOARD_PORT", self.dashboard_port.to_string())
            .arg("--data")
            .arg(self.data.path())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may end without reading.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// Makes an admin and logs them in; gives what a browser sends as `Cookie`.
    pub async fn log_in(&self) -> String {
        let words = ["user", "add", "admin@example.com", "--password-stdin"];
        let output = self.dayfly_told(&words, "correct horse battery");
        assert!(output.status.success(), "{output:?}");
        let url = self.dashboard_url("/login");
        let answer = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap()
            .post(url)
            .header("origin", self.dashboard_url(""))
            .header("content-type", "application/x-www-form-urlencoded")
            .body("mail=admin@example.com&password=correct+horse+battery")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        let set = answer.headers()["set-cookie"].to_str().unwrap();
        set.split(';').next().unwrap().to_owned()
    }

    pub async fn post(&self, body: impl Into<reqwest::Body>, headers: &[(&str, &str)]) -> Response {
        let mut request = self.http.post(self.edge_url("/api/event")).body(body);
        let mut has_agent = false;
        for (name, value) in headers {
            let is_agent = *name == "user-agent";
            has_agent |= is_agent;
            request = match is_agent {
                true => request.header(*name, agent(value)),
                false => request.header(*name, *value),
            };
        }
        if !has_agent {
            request = request.header("user-agent", agent("somebody"));
        }
        request.send().await.unwrap()
    }

    /// A page view that must be acknowledged.
    pub async fn view(&self, user_agent: &str, path: &str) {
        let answer = self.post(view(path), &[("user-agent", user_agent)]).await;
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        assert!(answer.headers().get("x-dayfly-dropped").is_none());
    }

    pub fn api_key(&self) -> String {
        // Tests ask again and again until something has come.
        let key = self.dayfly(&["key", "create", "--hourly-limit", "1000000"]);
        key.trim().to_owned()
    }

    pub async fn api(&self, key: &str, body: &Value) -> (StatusCode, Value) {
        let request = self
            .http
            .post(self.dashboard_url("/api/v2/query"))
            .bearer_auth(key)
            .json(body);
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    /// Rows of today: dimension values and [visitors, page views].
    pub async fn rows(&self, key: &str, dimensions: &[&str]) -> Vec<(Vec<String>, [u64; 2])> {
        const MOST: usize = 10_000;
        let mut rows = Vec::new();
        loop {
            let query = json!({
                "site_id": SITE, "metrics": ["visitors", "pageviews"], "date_range": "day",
                "dimensions": dimensions, "pagination": { "limit": MOST, "offset": rows.len() },
            });
            let (status, answer) = self.api(key, &query).await;
            assert_eq!(status, StatusCode::OK, "{answer}");
            let row = |row: &Value| {
                let texts = row["dimensions"].as_array().unwrap().iter();
                let texts = texts
                    .map(|text| text.as_str().unwrap().to_owned())
                    .collect();
                let number = |place: usize| row["metrics"][place].as_u64().unwrap();
                (texts, [number(0), number(1)])
            };
            let page = answer["results"].as_array().unwrap();
            rows.extend(page.iter().map(row));
            if page.len() < MOST {
                return rows;
            }
        }
    }

    pub async fn totals(&self, key: &str) -> [u64; 2] {
        self.rows(key, &[]).await[0].1
    }

    /// Waits until today's totals are `[visitors, page views]`.
    pub async fn until_totals(&self, key: &str, totals: [u64; 2]) {
        let mut last = [0, 0];
        let until = Instant::now() + PATIENCE;
        while last != totals {
            assert!(
                Instant::now() < until,
                "{last:?} is not {totals:?}\n{}",
                self.logs()
            );
            tokio::time::sleep(Duration::from_millis(25)).await;
            last = self.totals(key).await;
        }
    }
}

/// A browser's User-Agent, another one for each name. What is one already stays; what begins with
/// `raw:` is taken as it is.
pub fn agent(name: &str) -> String {
    if let Some(raw) = name.strip_prefix("raw:") {
        return raw.to_owned();
    }
    if name.starts_with("Mozilla/") {
        return name.to_owned();
    }
    let number = name
        .bytes()
        .fold(7u64, |n, b| n * 131 % 1_000_000_007 + u64::from(b));
    format!("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.{number}")
}

/// The body of a page view of [`SITE`].
pub fn view(path: &str) -> String {
    json!({ "n": "pageview", "u": format!("https://{SITE}{path}"), "d": SITE }).to_string()
}
