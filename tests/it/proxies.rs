//! HTTPS before everything: the proxies of docs/proxy as they are written there, with other names, ports
//! and a local authority; TLS of our own; the units of packaging/systemd.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::system::{Options, PATIENCE, Process, System, dayfly, free_port, root, view};

/// A browser that tests nothing would know of, and what it says to be.
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
/// An address that a visitor pretends to have.
const FORGED: &str = "203.0.113.77";

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{told}{problem}");
    told
}

/// An authority in a folder (`ca.pem`), and a certificate of it for both names (`chain.pem`, `key.pem`).
pub fn certificate(folder: &Path, days: &str) {
    let of = |name: &str| folder.join(name).display().to_string();
    let openssl = |arguments: &str| {
        run(Command::new("openssl")
            .args(arguments.split(' ').map(|word| word.replace("%", " ")))
            .stderr(Stdio::null()));
    };
    if !folder.join("ca.pem").exists() {
        openssl(&format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=Local%authority -keyout {} -out {}",
            of("ca-key.pem"),
            of("ca.pem")
        ));
    }
    openssl(&format!(
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=stats.example.com -keyout {} -out {}",
        of("key.new"),
        of("request.pem")
    ));
    let names = "subjectAltName=DNS:stats.example.com,DNS:count.example.com,DNS:localhost\n";
    std::fs::write(folder.join("names"), names).unwrap();
    openssl(&format!(
        "x509 -req -in {} -CA {} -CAkey {} -CAcreateserial -days {days} -extfile {} -out {}",
        of("request.pem"),
        of("ca.pem"),
        of("ca-key.pem"),
        of("names"),
        of("chain.new")
    ));
    std::fs::rename(of("key.new"), of("key.pem")).unwrap();
    std::fs::rename(of("chain.new"), of("chain.pem")).unwrap();
}

/// Who asks by HTTPS, from an address of loopback of its own.
struct Browser {
    ca: PathBuf,
    https: u16,
    http: u16,
}

/// What curl was answered: status, headers in lower case, body.
struct Answer(u16, String, String);

impl Browser {
    fn curl(&self, url: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("curl");
        command
            .args(["-sS", "-i", "--max-time", "10", "-A", AGENT])
            .arg("--cacert")
            .arg(&self.ca);
        for (name, port) in [
            ("stats", self.https),
            ("count", self.https),
            ("stats", self.http),
            ("count", self.http),
        ] {
            command.args(["--resolve", &format!("{name}.example.com:{port}:127.0.0.1")]);
        }
        command.args(arguments).arg(url);
        command
    }

    fn ask(&self, url: &str, arguments: &[&str]) -> Answer {
        let told = run(&mut self.curl(url, arguments));
        let (head, body) = told.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer(status, head.to_lowercase(), body.to_owned())
    }

    fn https(&self, name: &str, path: &str) -> String {
        format!("https://{name}.example.com:{}{path}", self.https)
    }

