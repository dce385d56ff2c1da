//! What owners decide, and what is decided for them: shards.

use jiff::civil::date;
use shared::settings::{GoalKind, Signal};

use super::engines::on_both_engines;
use super::{HOUR_MS, batch, noon, number, with_sites};
use crate::clock::day_number;
use crate::store::{FORMER_DAYS, KEYS_MAX, NewKey, Place, Scope, Shield, SiteChange, Store};

on_both_engines!(
    settings_are_checked_whole_before_they_are_stored,
    shards_are_decided_once_and_survive_a_restart,
    shields_are_put_in_and_taken_out_in_their_normal_form,
    keys_are_listed_and_revoked_by_whose_they_are,
    a_former_domain_is_told_with_its_last_day,
);

async fn settings_are_checked_whole_before_they_are_stored(place: Place) {
    let (store, site) = with_sites(&place).await;
    let changed = store
        .change_settings(site.id, |settings| {
            settings.gpc = Signal::Drop;
            settings.clean_paths = false;
            settings.shields.pages.push("/admin/**".into());
            Ok(())
        })
        .await
        .unwrap();
    let refused = store.change_settings(site.id, |settings| {
        settings.dnt = Signal::Drop;
        settings.shields.countries.push("de".into());
        Ok(())
    });
    let refused = refused.await.unwrap_err().to_string();
    assert!(refused.starts_with("shields.countries: "), "{refused}");
    assert_eq!(store.settings_of(site.id).await.unwrap(), changed);
    let gone = store.change_settings(99, |_| Ok(())).await.unwrap_err();
    assert_eq!(gone.to_string(), "the site does not exist any more");

    // Numbers of goals and funnels are never given twice, not even after a refusal.
    let event = |name: &str| GoalKind::Event { name: name.into() };
    let add = async |kind, name| store.add_goal(site.id, kind, name).await;
    assert_eq!(add(event("A"), None).await.unwrap().goal.id, 1);
    let scroll = GoalKind::Scroll {
        path: "/b".into(),
        percent: 75,
    };
    let scroll = add(scroll, None).await.unwrap();
    assert_eq!(
        (scroll.goal.id, scroll.name.as_str()),
        (2, "Scroll 75% on /b")
    );
    for (kind, name, error) in [
        (event("A"), None, "goals: the same goal twice"),
        (event("B"), Some("A"), "name: there is a goal \"A\" already"),
        (
            event("B"),
            Some(" "),
            "name: a name has 1 to 120 characters",
        ),
        (event("B"), Some("a\nb"), "name: a control character"),
        (
            event("pageview"),
            None,
            "goals: for page views make a page goal",
        ),
    ] {
        let refused = add(kind, name).await.unwrap_err().to_string();
        assert_eq!(refused, error);
    }
    assert_eq!(store.goals(site.id).await.unwrap()[1], scroll);
    store.remove_goal(site.id, 2).await.unwrap();
    assert_eq!(add(event("C"), Some("See")).await.unwrap().goal.id, 3);

    let refused = store.add_funnel(site.id, "F", vec![1, 2]).await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "funnels: a step is not a goal of the site"
    );
    let funnel = store.add_funnel(site.id, "F", vec![1, 3]).await.unwrap();
    assert!(store.add_funnel(site.id, "F", vec![3, 1]).await.is_err());
    let used = store.remove_goal(site.id, 3).await.unwrap_err();
    assert_eq!(
        used.to_string(),
        format!(
            "goal 3 is a step of funnel {} \"F\": remove that first",
            funnel.funnel.id
        )
    );
    let all = store.settings().await.unwrap();
    let known = &all[&site.id];
    assert_eq!((known.gpc, known.goals.len()), (Signal::Drop, 2));
    assert_eq!(known.funnels, std::slice::from_ref(&funnel.funnel));
    assert_eq!(all.len(), 2);
    store
        .remove_funnel(site.id, funnel.funnel.id)
        .await
        .unwrap();
    store.remove_goal(site.id, 3).await.unwrap();
    assert!(store.remove_funnel(site.id, 1).await.is_err());
    assert!(store.remove_goal(site.id, 3).await.is_err());
}

async fn shards_are_decided_once_and_survive_a_restart(place: Place) {
    let (store, site) = with_sites(&place).await;
    let sites = store.sites().await.unwrap();
    let today = site.day(date(2026, 11, 23)).unwrap();
    let hits = async |store: &Store, shard: u16, total: u64| {
        let mut batch = batch(site.id, 1);
        batch.source.shard = shard;
        batch.hits_total = total;
        store.apply_batch(&batch, [1; 32], noon()).await.unwrap();
    };
    hits(&store, 0, 5_000_000).await;
    let told = async |store: &Store, now_ms: i64| {
        let shards = store.shards(&sites, now_ms).await.unwrap();
        let shards = shards.get(&site.id).cloned().unwrap_or_default();
        let dates = [date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 30)];
        dates.map(|date| shards.on(date))
    };
    assert_eq!(told(&store, noon()).await, [1, 1, 1]);
    assert_eq!(told(&store, today.end_ms - 2 * HOUR_MS).await, [1, 3, 3]);
    // More comes in: what was decided stays, also when the aggregator starts anew.
    hits(&store, 1, 50_000_000).await;
    assert_eq!(told(&store, today.end_ms - HOUR_MS).await, [1, 3, 3]);
    store.close().await;
    let store = Store::open(&place).await.unwrap();
    assert_eq!(told(&store, today.end_ms - HOUR_MS).await, [1, 3, 3]);
    assert_eq!(told(&store, today.end_ms).await, [1, 3, 3]);
    // The next evening nobody has come: one again, from the day after.
    let evening = today.end_ms + 23 * HOUR_MS;
    assert_eq!(told(&store, evening).await[1..], [3, 1]);
    let of_site = format!("SELECT count(*) FROM shards WHERE site_id = {}", site.id);
    assert_eq!(number(&store, &of_site).await, 2);
    let begun = day_number(date(2026, 11, 24));
    let kept = format!(
        "SELECT shards FROM shards WHERE site_id = {} AND date = {begun}",
        site.id
    );
    assert_eq!(number(&store, &kept).await, 3);
}

