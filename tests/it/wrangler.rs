//! The same build under wrangler: what Cloudflare would be given, and `wrangler dev`.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::proxies::certificate;
use crate::system::{KEY, PATIENCE, Process, System, dayfly, free_port, root, view};

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
            "env.JURISDICTION (\"eu\")",
            "env.CLIENT_IP_HEADER (\"CF-Connecting-IP\")",
        ] {
            assert!(told.contains(expected), "{arguments:?}\n{told}");
        }
    }
}

/// What scripts/deploy says of an aggregator, before it deploys.
fn deploy_check(url: &str, key: &str, authority: &Path) -> (bool, String) {
    let output = Command::new("node")
        .args(["edge/deploy-check.mjs", "production"])
        .current_dir(root())
        .env("AGGREGATOR_URL", url)
        .env("DAYFLY_EDGE_KEYS", key)
        .env("NODE_EXTRA_CA_CERTS", authority)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let problem = String::from_utf8_lossy(&output.stderr);
    (output.status.success(), format!("{told}{problem}"))
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
    let (is_well, told) = deploy_check(&url, KEY, &authority);
    assert!(is_well, "{told}");
    for line in [
        "jurisdiction",
        "logs",
        "objects",
        "aggregator",
        "key",
        "clock",
    ] {
        assert!(told.contains(&format!("ok       {line}")), "{told}");
    }
    let other = "another-key-another-key-another-key-";
    let plain = format!("http://localhost:{port}");
    let nothing = of("nothing");
    let no_one = format!("https://localhost:{}", free_port());
    for (url, key, authority, says) in [
        (url.as_str(), other, &authority, "does not take it"),
        (url.as_str(), "", &authority, "there is none to try"),
        (plain.as_str(), KEY, &authority, "AGGREGATOR_URL is http://"),
        (
            "https://stats.example.com",
            KEY,
            &authority,
            "AGGREGATOR_URL is",
        ),
        (url.as_str(), KEY, &nothing, "valid certificate"),
        (no_one.as_str(), KEY, &authority, "ECONNREFUSED"),
    ] {
        let (is_well, told) = deploy_check(url, key, authority);
        assert!(!is_well && told.contains(says), "{says}: {told}");
        assert!(key.is_empty() || !told.contains(key), "{told}");
    }
}

#[tokio::test]
async fn wrangler_dev_counts_a_page_view() {
    let mut system = System::start().await;
    let key = system.api_key();
    // Under wrangler the same edge port is served by wrangler's own runtime.
    system.stop_edge("TERM");
    let state = tempfile::tempdir().unwrap();
    let log = std::fs::File::create(system.log("wrangler")).unwrap();
    let mut command = wrangler(&["dev", "--local", "--port"]);
    command
        .arg(system.edge_port.to_string())
        .args(["--inspector-port", &free_port().to_string()])
        .arg("--persist-to")
        .arg(state.path())
        .args(["--var", "JURISDICTION:none"])
        .args(["--var", "FLUSH_MS:200"])
        .args(["--var", &format!("EDGE_KEYS:{KEY}")])
        .args([
            "--var",
            &format!("AGGREGATOR_URL:{}", system.dashboard_url("")),
        ])
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .process_group(0);
    let wrangler = Process::start(&mut command);
    let answers = async || {
        let answer = system.http.get(system.edge_url("/health")).send().await;
        answer.is_ok_and(|answer| answer.status() == 200)
    };
    system.until("wrangler dev answers", answers).await;
    let headers = [("MF-CF-Blob", r#"{"country":"SE"}"#)];
    let answer = system.post(view("/"), &headers).await;
    assert_eq!(answer.status(), 202);
    system.until_totals(&key, [1, 1]).await;
    let rows = system.rows(&key, &["visit:country"]).await;
    assert_eq!(rows, [(vec!["SE".into()], [1, 1])]);
    // Its own children go with the group.
    let group = format!("-{}", wrangler.id());
    let _ = Command::new("kill")
        .args(["-s", "TERM", "--", &group])
        .status();
}
