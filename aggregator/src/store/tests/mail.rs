//! What people want to be told of a site, and who sends it.

use super::*;

on_both_engines!(
    what_is_wanted_is_kept_by_account_and_site,
    a_report_is_taken_once_whoever_tries,
    an_account_that_is_removed_leaves_no_wish,
);

async fn account(store: &Store, mail: &str) -> i64 {
    let new = NewAccount {
        mail: mail.to_owned(),
        name: "Ada".to_owned(),
        is_admin: false,
        password: "!".to_owned(),
    };
    store.add_account(&new, today()).await.unwrap().unwrap()
}

async fn what_is_wanted_is_kept_by_account_and_site(place: Place) {
    let (store, site) = with_sites(&place).await;
    let other = store.site("b.example").await.unwrap().unwrap();
    let admin = account(&store, "admin@example.com").await;
    let eve = account(&store, "eve@example.com").await;
    let role = Some(Role::Viewer);
    store.set_role(site.id, eve, role).await.unwrap();
    let wish = |weekly_ms, spike_ms| MailWish {
        weekly_ms,
        spike_ms,
        spike_visitors: 9,
        ..MailWish::default()
    };
    let set = async |account, wish: MailWish| {
        store.set_mail_wish(site.id, account, &wish).await.unwrap();
        store.mail_wish(site.id, account).await.unwrap()
    };
    let nothing = store.mail_wish(site.id, eve).await.unwrap();
    assert_eq!(nothing, MailWish::default());
    assert_eq!(set(eve, wish(Some(5), None)).await, wish(Some(5), None));
    // What stays on keeps its beginning; what was off begins now.
    assert_eq!(
        set(eve, wish(Some(9), Some(9))).await,
        wish(Some(5), Some(9))
    );
    assert_eq!(set(eve, wish(None, Some(11))).await, wish(None, Some(9)));
    assert_eq!(set(eve, wish(Some(12), None)).await, wish(Some(12), None));
    let none = store.mail_wish(other.id, eve).await.unwrap();
    assert_eq!(none, MailWish::default());
    // Whoever wants nothing, or may see nothing, is told nothing.
    set(admin, wish(None, None)).await;
    store
        .set_mail_wish(other.id, eve, &wish(Some(1), None))
        .await
        .unwrap();
    let told = store.mail_recipients().await.unwrap();
    let told: Vec<_> = told
        .iter()
        .map(|to| (to.site.id, to.account, to.mail.as_str()))
        .collect();
    assert_eq!(told, [(site.id, eve, "eve@example.com")]);
    let of = (site.id, eve, Kind::Weekly);
    assert!(store.stop_mail(of).await.unwrap());
    assert!(!store.stop_mail(of).await.unwrap());
    assert!(store.mail_recipients().await.unwrap().is_empty());
}

async fn a_report_is_taken_once_whoever_tries(place: Place) {
    let (store, site) = with_sites(&place).await;
    let second = Store::open(&place).await.unwrap();
    let ada = account(&store, "ada@example.com").await;
    let of = (site.id, ada, Kind::Monthly);
    // It is of somebody who wants it.
    assert!(store.take_report(of, 7, 0).await.is_err());
    let wish = MailWish::default();
    store.set_mail_wish(site.id, ada, &wish).await.unwrap();
    let mut taken = 0;
    let tries = tokio::join!(
        store.take_report(of, 7, 0),
        second.take_report(of, 7, 0),
        store.take_report(of, 7, 0),
        second.take_report(of, 7, 0),
    );
    for one in [tries.0, tries.1, tries.2, tries.3] {
        taken += u8::from(one.unwrap());
    }
    assert_eq!(taken, 1);
    store.report_is(of, 7, Some(50)).await.unwrap();
    let last = store.last_mails().await.unwrap();
    let waits = LastMail {
        period: 7,
        next_ms: Some(50),
    };
    assert_eq!(last.get(&of), Some(&waits));
    assert!(!second.take_report(of, 7, 49).await.unwrap());
    assert!(second.take_report(of, 7, 50).await.unwrap());
    second.report_is(of, 7, None).await.unwrap();
    assert!(
        !store.take_report(of, 7, i64::MAX).await.unwrap(),
        "it is over"
    );
    assert!(
        !store.take_report(of, 6, i64::MAX).await.unwrap(),
        "nor the one before"
    );
    assert!(store.take_report(of, 8, 60).await.unwrap());
    // Another kind, or another's, is none of its business.
    assert!(
        store
            .take_report((site.id, ada, Kind::Weekly), 7, 0)
            .await
            .unwrap()
    );
    // What is said late of the one before changes nothing.
    store.report_is(of, 7, Some(1)).await.unwrap();
    let last = store.last_mails().await.unwrap();
    assert_eq!(last.get(&of).unwrap().period, 8);
    second.close().await;
}

async fn an_account_that_is_removed_leaves_no_wish(place: Place) {
    let (store, site) = with_sites(&place).await;
    account(&store, "admin@example.com").await;
    person(&store, site.id).await;
    let rows = async |table: &str| number(&store, &format!("SELECT count(*) FROM {table}")).await;
    assert_eq!((rows("mail_wish").await, rows("mail_sent").await), (1, 1));
    let found = store.account_of(&format!("{}@example.com", site.id)).await;
    let id = found.unwrap().unwrap().id;
    assert_eq!(store.remove_account(id).await.unwrap(), Changed::Done);
    assert_eq!((rows("mail_wish").await, rows("mail_sent").await), (0, 0));
}