    fn until_answers(&self, url: &str) {
        let until = Instant::now() + PATIENCE;
        while !self
            .curl(url, &["-o", "/dev/null"])
            .status()
            .unwrap()
            .success()
        {
            assert!(Instant::now() < until, "{url} does not answer");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Page views through a proxy: counted, from where they come, over HTTPS only; nothing of a visitor is in
/// a file of the proxy.
async fn is_a_good_proxy(system: &mut System, browser: &Browser, folder: &Path) {
    browser.until_answers(&browser.https("stats", "/login"));
    // Plain HTTP is sent to HTTPS.
    for name in ["stats", "count"] {
        let plain = format!("http://{name}.example.com:{}/x?y=1", browser.http);
        let Answer(status, head, _) = browser.ask(&plain, &[]);
        assert!(status == 308 || status == 301, "{status} {head}");
        assert!(
            head.contains(&format!("location: https://{name}.example.com")),
            "{head}"
        );
        assert!(head.contains("/x?y=1"), "{head}");
    }
    // The dashboard knows that it is asked over HTTPS, under its name.
    let Answer(status, head, _) = browser.ask(&browser.https("stats", "/login"), &[]);
    assert_eq!(status, 200);
    for header in [
        "strict-transport-security: ",
        "content-security-policy: ",
        "x-content-type-options: ",
    ] {
        assert!(head.contains(header), "{header} in {head}");
    }
    // The edge's channel is not for outside.
    let Answer(status, ..) = browser.ask(&browser.https("stats", "/edge/v1/roster"), &[]);
    assert_eq!(status, 404);
    // TLS 1.1 is refused.
    let old = browser.curl(
        &browser.https("stats", "/login"),
        &["--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0"],
    );
    assert!(!{ old }.status().unwrap().success());
    for version in ["--tlsv1.2", "--tlsv1.3"] {
        let Answer(status, ..) = browser.ask(&browser.https("count", "/health"), &[version]);
        assert_eq!(status, 200, "{version}");
    }
    // Two visitors who say to be somewhere else, with one browser, are told apart by where they are.
    let key = system.api_key();
    for address in ["127.0.0.1", "127.0.0.2", "127.0.0.1"] {
        let Answer(status, head, body) = browser.ask(
            &browser.https("count", "/api/event"),
            &[
                "--interface",
                address,
                "-H",
                &format!("X-Real-IP: {FORGED}"),
                "-H",
                &format!("X-Forwarded-For: {FORGED}"),
                "-d",
                &view("/"),
            ],
        );
        assert_eq!(status, 202, "{head} {body}");
        assert!(!head.contains("dropped"), "{head}");
    }
    system.until_totals(&key, [2, 3]).await;
    // What fails is not written down either.
    system.stop_edge("TERM");
    system.stop_aggregator("TERM");
    for name in ["stats", "count"] {
        let Answer(status, ..) = browser.ask(
            &browser.https(name, "/api/event"),
            &[
                "--interface",
                "127.0.0.3",
                "-H",
                &format!("X-Real-IP: {FORGED}"),
                "-d",
                "{}",
                // Answered before the body is read, a stream of HTTP/2 may be reset.
                "--http1.1",
            ],
        );
        assert_eq!(status, 502);
    }
    for address in ["127.0.0.2", "127.0.0.3", FORGED] {
        crate::privacy::assert_absent(folder, &[address.as_bytes()]);
    }
    crate::privacy::assert_absent(folder, &[AGENT.as_bytes()]);
}

async fn behind_a_proxy() -> System {
    System::start_with(Options {
        client_ip_header: Some("X-Real-IP"),
        trust_proxy: Some("127.0.0.1,::1"),
        ..Options::default()
    })
    .await
}

#[tokio::test]
async fn caddy_as_documented_counts_from_the_right_address_and_logs_none() {
    let mut system = behind_a_proxy().await;
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path(), "20");
    let browser = Browser {
        ca: folder.path().join("ca.pem"),
        https: free_port(),
        http: free_port(),
    };
    let written = std::fs::read_to_string(root().join("docs/proxy/Caddyfile")).unwrap();
    let tls = format!("\ttls {0}/chain.pem {0}/key.pem\n", folder.path().display());
    let config = written
        .replace(
            "{\n\t# Caddy writes",
            &format!(
                "{{\n\tadmin off\n\thttp_port {}\n\thttps_port {}\n\tauto_https disable_certs\n\t# Caddy writes",
                browser.http, browser.https
            ),
        )
        .replace("example.com {\n", &format!("example.com {{\n{tls}"))
        .replace("127.0.0.1:8000", &format!("127.0.0.1:{}", system.dashboard_port))
        .replace("127.0.0.1:8787", &format!("127.0.0.1:{}", system.edge_port));
    assert_eq!(config.matches(&tls).count(), 2);
    std::fs::write(folder.path().join("Caddyfile"), config).unwrap();
    let log = std::fs::File::create(folder.path().join("log")).unwrap();
    let mut command = Command::new("caddy");
    command
        .args(["run", "--adapter", "caddyfile", "--config"])
        .arg(folder.path().join("Caddyfile"))
        .env("HOME", folder.path())
        .env("XDG_DATA_HOME", folder.path().join("share"))
        .env("XDG_CONFIG_HOME", folder.path().join("config"))
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    let _caddy = Process::start(&mut command);
    is_a_good_proxy(&mut system, &browser, folder.path()).await;
}

#[tokio::test]
async fn nginx_as_documented_counts_from_the_right_address_and_logs_none() {
    let mut system = behind_a_proxy().await;
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path(), "20");
    let browser = Browser {
        ca: folder.path().join("ca.pem"),
        https: free_port(),
        http: free_port(),
    };
    let live = "/etc/letsencrypt/live/stats.example.com";
    let here = folder.path().display().to_string();
    let written = std::fs::read_to_string(root().join("docs/proxy/nginx.conf")).unwrap();
    let config = written
        .replace(
            &format!("{live}/fullchain.pem"),
            &format!("{here}/chain.pem"),
        )
        .replace(&format!("{live}/privkey.pem"), &format!("{here}/key.pem"))
        .replace("listen [::]:80;", "")
        .replace("listen [::]:443 ssl http2;", "")
        .replace("listen 80;", &format!("listen {};", browser.http))
        .replace("listen 443 ssl", &format!("listen {} ssl", browser.https))
        .replace(
            "127.0.0.1:8000",
            &format!("127.0.0.1:{}", system.dashboard_port),
        )
        .replace("127.0.0.1:8787", &format!("127.0.0.1:{}", system.edge_port));
    assert!(
        !config.contains(live) && !config.contains(" 443 "),
        "{config}"
    );
    std::fs::write(folder.path().join("dayfly.conf"), config).unwrap();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {here}/{name};\n"))
        .concat();
    let around = format!(
        "daemon off;\npid {here}/pid;\nerror_log {here}/error.log;\nevents {{}}\nhttp {{\naccess_log {here}/access.log;\n{temporary}include {here}/dayfly.conf;\n}}\n"
    );
    std::fs::write(folder.path().join("nginx.conf"), around).unwrap();
    let mut command = Command::new("nginx");
    command
        .args(["-e", &format!("{here}/start.log"), "-p", &here, "-c"])
        .arg(folder.path().join("nginx.conf"))
        .stdin(Stdio::null());
    let mut nginx = Process::start(&mut command);
    is_a_good_proxy(&mut system, &browser, folder.path()).await;
    nginx.signal("TERM");
    nginx.wait();
}

/// `dayfly front` before a system.
fn front(system: &System, browser: &Browser, folder: &Path) -> Process {
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(folder.join("log"))
        .unwrap();
    let of = |name: &str| folder.join(name).display().to_string();
    let mut command = Command::new(dayfly());
    command
        .arg("front")
        .env(
            "DAYFLY_FRONT_LISTEN",
            format!("127.0.0.1:{}", browser.https),
        )
        .env(
            "DAYFLY_FRONT_REDIRECT_LISTEN",
            format!("127.0.0.1:{}", browser.http),
        )
        .env("DAYFLY_FRONT_TLS_CERT", of("chain.pem"))
        .env("DAYFLY_FRONT_TLS_KEY", of("key.pem"))
        .env(
            "DAYFLY_FRONT_EDGE",
            format!("count.example.com=127.0.0.1:{}", system.edge_port),
        )
        .env(
            "DAYFLY_FRONT_DASHBOARD",
            format!("stats.example.com=127.0.0.1:{}", system.dashboard_port),
        )
        .env("DAYFLY_LOG", "trace")
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .stdin(Stdio::null());
    Process::start(&mut command)
}

#[tokio::test]
async fn our_own_front_counts_from_the_right_address_and_logs_none() {
    let mut system = behind_a_proxy().await;
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path(), "20");
    let browser = Browser {
        ca: folder.path().join("ca.pem"),
        https: free_port(),
        http: free_port(),
    };
    let _front = front(&system, &browser, folder.path());
    is_a_good_proxy(&mut system, &browser, folder.path()).await;
    // Another name is nobody's, whatever address it is asked at.
    let other = format!("https://localhost:{}/login", browser.https);
    let Answer(status, _, body) = browser.ask(&other, &[]);
    assert_eq!((status, body.contains("has this name")), (421, true));
}

