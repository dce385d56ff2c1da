//! Who is there now: by the gauges of the day's shards, and by the minute.

use super::*;
use crate::store::tests::engines::on_both_engines;

on_both_engines!(
    who_is_there_now_is_told_by_shard_until_five_minutes_have_passed,
    the_live_view_goes_over_midnight,
);

const MINUTE_MS: i64 = 60_000;

impl Api {
    /// A batch that says nothing but who is there.
    async fn say(&self, shard: u8, day: Date, seq: u64, live: (u16, u64), minutes: Value) {
        let site = self.app.store.site("a.example").await.unwrap().unwrap();
        let batch = json!({
            "v": 1,
            "source": {
                "site": site.id, "date": day, "shard": shard,
                "incarnation": format!("{shard:032}"),
            },
            "seq": seq, "closed": false, "degraded": false, "hits_total": 1,
            "strings": [], "visit_attrs": [], "client_attrs": [],
            "visits": [], "pages": [], "exits": [], "events": [],
            "live": {"minute": live.0, "visitors": live.1}, "minutes": minutes,
        });
        let batch: shared::batch::Batch = serde_json::from_value(batch).unwrap();
        let batch = shared::batch::Batch::decode(&batch.encode().unwrap()).unwrap();
        let now_ms = self.app.clock.now_ms();
        let sha = [shard + seq as u8 * 10; 32];
        self.app
            .store
            .apply_batch(&batch, sha, now_ms)
            .await
            .unwrap();
    }

    async fn now(&self) -> (u64, Vec<Value>) {
        let path = "/api/v1/stats/realtime?site_id=a.example";
        let told = self.done("GET", path, Value::Null).await;
        let n = told["visitors"].as_u64().unwrap();
        let bare = "/api/v1/stats/realtime/visitors?site_id=a.example";
        assert_eq!(self.done("GET", bare, Value::Null).await, json!(n));
        (n, told["minutes"].as_array().unwrap().clone())
    }
}

async fn who_is_there_now_is_told_by_shard_until_five_minutes_have_passed(place: Place) {
    let api = Api::start(&place).await;
    let day = date(2026, 11, 23);
    let nobody = api.now().await;
    assert_eq!(nobody.0, 0);
    assert_eq!(nobody.1.len(), 30);
    assert_eq!(
        nobody.1[29],
        json!({"minute": "2026-11-23 13:00", "pageviews": 0, "visitors": 0})
    );
    // Noon in UTC is 13:00 in Berlin, minute 780.
    let minutes = json!([[750, 9, 9], [751, 2, 1], [778, 4, 3]]);
    api.say(0, day, 1, (778, 3), minutes).await;
    api.say(1, day, 1, (780, 2), json!([[778, 1, 1], [780, 2, 2]]))
        .await;
    let (visitors, minutes) = api.now().await;
    assert_eq!(visitors, 5);
    let minute = |label: &str, pageviews: u64, visitors: u64| json!({"minute": label, "pageviews": pageviews, "visitors": visitors});
    assert_eq!(minutes[0], minute("2026-11-23 12:31", 2, 1));
    assert_eq!(minutes[27], minute("2026-11-23 12:58", 5, 4));
    assert_eq!(minutes[28], minute("2026-11-23 12:59", 0, 0));
    assert_eq!(minutes[29], minute("2026-11-23 13:00", 2, 2));
    // What a shard says later takes the place of what it said.
    api.clock.advance_ms(2 * MINUTE_MS);
    api.say(1, day, 2, (782, 1), json!([])).await;
    assert_eq!(api.now().await.0, 4);
    // The first is of minute 778, and now is 783: it is past, to the second.
    api.clock.advance_ms(MINUTE_MS - 1);
    assert_eq!(api.now().await.0, 4);
    api.clock.advance_ms(1);
    assert_eq!(api.now().await.0, 1);
    api.clock.advance_ms(4 * MINUTE_MS);
    assert_eq!(api.now().await.0, 0);
    // Another site's are its own.
    let other = "/api/v1/stats/realtime/visitors?site_id=b.example";
    assert_eq!(api.done("GET", other, Value::Null).await, json!(0));
}

async fn the_live_view_goes_over_midnight(place: Place) {
    let api = Api::start(&place).await;
    // 23:57 in Berlin.
    api.clock.advance_ms(10 * 3_600_000 + 57 * MINUTE_MS);
    let day = date(2026, 11, 23);
    api.say(0, day, 1, (1_437, 2), json!([[1_437, 3, 2]])).await;
    api.clock.advance_ms(4 * MINUTE_MS);
    let (visitors, minutes) = api.now().await;
    assert_eq!(visitors, 2);
    let of = |label: &str| minutes.iter().find(|one| one["minute"] == label).unwrap();
    assert_eq!(of("2026-11-23 23:57")["pageviews"], 3);
    assert_eq!(minutes[29]["minute"], "2026-11-24 00:01");
    api.clock.advance_ms(MINUTE_MS);
    assert_eq!(api.now().await.0, 0);
}
