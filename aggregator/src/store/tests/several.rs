//! Several servers on one database: who keeps the salts, and chores that both do at once.

use super::engines::postgres;
use super::*;

/// Two connections to a new database of Postgres; `None` where there is no server.
async fn two() -> Option<(Store, Site, Store)> {
    let place = postgres().await?;
    let (first, site) = with_sites(&place).await;
    Some((first, site, Store::open(&place).await.unwrap()))
}

#[tokio::test]
async fn i3_one_server_keeps_the_salts_and_another_only_after_it() {
    let Some((first, _, second)) = two().await else {
        return;
    };
    assert_eq!(first.salt_keeper().await.unwrap(), None);
    let (one, two) = tokio::join!(
        first.keep_salts("a", "alpha"),
        second.keep_salts("b", "beta")
    );
    let here = [one.unwrap(), two.unwrap()].map(|keeping| keeping == Keeping::Here);
    assert_ne!(here[0], here[1], "one of them, {here:?}");
    let (mut keeper, mut other) = (("a", &first), ("b", &second));
    if here[1] {
        std::mem::swap(&mut keeper, &mut other);
    }
    for _ in 0..3 {
        let kept = keeper.1.keep_salts(keeper.0, "x").await.unwrap();
        assert_eq!(kept, Keeping::Here);
        let kept = other.1.keep_salts(other.0, "y").await.unwrap();
        let Keeping::There(there) = kept else {
            panic!("two keepers");
        };
        assert_eq!(there.name, "x");
        assert!((0..LEASE_S).contains(&there.age_s), "{there:?}");
    }
    // One that was not heard of for long is followed by another, and then is no keeper any more.
    let silent = format!(
        "UPDATE salt_keeper SET renewed_s = renewed_s - {}",
        LEASE_S + 1
    );
    first.db.execute(sql(silent)).await.unwrap();
    let kept = other.1.keep_salts(other.0, "y").await.unwrap();
    assert_eq!(kept, Keeping::Here);
    let kept = keeper.1.keep_salts(keeper.0, "x").await.unwrap();
    assert!(matches!(kept, Keeping::There(_)), "{kept:?}");
    // One that says that it ends is followed at once; nobody else can say that.
    first.leave_salts(keeper.0).await.unwrap();
    let kept = keeper.1.keep_salts(keeper.0, "x").await.unwrap();
    assert!(matches!(kept, Keeping::There(_)), "{kept:?}");
    first.leave_salts(other.0).await.unwrap();
    let kept = keeper.1.keep_salts(keeper.0, "x").await.unwrap();
    assert_eq!(kept, Keeping::Here);
    let row = first.db.first(sql("SELECT epoch FROM salt_keeper")).await;
    assert_eq!(row.unwrap().unwrap().int(0).unwrap(), 3);
}

#[tokio::test]
async fn i7_chores_of_two_servers_at_once_change_no_count() {
    let Some((first, site, second)) = two().await else {
        return;
    };
    for seq in 1..=7 {
        let one = batch(site.id, seq);
        // Either may have the answer lost.
        let (a, b) = tokio::join!(
            first.apply_batch(&one, [1; 32], noon()),
            second.apply_batch(&one, [1; 32], noon())
        );
        let mut became = [a.unwrap(), b.unwrap()];
        became.sort_by_key(|became| *became != Applied::Now);
        assert_eq!(became, [Applied::Now, Applied::Before]);
    }
    assert_eq!(views(&first, site.id, today()).await, 49);
    for hours in [Hours::Kept, Hours::Folded] {
        let (a, b) = tokio::join!(
            first.merge_day(site.id, today(), hours),
            second.merge_day(site.id, today(), hours)
        );
        assert_ne!(a.unwrap(), b.unwrap(), "one of them merged the day");
        assert_eq!(views(&second, site.id, today()).await, 49);
    }
    let sites = first.sites().await.unwrap();
    let evening = ms("2026-11-23T17:00:00Z");
    let (a, b) = tokio::join!(
        first.shards(&sites, evening),
        second.shards(&sites, evening)
    );
    assert_eq!(a.unwrap(), b.unwrap());
    let later = date(2036, 1, 1);
    let (a, b) = tokio::join!(
        first.forget_old_days(site.id, later),
        second.forget_old_days(site.id, later)
    );
    assert_ne!(a.unwrap(), b.unwrap(), "one of them deleted the day");
    assert_eq!(views(&second, site.id, today()).await, 0);
}
