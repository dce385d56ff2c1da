//! The same build under wrangler: what Cloudflare would be given, what is looked at before, and
//! `wrangler dev`, which story.rs runs through.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::proxies::certificate;
use crate::system::{KEY, PATIENCE, Process, System, dayfly, free_port, root};

fn wrangler(arguments: &[&str]) -> Command {
    let mut command = Command::new(root().join("node_modules/.bin/wrangler"));
    command
        .args(arguments)
        .current_dir(root())
        .env("WRANGLER_SEND_METRICS", "false")
        .env("CLOUDFLARE_CF_FETCH_ENABLED", "false")
        .env("CI", "1")
        .stdin(Stdio::null());
    command
}

#[test]
fn wrangler_deploy_dry_run_passes_for_each_environment() {
    for arguments in [
        &["deploy", "--dry-run"][..],
        &["deploy", "--dry-run", "--env", "production"],
        &["deploy", "--dry-run", "--env", "development"],
    ] {
        let output = wrangler(arguments).output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let problem = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}\n{told}{problem}");
        for expected in [
            "env.ROSTER",
            "env.DAY",
            "env.FRONT",
            "env.JURISDICTION (\"eu\")",
            "env.CLIENT_IP_HEADER (\"CF-Connecting-IP\")",
        ] {
            assert!(told.contains(expected), "{arguments:?}\n{told}");
        }
    }
}

/// What is about to be deployed.
#[derive(Clone, Copy)]
struct Deployment<'a> {
    config: &'a Path,
    url: &'a str,
    key: &'a str,
    edge_url: &'a str,
    authority: &'a Path,
}

impl Deployment<'_> {
    fn tell(self, command: &mut Command) -> (bool, String) {
        let output = command
            .current_dir(root())
            .env("AGGREGATOR_URL", self.url)
            .env("DAYFLY_EDGE_KEYS", self.key)
            .env("DAYFLY_EDGE_URL", self.edge_url)
            .env("NODE_EXTRA_CA_CERTS", self.authority)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let told = format!("{told}{}", String::from_utf8_lossy(&output.stderr));
        assert!(self.key.is_empty() || !told.contains(self.key), "{told}");
        (output.status.success(), told)
    }

    /// What edge/deploy-check.mjs says of it.
    fn check(self) -> (bool, String) {
        let script = ["edge/deploy-check.mjs", "production"];
        self.tell(Command::new("node").args(script).arg(self.config))
    }
}

#[tokio::test]
async fn before_it_is_deployed_everything_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path(), "20");
    let of = |name: &str| folder.path().join(name);
    let (data, port) = (tempfile::tempdir().unwrap(), free_port());
    let salts = tempfile::tempdir_in("/dev/shm").unwrap();
    let mut server = Command::new(dayfly());
    server
        .args(["serve", "--port", &port.to_string(), "--tls-cert"])
        .arg(of("chain.pem"))
        .arg("--tls-key")
        .arg(of("key.pem"))
        .env("DAYFLY_DATA", data.path())
        .env("DAYFLY_SALTS_DIR", salts.path())
        .env("DAYFLY_EDGE_KEYS", KEY)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let _server = Process::start(&mut server);
    let url = format!("https://localhost:{port}");
    let until = std::time::Instant::now() + PATIENCE;
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(
            std::time::Instant::now() < until,
            "the server does not listen"
        );
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let authority = of("ca.pem");
    let shipped = root().join("wrangler.toml");
    let good = Deployment {
        config: &shipped,
        url: &url,
        key: KEY,
        edge_url: "https://count.example.com",
        authority: &authority,
    };
    let (is_well, told) = good.check();
    assert!(is_well, "{told}");
    for line in [
        "jurisdiction",
        "place        near aws:eu-central-1",
        "logs",
        "objects",
        "address      count.example.com",
        "aggregator",
        "key",
        "clock",
    ] {
        assert!(told.contains(&format!("ok       {line}")), "{told}");
    }
    let plain = format!("http://localhost:{port}");
    let nothing = of("nothing");
    let no_one = format!("https://localhost:{}", free_port());
    let key = "another-key-another-key-another-key-";
    let url = "https://stats.example.com";
    let edge_url = "https://count.example.com/me";
    for (deployment, says) in [
        (Deployment { key, ..good }, "does not take it"),
        (Deployment { key: "", ..good }, "there is none to try"),
        (
            Deployment {
                url: &plain,
                ..good
            },
            "AGGREGATOR_URL is http://",
        ),
        (Deployment { url, ..good }, "AGGREGATOR_URL is"),
        (
            Deployment {
                authority: &nothing,
                ..good
            },
            "valid certificate",
        ),
        (
            Deployment {
                url: &no_one,
                ..good
            },
            "ECONNREFUSED",
        ),
        (
            Deployment {
                edge_url: "",
                ..good
            },
            "no browser would find it",
        ),
        (Deployment { edge_url, ..good }, "DAYFLY_EDGE_URL is"),
    ] {
        let (is_well, told) = deployment.check();
        assert!(!is_well && told.contains(says), "{says}: {told}");
    }
    settings_are_looked_at(good, folder.path());

    // The same, and what wrangler makes of it.
    let (is_well, told) = good.tell(Command::new("scripts/deploy").args(["production", "--check"]));
    assert!(is_well && told.contains("deploy: all is well"), "{told}");
    assert!(told.contains("env.EDGE_KEYS"), "{told}");
}

