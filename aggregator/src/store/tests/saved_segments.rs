//! Saved segments: whose they are, what is refused, how they end.

use serde_json::Value;

use super::*;
use crate::error::Error;
use crate::store::{SAVED_SEGMENTS_MAX, SEGMENT_BYTES_MAX};

on_both_engines!(
    a_segment_is_of_the_site_or_somebodys_own,
    segments_are_checked_before_they_are_saved,
    segments_end_with_their_owner_and_their_site,
);

fn filters() -> Value {
    json!([["is", "event:page", ["/canary-of-a-segment"]]])
}

async fn account(store: &Store, mail: &str, is_admin: bool) -> i64 {
    let new = NewAccount {
        mail: mail.to_owned(),
        name: "Ada".to_owned(),
        is_admin,
        password: "!".to_owned(),
    };
    store.add_account(&new, today()).await.unwrap().unwrap()
}

async fn names(store: &Store, site: u32, account: Option<i64>) -> Vec<String> {
    let seen = store.saved_segments(site, account).await.unwrap();
    seen.into_iter().map(|segment| segment.name).collect()
}

async fn a_segment_is_of_the_site_or_somebodys_own(place: Place) {
    let (store, site) = with_sites(&place).await;
    let other = store.site("b.example").await.unwrap().unwrap();
    let ada = account(&store, "ada@example.com", true).await;
    let eve = account(&store, "eve@example.com", false).await;
    let add = async |owner, name| {
        let filters = filters();
        let added = store.add_saved_segment(site.id, owner, name, &filters);
        added.await.unwrap()
    };
    let of_site = add(None, " Readers ").await;
    // The same name again: among others it is another.
    let own = add(Some(ada), "Readers").await;
    add(Some(ada), "Buyers").await;
    add(Some(eve), "Eve's").await;
    assert!((0..1 << 53).contains(&of_site) && of_site != own);
    assert_eq!(names(&store, site.id, None).await, ["Readers"]);
    let of_ada = names(&store, site.id, Some(ada)).await;
    assert_eq!(of_ada, ["Buyers", "Readers", "Readers"]);
    let of_eve = names(&store, site.id, Some(eve)).await;
    assert_eq!(of_eve, ["Eve's", "Readers"]);
    assert!(names(&store, other.id, Some(ada)).await.is_empty());
    // By the number and the site.
    for (site, id) in [(other.id, of_site), (site.id, 7)] {
        assert!(!store.rename_saved_segment(site, id, "X").await.unwrap());
        let filters = filters();
        let replaced = store.replace_saved_segment(site, id, &filters);
        assert!(!replaced.await.unwrap());
        assert!(!store.remove_saved_segment(site, id).await.unwrap());
    }
    let id = of_site;
    assert!(store.rename_saved_segment(site.id, id, "Z").await.unwrap());
    let new = json!([["is", "visit:country", ["DE"]]]);
    let replaced = store.replace_saved_segment(site.id, id, &new);
    assert!(replaced.await.unwrap());
    let [segment] = store
        .saved_segments(site.id, None)
        .await
        .unwrap()
        .try_into()
        .unwrap();
    let expected = SavedSegment {
        id,
        owner: None,
        name: "Z".to_owned(),
        filters: new,
    };
    assert_eq!(segment, expected);
    assert!(store.remove_saved_segment(site.id, id).await.unwrap());
    assert!(names(&store, site.id, None).await.is_empty());
}

async fn segments_are_checked_before_they_are_saved(place: Place) {
    let (store, site) = with_sites(&place).await;
    let ada = account(&store, "ada@example.com", true).await;
    let add = async |owner, name: &str, filters: &Value| {
        let added = store.add_saved_segment(site.id, owner, name, filters).await;
        match added {
            Ok(_) => String::new(),
            Err(Error::Invalid(text)) => text,
            Err(other) => panic!("{other}"),
        }
    };
    let long = json!([["is", "event:page", ["x".repeat(SEGMENT_BYTES_MAX)]]]);
    for (name, filters, begins) in [
        ("", &filters(), "name: a name has 1 to 100 characters"),
        ("  ", &filters(), "name: a name has 1 to 100 characters"),
        (&"ä".repeat(101), &filters(), "name: a name has 1 to 100"),
        ("a\nb", &filters(), "name: a control character"),
        ("a", &long, "filters: as text they have"),
    ] {
        let told = add(None, name, filters).await;
        assert!(told.starts_with(begins), "{name}: {told}");
    }
    assert_eq!(add(None, &"ä".repeat(100), &filters()).await, "");
    for n in 1..SAVED_SEGMENTS_MAX {
        assert_eq!(add(None, &format!("S{n}"), &filters()).await, "");
    }
    let told = add(None, "One more", &filters()).await;
    assert!(told.starts_with("name: there are 100 segments"), "{told}");
    // They take no room of an account's own.
    assert_eq!(add(Some(ada), "S1", &filters()).await, "");
    let told = add(Some(ada), "S1", &filters()).await;
    assert_eq!(told, "name: there is a segment \"S1\" already");
    assert_eq!(add(Some(ada), "S2", &filters()).await, "");
    let seen = store.saved_segments(site.id, Some(ada)).await.unwrap();
    let of = |name: &str, owner: Option<i64>| {
        let mut found = seen.iter();
        let found = found.find(|segment| segment.name == name && segment.owner == owner);
        found.unwrap().id
    };
    for id in [of("S2", None), of("S2", Some(ada))] {
        for (name, begins) in [
            ("S1", "name: there is a segment \"S1\" already"),
            ("", "name: a name has"),
        ] {
            let renamed = store.rename_saved_segment(site.id, id, name).await;
            let told = renamed.unwrap_err().to_string();
            assert!(told.starts_with(begins), "{told}");
        }
        // To what it is called already.
        let same = store.rename_saved_segment(site.id, id, "S2").await;
        assert!(same.unwrap());
        let replaced = store.replace_saved_segment(site.id, id, &long).await;
        assert!(replaced.unwrap_err().to_string().starts_with("filters: "));
    }
}

async fn segments_end_with_their_owner_and_their_site(place: Place) {
    let (store, site) = with_sites(&place).await;
    let other = store.site("b.example").await.unwrap().unwrap();
    let ada = account(&store, "ada@example.com", true).await;
    let eve = account(&store, "eve@example.com", false).await;
    for (site, owner) in [
        (site.id, None),
        (site.id, Some(ada)),
        (site.id, Some(eve)),
        (other.id, None),
        (other.id, Some(eve)),
    ] {
        let filters = filters();
        let added = store.add_saved_segment(site, owner, "S", &filters);
        added.await.unwrap();
    }
    let count = async || number(&store, "SELECT count(*) FROM saved_segment").await;
    // Who loses the role loses what was kept for it; an admin sees the site all the same.
    for (account, left) in [(ada, 5), (eve, 4)] {
        store
            .set_role(site.id, account, Some(Role::Editor))
            .await
            .unwrap();
        store.set_role(site.id, account, None).await.unwrap();
        assert_eq!(count().await, left);
    }
    store.remove_account(eve).await.unwrap();
    assert_eq!(count().await, 3, "those of sites stay");
    assert!(store.remove_site("b.example", today()).await.unwrap());
    assert_eq!(count().await, 2);
    assert!(store.remove_site("a.example", today()).await.unwrap());
    assert_eq!(count().await, 0);
    if let Place::File(file) = &place {
        let bytes = sqlite::files(file.parent().unwrap());
        let canary = b"canary-of-a-segment";
        let mut windows = bytes.windows(canary.len());
        assert!(!windows.any(|part| part == canary), "from the file, too");
    }
}
