//! The same build under wrangler: what Cloudflare would be given, and `wrangler dev`.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::system::{KEY, Process, System, free_port, root, view};

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
fn wrangler_deploy_dry_run_passes() {
    let output = wrangler(&["deploy", "--dry-run"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{told}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for expected in ["env.ROSTER", "env.DAY", "env.JURISDICTION (\"eu\")"] {
        assert!(told.contains(expected), "{told}");
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
