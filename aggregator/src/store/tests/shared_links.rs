//! Views that need no account.

use super::*;

on_both_engines!(
    a_link_works_until_its_last_day_or_until_it_is_revoked,
    links_are_checked_before_they_are_made,
    a_view_for_everybody_is_opened_and_closed,
    days_that_are_not_settled_are_known,
);

async fn a_link_works_until_its_last_day_or_until_it_is_revoked(place: Place) {
    let (store, site) = with_sites(&place).await;
    let token = opened(&store, site.id).await;
    let found = async |on| store.shared_link(token.hash(), on).await.unwrap();
    let (of, link) = found(today()).await.unwrap();
    assert_eq!((of.id, of.domain.as_str()), (site.id, "a.example"));
    assert_eq!((link.name.as_str(), link.k), ("For Bob", 7));
    assert!(link.has_password() && link.last_used_on.is_none());
    assert!(found(date(2026, 12, 31)).await.is_some());
    assert!(found(date(2027, 1, 1)).await.is_none());
    assert!(
        store
            .shared_link(PlainToken::new().unwrap().hash(), today())
            .await
            .unwrap()
            .is_none()
    );
    for on in [date(2026, 11, 24), today()] {
        store.note_shared_link_used(link.id, on).await.unwrap();
        let used = found(today()).await.unwrap().1.last_used_on;
        assert_eq!(used, Some(date(2026, 11, 24)));
    }
    // What its password has opened: this link, for so long.
    let login = store
        .begin_shared_login(link.id, noon(), noon() + HOUR_MS)
        .await
        .unwrap();
    let opens = async |link, now_ms| {
        let has = store.has_shared_login(link, login.hash(), now_ms);
        has.await.unwrap()
    };
    assert!(opens(link.id, noon()).await);
    assert!(!opens(link.id, noon() + HOUR_MS).await);
    assert!(!opens(link.id + 1, noon()).await);
    // The one that has ended is forgotten with the next.
    store
        .begin_shared_login(link.id, noon() + HOUR_MS, i64::MAX)
        .await
        .unwrap();
    assert_eq!(number(&store, "SELECT count(*) FROM shared_login").await, 2);
    assert!(
        !store
            .revoke_shared_link(site.id + 1, link.id)
            .await
            .unwrap()
    );
    assert!(store.revoke_shared_link(site.id, link.id).await.unwrap());
    assert!(!store.revoke_shared_link(site.id, link.id).await.unwrap());
    assert!(found(today()).await.is_none());
    assert_eq!(number(&store, "SELECT count(*) FROM shared_login").await, 0);
    assert!(
        store
            .begin_shared_login(link.id, noon(), i64::MAX)
            .await
            .is_err()
    );
}

async fn links_are_checked_before_they_are_made(place: Place) {
    let (store, site) = with_sites(&place).await;
    opened(&store, site.id).await;
    let new = NewSharedLink {
        name: "B",
        password: None,
        k: 5,
        works_until: None,
    };
    for (new, begins) in [
        (
            NewSharedLink {
                name: "For Bob",
                ..new
            },
            "name: there is a link",
        ),
        (NewSharedLink { name: "", ..new }, "name: "),
        (NewSharedLink { k: 0, ..new }, "k: "),
        (NewSharedLink { k: 1_001, ..new }, "k: "),
        (
            NewSharedLink {
                works_until: Some(date(2026, 11, 22)),
                ..new
            },
            "until: ",
        ),
    ] {
        let refused = store
            .add_shared_link(site.id, &new, today())
            .await
            .unwrap_err();
        assert!(refused.to_string().starts_with(begins), "{refused}");
    }
    assert!(store.add_shared_link(99, &new, today()).await.is_err());
    let other = store.site("b.example").await.unwrap().unwrap();
    let same = NewSharedLink {
        name: "For Bob",
        ..new
    };
    store
        .add_shared_link(other.id, &same, today())
        .await
        .unwrap();
    assert_eq!(store.shared_links(site.id).await.unwrap().len(), 1);
}

async fn a_view_for_everybody_is_opened_and_closed(place: Place) {
    let (store, site) = with_sites(&place).await;
    assert_eq!(store.public_k(site.id).await.unwrap(), None);
    for k in [5, 1] {
        store.set_public(site.id, Some(k)).await.unwrap();
        assert_eq!(store.public_k(site.id).await.unwrap(), Some(k));
    }
    assert!(store.set_public(site.id, Some(0)).await.is_err());
    assert!(store.set_public(99, Some(5)).await.is_err());
    store.set_public(site.id, None).await.unwrap();
    assert_eq!(store.public_k(site.id).await.unwrap(), None);
}

async fn days_that_are_not_settled_are_known(place: Place) {
    let (store, site) = with_sites(&place).await;
    let days = [20, 21, 22, 23].map(|day| date(2026, 11, day));
    for (at, on) in days.into_iter().enumerate() {
        let mut batch = batch_on(site.id, 1, on);
        batch.closed = at != 0 && at != 2;
        batch.degraded = at == 1;
        store
            .apply_batch(&batch, [at as u8; 32], noon())
            .await
            .unwrap();
    }
    let unsettled = async |today| {
        let mut snapshot = store.snapshot(site.id).await.unwrap();
        let mut found = snapshot.unsettled(days[0], days[3], today).await.unwrap();
        found.sort_unstable();
        found
    };
    let [first, second, third, _] = days.map(day_number);
    // Not all of the first and the third is there; a salt was lost on the second.
    assert_eq!(unsettled(date(2026, 11, 23)).await, [first, second, third]);
    assert_eq!(unsettled(date(2026, 11, 24)).await, [second, third]);
    assert_eq!(unsettled(date(2026, 12, 24)).await, [second]);
}
