//! A batch of an earlier edge at today's aggregator, and the folder of an earlier edge under today's.

use jiff::civil::Date;
use reqwest::Method;
use serde_json::Value;

use super::{Pinned, releases};
use crate::channel::send;
use crate::on_disk::counted;
use crate::stored::views;
use crate::system::{Options, SITE, System};

async fn deliver(system: &System, release: &Pinned) -> (u16, Value) {
    let batch = release.bytes("batch.json.gz");
    let answer = send(system, Method::POST, "/edge/v1/batches", batch, 0).await;
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn i7_every_earlier_batch_is_counted_once() {
    for release in releases() {
        for postgres in [false, true] {
            let mut system = System::aggregator_alone_with(Options {
                postgres,
                ..Options::default()
            })
            .await;
            system.dayfly(&["site", "set", SITE, "--keep-months", "1200"]);
            let date: Date = release.text("batch_date").parse().unwrap();
            let expected = release.expected["batch"].as_array().unwrap();
            let expected: Vec<i64> = expected.iter().map(|n| n.as_i64().unwrap()).collect();
            assert_eq!(deliver(&system, &release).await.1["status"], "applied");
            let told = async |system: &System| {
                let [visits, ended, visitors, _] = counted(system, date).await;
                vec![views(system, date).await, visits, ended, visitors]
            };
            assert_eq!(told(&system).await, expected);
            // Again, and again after a restart: not twice.
            for _ in 0..2 {
                assert_eq!(deliver(&system, &release).await.1["status"], "duplicate");
                assert_eq!(told(&system).await, expected);
                system.stop_aggregator("KILL");
                system.start_aggregator().await;
            }
        }
    }
}

#[tokio::test]
async fn i6_i7_the_folder_of_every_earlier_edge_is_delivered_by_todays() {
    for release in releases() {
        let mut system = System::aggregator_alone().await;
        system.dayfly(&["site", "set", SITE, "--keep-months", "1200"]);
        let folder = release.file("edge");
        for (path, bytes) in crate::on_disk::contents(&folder) {
            let to = system.data.path().join("edge");
            let to = to.join(path.strip_prefix(&folder).unwrap());
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::write(to, bytes).unwrap();
        }
        system.start_edge().await;
        let date: Date = release.text("edge_date").parse().unwrap();
        let expected = release.expected["edge"].as_array().unwrap();
        let [views_then, visits, visitors] = expected.as_slice() else {
            panic!("{expected:?}")
        };
        let is_over = system.today() > date;
        let is_whole = async || {
            let [now_visits, _, now_visitors, open] = counted(&system, date).await;
            let now = [views(&system, date).await, now_visits, now_visitors];
            now == [views_then, visits, visitors].map(|n| n.as_i64().unwrap())
                && (open == 0 || !is_over)
        };
        system.until("all of it is delivered", is_whole).await;
        // And it goes on counting, for the site that it knew.
        let key = system.api_key();
        if is_over {
            system.view("somebody", "/new").await;
            system.until_totals(&key, [1, 1]).await;
        }
    }
}
