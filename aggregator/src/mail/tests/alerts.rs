//! Alerts: when, how often, and what they say.

use super::*;
use crate::store::tests::batch_on;
use crate::store::tests::engines::on_both_engines;

on_both_engines!(
    many_visitors_are_told_once_in_twelve_hours,
    few_visitors_are_told_when_there_should_be_more,
);

/// 11:59 in Kathmandu, the minute of which the batch's gauge is.
const NOW: &str = "2026-11-23T06:14:00Z";

async fn many_visitors_are_told_once_in_twelve_hours(place: Place) {
    let server = Server::start(&place, NOW).await;
    let wish = |spike_visitors| MailWish {
        spike_visitors,
        ..only(Kind::Spike)
    };
    let ada = server.viewer("ada@example.com", wish(5)).await;
    server.viewer("bob@example.com", wish(6)).await;
    let other = Server::start(&place, NOW).await;
    assert!(server.look().await.is_empty());
    let gauge = async |seq, now: &str| {
        // It tells of 4 + seq visitors.
        let batch = batch_on(server.site.id, seq, date(2026, 11, 23));
        let applied = server.app.store.apply_batch(&batch, [1; 32], ms(now));
        applied.await.unwrap();
    };
    gauge(1, NOW).await;
    let letters = server.look().await;
    let told: Vec<&str> = letters.iter().map(|it| it.to.as_str()).collect();
    assert_eq!(told, ["ada@example.com"]);
    let letter = &letters[0];
    assert_eq!(letter.subject, "a.example: 5 visitors at once");
    for part in [&letter.html, &letter.text] {
        assert!(
            part.contains("2026-11-23 11:59") && part.contains("from 5 on"),
            "{part}"
        );
        assert!(
            part.contains("https://stats.example/sites/a.example?period=day"),
            "{part}"
        );
    }
    assert!(letter.off.is_some());
    // Nobody tells it again, and the gauge of long ago tells nothing.
    assert!(other.look().await.is_empty() && server.look().await.is_empty());
    assert!(server.look_at("2026-11-24T06:14:00Z").await.is_empty());
    // Twelve hours after the last one it is told again.
    let of = (server.site.id, ada, Kind::Spike);
    let store = &server.app.store;
    let half_a_day = ms(NOW) + 12 * 3_600_000;
    assert!(!store.take_alert(of, half_a_day - 1).await.unwrap());
    assert!(store.take_alert(of, half_a_day).await.unwrap());
    assert!(!store.take_alert(of, half_a_day + 1).await.unwrap());
    // A clock that was put far back is no reason to be silent.
    assert!(store.take_alert(of, ms(NOW)).await.unwrap());
}

async fn few_visitors_are_told_when_there_should_be_more(place: Place) {
    let server = Server::start(&place, "2026-11-23T12:20:00Z").await;
    let wish = MailWish {
        drop_ms: Some(ms("2026-11-23T06:20:00Z")),
        drop_visitors: 2,
        drop_hours: 6,
        ..MailWish::default()
    };
    server.viewer("ada@example.com", wish).await;
    // Nothing was ever counted.
    assert!(server.look().await.is_empty());
    let day = date(2026, 11, 23);
    let batch = batch_on(server.site.id, 1, day);
    let applied = server.app.store.apply_batch(&batch, [1; 32], ms(NOW));
    applied.await.unwrap();
    // What was counted, in the hour from 9:00 on, is more than eight hours ago, 18:05 there.
    let letters = server.look_at("2026-11-23T12:30:00Z").await;
    assert_eq!(letters.len(), 1);
    let letter = &letters[0];
    assert_eq!(letter.subject, "a.example: 0 visitors in 6 hours");
    assert!(
        letter
            .text
            .contains("until 2026-11-23 18:15 in the site's zone"),
        "{}",
        letter.text
    );
    assert!(letter.text.contains("fewer than 2"), "{}", letter.text);
    assert!(
        server.look_at("2026-11-23T12:40:00Z").await.is_empty(),
        "once in twelve hours"
    );

    // With enough of them nothing is said; nor before it was wanted for as many hours.
    let enough = MailWish {
        drop_hours: 10,
        drop_ms: Some(ms("2026-11-22T00:00:00Z")),
        ..wish
    };
    server.viewer("bob@example.com", enough).await;
    let early = MailWish {
        drop_ms: Some(ms("2026-11-23T07:00:00Z")),
        ..wish
    };
    server.viewer("eve@example.com", early).await;
    assert!(server.look_at("2026-11-23T12:50:00Z").await.is_empty());
    assert_eq!(
        server.look_at("2026-11-23T13:00:00Z").await.len(),
        1,
        "Eve's hours are over"
    );
    // Only every ten minutes.
    assert!(server.look_at("2026-11-24T13:01:00Z").await.is_empty());
    assert!(!server.look_at("2026-11-24T13:10:00Z").await.is_empty());
}