#[tokio::test]
async fn our_own_front_lets_views_wait_while_the_edge_is_restarted_and_renews_certificates() {
    let mut system = behind_a_proxy().await;
    let key = system.api_key();
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path(), "20");
    let browser = Browser {
        ca: folder.path().join("ca.pem"),
        https: free_port(),
        http: free_port(),
    };
    let mut front = front(&system, &browser, folder.path());
    browser.until_answers(&browser.https("count", "/health"));
    let stop = Arc::new(AtomicBool::new(false));
    let visitors: Vec<_> = (0..3)
        .map(|n| {
            let stop = stop.clone();
            let (body, agent) = (view(&format!("/{n}")), format!("{AGENT}.{n}"));
            let url = browser.https("count", "/api/event");
            let mut command = browser.curl(&url, &["-A", &agent, "-d", &body]);
            std::thread::spawn(move || {
                let (mut acknowledged, mut refused) = (0, 0);
                while !stop.load(Ordering::Relaxed) {
                    let told = run(&mut command);
                    match told.starts_with("HTTP/1.1 202") {
                        true => acknowledged += 1,
                        // What was under way in the very moment may be counted or not.
                        false => refused += 1,
                    }
                    assert!(
                        told.starts_with("HTTP/1.1 202") || told.contains("502"),
                        "{told}"
                    );
                }
                [acknowledged, refused]
            })
        })
        .collect();
    for _ in 0..3 {
        std::thread::sleep(Duration::from_millis(300));
        system.stop_edge("TERM");
        std::thread::sleep(Duration::from_millis(300));
        system.start_edge().await;
    }
    // A renewed certificate, and one that cannot be used: what was read before goes on.
    certificate(folder.path(), "9");
    front.signal("HUP");
    std::thread::sleep(Duration::from_millis(300));
    std::fs::write(folder.path().join("chain.pem"), "nothing").unwrap();
    front.signal("HUP");
    std::thread::sleep(Duration::from_millis(300));
    stop.store(true, Ordering::Relaxed);
    let (mut acknowledged, mut refused) = (0, 0);
    for visitor in visitors {
        let of = visitor.join().unwrap();
        acknowledged += of[0];
        refused += of[1];
    }
    assert!(
        acknowledged > 30 && refused <= 3,
        "{acknowledged}, {refused}"
    );
    let counted = async || system.totals(&key).await[1] >= acknowledged;
    system.until("all are counted", counted).await;
    let [visitors, views] = system.totals(&key).await;
    assert!(visitors == 3 && views <= acknowledged + refused, "{views}");
    front.signal("TERM");
    assert!(front.wait().success());
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains("certificate and key were read again"), "{log}");
    assert!(log.contains("what was read before goes on"), "{log}");
}

