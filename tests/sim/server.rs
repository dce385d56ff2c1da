//! The aggregator: its real routes over a real SQLite file. It may be restarted, killed in the
//! midst of a request, backed up, and put back to its backup.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use aggregator::salts::SaltKeeper;
use aggregator::serve::{App, router};
use aggregator::store::{Place, Store};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http;
use shared::clock::ManualClock;
use shared::sign::{EdgeKey, HEADER, parse_keys};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use tempfile::TempDir;
use tower::ServiceExt;

use crate::history::Keys;
use crate::{DAYS, SITE};

/// Status and body.
pub type Reply = (u16, Vec<u8>);

/// A request as it goes over the wire.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: &'static str,
    pub path: String,
    pub signature: String,
    pub body: Vec<u8>,
}

/// The key the edge signs with.
pub fn key(new: bool) -> EdgeKey {
    let text = if new { "n" } else { "o" }.repeat(32);
    parse_keys(&text).unwrap().remove(0)
}

impl Keys {
    fn parsed(self) -> Vec<EdgeKey> {
        match self {
            Keys::Old => vec![key(false)],
            Keys::Both => vec![key(true), key(false)],
            Keys::New => vec![key(true)],
        }
    }
}

/// Folders in memory where there is such a file system: what is on a disk is not the question here.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    match memory.is_dir() {
        true => tempfile::tempdir_in(memory).unwrap(),
        false => tempfile::tempdir().unwrap(),
    }
}

/// A database with one site and nothing counted.
pub struct Empty(TempDir);

impl Empty {
    /// Makes it.
    pub async fn new() -> Self {
        let folder = folder();
        let store = Store::open(&Place::File(folder.path().join("0.sqlite")))
            .await
            .unwrap();
        let added = store.add_site("a.example", "UTC", DAYS[0]).await.unwrap();
        let sites = store.site_ids().await.unwrap();
        assert!(added && sites == [SITE]);
        store.close().await;
        Self(folder)
    }
}

/// See the module.
pub struct Aggregator {
    folder: TempDir,
    /// Files so far: what is put back gets a name of its own.
    files: u32,
    file: PathBuf,
    backup: PathBuf,
    store: Store,
    router: Router,
    keys: Keys,
    clock: Arc<ManualClock>,
}

impl Aggregator {
    /// One over a copy of the empty database.
    pub async fn start(empty: &Empty, clock: Arc<ManualClock>) -> Self {
        let folder = folder();
        let file = folder.path().join("0.sqlite");
        let backup = empty.0.path().join("0.sqlite");
        std::fs::copy(&backup, &file).unwrap();
        let store = Store::open(&Place::File(file.clone())).await.unwrap();
        let keys = Keys::Both;
        let router = routes(&store, keys, &clock);
        Self {
            folder,
            files: 1,
            file,
            backup,
            store,
            router,
            keys,
            clock,
        }
    }

    /// What is counted.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Which keys it takes.
    pub fn keys(&self) -> Keys {
        self.keys
    }

    /// Ends, and begins anew.
    pub async fn restart(&mut self, keys: Keys) {
        self.store.close().await;
        self.keys = keys;
        self.open().await;
    }

    async fn open(&mut self) {
        self.store = Store::open(&Place::File(self.file.clone())).await.unwrap();
        self.router = routes(&self.store, self.keys, &self.clock);
    }

    /// Copies the database while it is in use.
    pub async fn back_up(&mut self) {
        let file = self.new_file();
        let mut connection = self.connect().await;
        let copy = format!("VACUUM INTO '{}'", file.display());
        sqlx::raw_sql(AssertSqlSafe(copy))
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
        self.backup = file;
    }

    /// How many hits the sources say that they have told of, but for those set aside.
    pub async fn hits_total(&self) -> u64 {
        let mut connection = self.connect().await;
        let sum = "SELECT coalesce(sum(hits_total - set_aside), 0) FROM source";
        let sum: i64 = sqlx::query_scalar(sum)
            .fetch_one(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
        sum.unsigned_abs()
    }

    async fn connect(&self) -> SqliteConnection {
        let url = format!("sqlite://{}", self.file.display());
        SqliteConnection::connect(&url).await.unwrap()
    }

    /// Puts the last backup in the place of the database.
    pub async fn restore(&mut self) {
        self.store.close().await;
        self.file = self.new_file();
        std::fs::copy(&self.backup, &self.file).unwrap();
        self.open().await;
    }

    fn new_file(&mut self) -> PathBuf {
        self.files += 1;
        self.folder.path().join(format!("{}.sqlite", self.files))
    }

    /// Answers a request.
    pub async fn answer(&self, request: &Request) -> Reply {
        respond(self.router.clone(), request).await
    }

    /// Is given the same request twice at once.
    pub async fn answer_twice(&self, request: &Request) -> (Reply, Reply) {
        tokio::join!(self.answer(request), self.answer(request))
    }

    /// Works at a request so many times and is killed: no answer unless it came before. What was
    /// under way in the database is as it was left.
    pub async fn answer_until_killed(&mut self, request: &Request, polls: u8) -> Option<Reply> {
        let reply = {
            let mut answer = pin!(self.answer(request));
            let mut left = polls;
            std::future::poll_fn(|context| match left.checked_sub(1) {
                None => Poll::Ready(None),
                Some(less) => {
                    left = less;
                    answer.as_mut().poll(context).map(Some)
                }
            })
            .await
        };
        // Not closed: nothing is written that was not.
        self.open().await;
        reply
    }
}

fn routes(store: &Store, keys: Keys, clock: &Arc<ManualClock>) -> Router {
    router(App::new(
        store.clone(),
        SaltKeeper::default(),
        keys.parsed(),
        clock.clone(),
        "http://edge.example",
    ))
}

async fn respond(router: Router, request: &Request) -> Reply {
    let wire = http::Request::builder()
        .method(request.method)
        .uri(&request.path)
        .header(HEADER, &request.signature)
        .header("content-type", "application/json")
        .body(Body::from(request.body.clone()))
        .unwrap();
    let response = match router.oneshot(wire).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, body.to_vec())
}