/// Changes wrangler.toml in one place, and sees that it is noticed; or that it is well.
fn settings_are_looked_at(good: Deployment<'_>, folder: &Path) {
    let shipped = std::fs::read_to_string(good.config).unwrap();
    let placement = "[placement]\nregion = \"aws:eu-central-1\"";
    let vars = "[env.production.vars]\n";
    let strict = format!("{vars}EU_ONLY = \"strict\"\n");
    let no_placement = "[placement]\nmode = \"off\"";
    for (changes, says) in [
        (
            vec![(placement, no_placement)],
            "ok       place        near the visitor",
        ),
        (
            vec![(placement, no_placement), (vars, &strict)],
            "ok       place        locations outside the EU pass requests on",
        ),
        (
            vec![(placement, "[placement]\nregion = \"gcp:europe-west1\"")],
            "ok       place        near gcp:europe-west1",
        ),
        (
            vec![(placement, "[placement]\nhostname = \"localhost\"")],
            "ok       place        near localhost",
        ),
        (
            vec![(placement, "[placement]\nregion = \"aws:eu-west-2\"")],
            "PROBLEM  place        placement near aws:eu-west-2",
        ),
        (
            vec![(placement, "[placement]\nmode = \"smart\"")],
            "PROBLEM  place        placement near smart",
        ),
        (
            vec![(placement, "[placement]\nhostname = \"cdn.example.com\"")],
            "PROBLEM  place        placement near cdn.example.com",
        ),
        (
            vec![(vars, &*strict)],
            "PROBLEM  place        EU_ONLY goes by",
        ),
        (
            vec![(vars, "[env.production.vars]\nEU_ONLY = \"yes\"\n")],
            "PROBLEM  place        EU_ONLY is yes",
        ),
        (
            vec![("JURISDICTION = \"eu\"", "JURISDICTION = \"us\"")],
            "PROBLEM  jurisdiction",
        ),
        (
            vec![("invocation_logs = false", "invocation_logs = true")],
            "PROBLEM  logs",
        ),
        (vec![("logpush = false", "logpush = true")], "PROBLEM  logs"),
        (
            vec![("[\"FrontObject\"]", "[\"OtherObject\"]")],
            "PROBLEM  objects      FRONT:FrontObject",
        ),
        (
            vec![("required = [\"EDGE_KEYS\"]", "required = []")],
            "PROBLEM  secret",
        ),
        (
            vec![("\"CF-Connecting-IP\"", "\"X-Forwarded-For\"")],
            "PROBLEM  visitors",
        ),
    ] {
        let mut text = shipped.clone();
        for (from, to) in &changes {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        let config = folder.join("wrangler.toml");
        std::fs::write(&config, text).unwrap();
        let (is_well, told) = Deployment {
            config: &config,
            ..good
        }
        .check();
        assert!(told.contains(says), "{says}: {told}");
        assert_eq!(is_well, says.starts_with("ok"), "{says}: {told}");
    }
}

/// `wrangler dev` in the place of workerd, with the settings that the system has.
pub fn dev(system: &System) -> Command {
    let mut command = wrangler(&["dev"]);
    // The same configuration with another entry, and from wherever it is started.
    if system.options.test_clock {
        command.arg("edge/build-test-clock/entry.js");
    }
    command
        .arg("--cwd")
        .arg(root())
        .args(["--local", "--port", &system.edge_port.to_string()])
        .args(["--inspector-port", &free_port().to_string()])
        .arg("--persist-to")
        .arg(system.edge_state());
    let key = system.options.edge_key.unwrap_or(KEY);
    let aggregator = format!("http://{}", system.aggregator_address());
    let of_here = [
        (
            "JURISDICTION",
            system.options.jurisdiction.unwrap_or("none"),
        ),
        ("FLUSH_MS", "200"),
        ("EDGE_KEYS", key),
        ("AGGREGATOR_URL", &aggregator),
    ];
    for (name, value) in of_here.into_iter().chain(system.edge_variables()) {
        command.args(["--var", &format!("{name}:{value}")]);
    }
    command
}
