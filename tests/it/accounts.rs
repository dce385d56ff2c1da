//! Accounts on the real server: the link it prints, the command line, guesses, what a restart keeps,
//! what is on disk. What each page refuses is tested beside the pages
//! (`aggregator/src/dashboard/account/tests/`).

use reqwest::{Client, Response, redirect};

use crate::system::{SITE, System};

const PASSWORD: &str = "correct horse battery";

/// A browser that follows nothing by itself.
struct Browser<'a> {
    system: &'a System,
    http: Client,
    cookie: String,
}

impl<'a> Browser<'a> {
    fn of(system: &'a System) -> Self {
        let http = Client::builder().redirect(redirect::Policy::none());
        Self {
            system,
            http: http.build().unwrap(),
            cookie: String::new(),
        }
    }

    async fn get(&self, path: &str) -> Response {
        let request = self.http.get(self.system.dashboard_url(path));
        let request = request.header("cookie", &self.cookie);
        let request = request.header("accept", "text/html");
        request.send().await.unwrap()
    }

    async fn post(&mut self, path: &str, form: &str) -> Response {
        let answer = self
            .http
            .post(self.system.dashboard_url(path))
            .header("cookie", &self.cookie)
            .header("origin", self.system.dashboard_url(""))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.to_owned())
            .send()
            .await
            .unwrap();
        if let Some(set) = answer.headers().get("set-cookie") {
            let set = set.to_str().unwrap().split(';').next().unwrap();
            self.cookie = set.to_owned();
        }
        answer
    }

    async fn log_in(&mut self, mail: &str, password: &str) -> u16 {
        let password = password.replace(' ', "+");
        let form = format!("mail={mail}&password={password}");
        self.post("/login", &form).await.status().as_u16()
    }

    async fn is_in(&self) -> bool {
        self.get("/account").await.status() == 200
    }
}

/// The path of a link that is printed.
fn path_of<'a>(system: &System, printed: &'a str) -> &'a str {
    let base = system.dashboard_url("");
    // Before it the log says what is listened on.
    let base = format!("{base}/");
    let at = printed.find(&base).unwrap_or_else(|| panic!("{printed}"));
    let link = printed[at + base.len() - 1..].split_whitespace().next();
    link.unwrap()
}

async fn from_the_first_link_on(postgres: bool) {
    let mut system = System::aggregator_alone_with(crate::system::Options {
        postgres,
        ..Default::default()
    })
    .await;
    let log = std::fs::read_to_string(system.log("aggregator")).unwrap();
    let printed = path_of(&system, &log).to_owned();
    let again = system.dayfly(&["user", "first"]);
    let mut ada = Browser::of(&system);
    let form = format!(
        "mail=ada@example.com&name=Ada&password={}",
        PASSWORD.replace(' ', "+")
    );
    assert_eq!(ada.post(&printed, &form).await.status(), 303);
    assert_eq!(ada.get("/").await.status(), 200);
    assert_eq!(
        Browser::of(&system).post(&printed, &form).await.status(),
        404
    );
    assert_eq!(ada.get(path_of(&system, &again)).await.status(), 404);
    assert_eq!(system.dayfly(&["user", "first"]), "");

    // Somebody is invited from the command line, with a role at a site.
    let link = system.dayfly(&[
        "user",
        "add",
        "Eve@example.com",
        "--site",
        SITE,
        "--role",
        "editor",
    ]);
    let mut eve = Browser::of(&system);
    let form = "name=Eve&password=a+good+password+of+eve";
    assert_eq!(eve.post(path_of(&system, &link), form).await.status(), 303);
    let page = format!("/sites/{SITE}");
    assert_eq!(eve.get(&page).await.status(), 200);
    assert_eq!(eve.get(&format!("{page}/people")).await.status(), 403);
    let listed = system.dayfly(&["user", "list"]);
    let line = |mail: &str| {
        listed
            .lines()
            .find(|line| line.starts_with(mail))
            .unwrap()
            .to_owned()
    };
    assert!(line("ada@example.com").contains("\tadmin\t-\t"), "{listed}");
    assert!(
        line("eve@example.com").ends_with("\ta.example=editor\tEve"),
        "{listed}"
    );
    system.dayfly(&[
        "user",
        "role",
        "eve@example.com",
        "--site",
        SITE,
        "--role",
        "none",
    ]);
    assert_eq!(eve.get(&page).await.status(), 404);

    // A server that starts anew knows who is logged in; one that has an account prints no link.
    let cookies = [ada.cookie.clone(), eve.cookie.clone()];
    system.stop_aggregator("TERM");
    std::fs::write(system.log("aggregator"), "").unwrap();
    system.start_aggregator().await;
    let log = std::fs::read_to_string(system.log("aggregator")).unwrap();
    assert!(!log.contains("/welcome/"), "{log}");
    let [ada_cookie, eve_cookie] = cookies;
    let (mut ada, mut eve) = (Browser::of(&system), Browser::of(&system));
    (ada.cookie, eve.cookie) = (ada_cookie, eve_cookie);
    assert!(ada.is_in().await && eve.is_in().await);

    // A new password by link, which ends what was open.
    let link = system.dayfly(&["user", "reset", "eve@example.com"]);
    assert!(eve.is_in().await, "the link alone changes nothing");
    let mut other = Browser::of(&system);
    let form = "password=another+good+one";
    assert_eq!(
        other.post(path_of(&system, &link), form).await.status(),
        303
    );
    assert!(!eve.is_in().await);
    assert_eq!(eve.log_in("eve@example.com", "another good one").await, 303);

    // The last admin stays, others go.
    let refused = system.dayfly_output(&["user", "remove", "ada@example.com"]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("the last admin"));
    let demoted = ["user", "role", "ada@example.com", "--admin", "off"];
    assert!(!system.dayfly_output(&demoted).status.success());
    system.dayfly(&["user", "remove", "eve@example.com"]);
    assert!(!eve.is_in().await);
    assert_eq!(eve.log_in("eve@example.com", "another good one").await, 401);
}