#[tokio::test]
async fn our_own_front_hands_the_edge_no_request_that_is_large_or_never_whole() {
    let system = behind_a_proxy().await;
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path(), "20");
    let browser = Browser {
        ca: folder.path().join("ca.pem"),
        https: free_port(),
        http: free_port(),
    };
    let _front = front(&system, &browser, folder.path());
    browser.until_answers(&browser.https("count", "/health"));
    let large = folder.path().join("large");
    std::fs::write(&large, vec![b'x'; 64 * 1024 + 1]).unwrap();
    let url = browser.https("count", "/api/event");
    let large = format!("@{}", large.display());
    let Answer(status, head, _) = browser.ask(&url, &["--data-binary", &large]);
    assert_eq!(status, 413);
    assert!(head.contains("access-control-allow-origin: *"), "{head}");
    // A body that was promised and does not come.
    let Answer(status, ..) = browser.ask(
        &url,
        &["--max-time", "20", "-H", "Content-Length: 100", "-d", "{}"],
    );
    assert_eq!(status, 408);
    // What a page asks before it sends, and the script.
    let Answer(status, head, _) = browser.ask(&url, &["-X", "OPTIONS"]);
    assert!(status == 204 || status == 200, "{status}");
    assert!(head.contains("access-control-allow-origin: *"), "{head}");
    let Answer(status, ..) = browser.ask(&browser.https("count", "/js/script.js"), &[]);
    assert_eq!(status, 200);
}