async fn shields_are_put_in_and_taken_out_in_their_normal_form(place: Place) {
    let (store, site) = with_sites(&place).await;
    for (kind, typed, stored) in [
        (Shield::Host, " WWW.A.example ", "a.example"),
        (Shield::Page, " /admin/** ", "/admin/**"),
        (Shield::Country, "de", "DE"),
        (Shield::Network, "2001:DB8::/32", "2001:db8::/32"),
    ] {
        let settings = store.add_shield(site.id, kind, typed).await.unwrap();
        assert_eq!(kind.list(&settings.shields), &[stored]);
        let twice = store.add_shield(site.id, kind, stored).await.unwrap_err();
        let kind_name = kind.as_str();
        assert_eq!(
            twice.to_string(),
            format!("the {kind_name} {stored} is shielded already")
        );
        let wrong = store.add_shield(site.id, kind, "").await.unwrap_err();
        assert!(wrong.to_string().starts_with("shields."), "{wrong}");
        assert_eq!(store.settings_of(site.id).await.unwrap(), settings);
        assert_eq!(Shield::parse(kind_name), Some(kind));
    }
    for (kind, typed) in [
        (Shield::Host, "www.A.example"),
        (Shield::Page, "/admin/**"),
        (Shield::Country, "dE"),
        (Shield::Network, "2001:db8::/32"),
    ] {
        let settings = store.remove_shield(site.id, kind, typed).await.unwrap();
        assert!(kind.list(&settings.shields).is_empty());
        assert!(store.remove_shield(site.id, kind, typed).await.is_err());
    }
    assert!(store.add_shield(99, Shield::Page, "/x").await.is_err());
}

async fn keys_are_listed_and_revoked_by_whose_they_are(place: Place) {
    let (store, site) = with_sites(&place).await;
    let other = store.site("b.example").await.unwrap().unwrap();
    let owners = [Some(site.id), Some(other.id), None];
    let day = date(2026, 11, 23);
    for of in owners {
        let new = NewKey::of(of, Scope::Stats);
        store.create_key(&new, day).await.unwrap();
    }
    for of in owners {
        let keys = store.keys_of(of).await.unwrap();
        assert_eq!(keys.len(), 1);
        assert_eq!(keys[0].site, of);
        let prefix = &keys[0].prefix;
        for stranger in owners.into_iter().filter(|owner| *owner != of) {
            assert!(!store.revoke_key_of(stranger, prefix).await.unwrap());
        }
        assert!(store.revoke_key_of(of, prefix).await.unwrap());
        assert!(!store.revoke_key_of(of, prefix).await.unwrap());
        assert!(store.keys_of(of).await.unwrap().is_empty());
    }
    let of_none = NewKey::of(Some(99), Scope::Stats);
    let gone = store.create_key(&of_none, day).await.unwrap_err();
    assert_eq!(gone.to_string(), "the site does not exist any more");
    let new = NewKey::of(Some(site.id), Scope::Stats);
    for _ in 0..KEYS_MAX {
        store.create_key(&new, day).await.unwrap();
    }
    let full = store.create_key(&new, day).await.unwrap_err();
    assert_eq!(
        full.to_string(),
        "there are 100 keys already: revoke some first"
    );
    let elsewhere = NewKey::of(Some(other.id), Scope::Stats);
    store.create_key(&elsewhere, day).await.unwrap();
}

async fn a_former_domain_is_told_with_its_last_day(place: Place) {
    let (store, site) = with_sites(&place).await;
    let day = date(2026, 11, 23);
    let former = async |on| store.former_domain(site.id, on).await.unwrap();
    assert_eq!(former(day).await, None);
    let change = SiteChange {
        domain: Some("c.example".into()),
        ..SiteChange::default()
    };
    let changed = store.change_site(site.id, &change, day, |_| ()).await;
    assert_eq!(changed.unwrap().domain, "c.example");
    let last = date(2026, 11, 26);
    assert_eq!(day_number(last) - day_number(day), FORMER_DAYS);
    assert_eq!(former(day).await, Some(("a.example".into(), last)));
    assert!(former(last).await.is_some());
    assert_eq!(former(date(2026, 11, 27)).await, None);
    assert!(!store.is_counted(site.id).await.unwrap());
    let batch = batch(site.id, 1);
    store.apply_batch(&batch, [1; 32], noon()).await.unwrap();
    assert!(store.is_counted(site.id).await.unwrap());
}