#[tokio::test]
async fn accounts_from_the_first_link_on() {
    from_the_first_link_on(false).await;
}

#[tokio::test]
async fn accounts_on_postgres_from_the_first_link_on() {
    from_the_first_link_on(true).await;
}

#[tokio::test]
async fn i11_the_sixth_bad_login_is_429_and_no_secret_is_on_disk() {
    let mut system = System::aggregator_alone().await;
    let words = ["user", "add", "ada@example.com", "--password-stdin"];
    let made = system.dayfly_told(&words, &format!("{PASSWORD}\n"));
    assert_eq!(
        String::from_utf8_lossy(&made.stdout),
        "added ada@example.com\n"
    );
    let again = system.dayfly_told(&words, PASSWORD);
    assert!(String::from_utf8_lossy(&again.stderr).contains("has an account already"));
    let short = ["user", "add", "bob@example.com", "--password-stdin"];
    let short = system.dayfly_told(&short, "short\n");
    assert!(String::from_utf8_lossy(&short.stderr).contains("password: it has at least 10"));

    let mut browser = Browser::of(&system);
    assert_eq!(browser.log_in("ada@example.com", PASSWORD).await, 303);
    let link = system.dayfly(&["user", "reset", "ada@example.com"]);
    let secrets = [
        browser.cookie.split_once('=').unwrap().1.to_owned(),
        path_of(&system, &link)
            .rsplit('/')
            .next()
            .unwrap()
            .to_owned(),
        PASSWORD.to_owned(),
    ];
    for _ in 0..5 {
        assert_eq!(browser.log_in("ada@example.com", "wrong").await, 401);
    }
    let form = "mail=ada@example.com&password=wrong";
    let refused = browser.post("/login", form).await;
    assert_eq!(refused.status(), 429);
    let wait: u32 = refused.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((800..=901).contains(&wait), "{wait}");

    // I1, and what is stored of secrets: in no file, and in no log.
    system.stop_aggregator("TERM");
    let mut looked_at = 0;
    for entry in std::fs::read_dir(system.data.path()).unwrap() {
        let path = entry.unwrap().path();
        let Ok(bytes) = std::fs::read(&path) else {
            continue;
        };
        looked_at += 1;
        for secret in &secrets {
            let found = bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(!found, "{}", path.display());
        }
    }
    assert!(looked_at >= 3, "{looked_at}");
}