#[tokio::test]
async fn tls_of_our_own_takes_1_2_and_1_3_and_new_certificates_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path(), "20");
    let browser = Browser {
        ca: folder.path().join("ca.pem"),
        https: free_port(),
        http: free_port(),
    };
    let data = tempfile::tempdir().unwrap();
    let salts = tempfile::tempdir_in("/dev/shm").unwrap();
    let serve = |arguments: &[String]| {
        let mut command = Command::new(dayfly());
        command
            .arg("serve")
            .args(arguments)
            .env("DAYFLY_DATA", data.path())
            .env("DAYFLY_SALTS_DIR", salts.path())
            .env("DAYFLY_EDGE_KEYS", crate::system::KEY)
            .stdin(Stdio::null());
        command
    };
    let of = |name: &str| folder.path().join(name).display().to_string();
    let options = [
        "--port".into(),
        browser.https.to_string(),
        "--tls-cert".into(),
        of("chain.pem"),
        "--tls-key".into(),
        of("key.pem"),
        "--redirect-listen".into(),
        format!("127.0.0.1:{}", browser.http),
    ];
    // What cannot be used is refused, by its name.
    for (place, file, says) in [
        (3, "key.pem", "tls-cert: "),
        (5, "chain.pem", "tls-key: "),
        (5, "nothing", "tls-key: "),
    ] {
        let mut wrong = options.to_vec();
        wrong[place] = of(file);
        let output = serve(&wrong).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && told.contains(says), "{told}");
    }
    let alone = serve(&options[..4]).output().unwrap();
    assert!(!alone.status.success(), "a certificate without its key");

    let mut server = Process::start(serve(&options).stdout(Stdio::null()).stderr(Stdio::null()));
    let login = browser.https("stats", "/login");
    browser.until_answers(&login);
    for version in ["--tlsv1.2", "--tlsv1.3"] {
        let Answer(status, head, _) = browser.ask(&login, &[version]);
        assert_eq!(status, 200);
        assert!(head.contains("strict-transport-security: "), "{head}");
        assert!(head.starts_with("http/1.1"), "{head}");
    }
    let old = browser.curl(
        &login,
        &["--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0"],
    );
    assert!(!{ old }.status().unwrap().success());
    let plain = format!("http://stats.example.com:{}/login?next=/x", browser.http);
    let Answer(status, head, _) = browser.ask(&plain, &[]);
    assert_eq!(status, 308);
    let place = format!(
        "location: https://stats.example.com:{}/login?next=/x",
        browser.https
    );
    assert!(head.contains(&place), "{head}");

    // Another certificate, told by SIGHUP; then one that cannot be used.
    let serial = || {
        let told = Command::new("sh")
            .args(["-c", "openssl s_client -connect 127.0.0.1:$0 </dev/null 2>/dev/null | openssl x509 -noout -serial"])
            .arg(browser.https.to_string())
            .output();
        String::from_utf8(told.unwrap().stdout).unwrap()
    };
    let before = serial();
    assert!(before.starts_with("serial="), "{before}");
    certificate(folder.path(), "10");
    server.signal("HUP");
    let until = Instant::now() + PATIENCE;
    while serial() == before {
        assert!(Instant::now() < until, "the new certificate is not taken");
        std::thread::sleep(Duration::from_millis(50));
    }
    let renewed = serial();
    std::fs::write(folder.path().join("key.pem"), "no key").unwrap();
    server.signal("HUP");
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(serial(), renewed, "what was read before goes on");
    browser.until_answers(&login);

    // The doctor, from outside: it trusts the local authority.
    let doctor = Command::new(dayfly())
        .args(["doctor", "--json", "--edge-url", "http://127.0.0.1:1"])
        .args([
            "--dashboard-url",
            &format!("https://localhost:{}", browser.https),
        ])
        .args(["--tls-cert", &of("chain.pem"), "--tls-key", &of("key.pem")])
        .env("DAYFLY_DATA", data.path())
        .env("DAYFLY_SALTS_DIR", salts.path())
        .env("DAYFLY_EDGE_KEYS", crate::system::KEY)
        .env("SSL_CERT_FILE", &browser.ca)
        .output()
        .unwrap();
    let told = String::from_utf8(doctor.stdout).unwrap();
    assert!(told.contains("tls-key: "), "{told}");
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let checks = told["checks"].as_array().unwrap();
    let of = |name: &str| checks.iter().find(|check| check["name"] == name).unwrap();
    assert_eq!(of("outside")["level"], "ok", "{told}");
    assert!(of("outside").to_string().contains("TLSv1_3"), "{told}");
    assert_eq!(of("server")["level"], "ok", "{told}");
    // A client that never agrees on TLS holds nobody up.
    let _silent = std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, browser.https)).unwrap();
    browser.until_answers(&login);
    server.signal("TERM");
    assert!(server.wait().success());
}

