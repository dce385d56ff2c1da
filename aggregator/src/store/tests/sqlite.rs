//! What is SQLite's own: its file.

use super::*;

/// Bytes of the database and of what lies beside it.
pub(crate) fn files(folder: &std::path::Path) -> Vec<u8> {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    entries
        .flat_map(|entry| std::fs::read(entry.path()).unwrap())
        .collect()
}

#[tokio::test]
async fn i12_what_was_deleted_is_in_no_file_and_the_file_shrinks() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::File(folder.path().join("x.sqlite"));
    let (store, site) = with_sites(&place).await;
    let mut seed = 1_u64;
    let mut random = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        seed >> 33
    };
    for seq in 1..=20 {
        let mut batch = batch(site.id, seq);
        // Unlike each other, so that they stay large when packed.
        batch.strings = (0..2_000)
            .map(|_| format!("/{:x}{:x}", random(), random()))
            .collect();
        batch.pages = (0..2_000)
            .map(|place| vec![9, place, 1, 0, 0, 6, 1 + random() % 1_000])
            .collect();
        batch.strings[0] = format!("/canary-{seq}-of-this-test");
        store.apply_batch(&batch, [1; 32], noon()).await.unwrap();
    }
    let canary = b"canary-20-of-this-test";
    let is_there = |needle: &[u8]| {
        files(folder.path())
            .windows(needle.len())
            .any(|w| w == needle)
    };
    let before = files(folder.path()).len();
    assert!(before > 500_000, "{before}");
    // Small parts are stored plain: what is looked for can be found.
    store
        .add_goal(
            site.id,
            GoalKind::Event {
                name: "canary-20-of-this-test".into(),
            },
            None,
        )
        .await
        .unwrap();
    assert!(is_there(canary));
    assert!(store.remove_site("a.example", today()).await.unwrap());
    assert!(!is_there(canary));
    let after = files(folder.path()).len();
    assert!(after * 4 < before, "{before} bytes became {after}");
    store.close().await;
}