#[test]
fn the_units_are_sound_and_closed_off() {
    let folder = tempfile::tempdir().unwrap();
    let units = folder.path().join("lib/systemd/system");
    std::fs::create_dir_all(&units).unwrap();
    // The targets that there are on any machine.
    run(Command::new("sh").arg("-c").arg(format!(
        "cp -r /lib/systemd/system/*.target /lib/systemd/system/*.slice /lib/systemd/system/*.socket {}/",
        units.display()
    )));
    for program in [
        "usr/lib/dayfly/dayfly",
        "usr/lib/dayfly/workerd",
        "usr/bin/flock",
        "usr/bin/timeout",
        "bin/kill",
    ] {
        let file = folder.path().join(program);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::copy("/bin/true", &file).unwrap();
    }
    for unit in ["dayfly", "dayfly-edge", "dayfly-front"] {
        let from = root().join(format!("packaging/systemd/{unit}.service"));
        let text = std::fs::read_to_string(&from).unwrap();
        for line in [
            "MemorySwapMax=0",
            "LimitCORE=0",
            "LimitNOFILE=65536",
            "TasksMax=512",
            "Restart=always",
            "NoNewPrivileges=yes",
        ] {
            assert!(text.lines().any(|it| it == line), "{unit}: {line}");
        }
        std::fs::copy(from, units.join(format!("{unit}.service"))).unwrap();
        let name = format!("{unit}.service");
        let verify = Command::new("systemd-analyze")
            .args(["verify", "--man=no", "--generators=no", "--root"])
            .args([folder.path().to_str().unwrap(), &name])
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&verify.stderr).into_owned();
        // Only what is said of ours.
        let ours: Vec<&str> = told
            .lines()
            .filter(|line| line.contains("dayfly"))
            .collect();
        assert!(ours.is_empty(), "{told}");
        run(Command::new("systemd-analyze")
            .args([
                "security",
                "--offline=true",
                "--threshold=20",
                "--no-pager",
                "--root",
            ])
            .args([folder.path().to_str().unwrap(), &name]));
    }
}
