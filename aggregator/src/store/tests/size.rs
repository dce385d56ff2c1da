//! Looking at a database.

use super::engines::on_both_engines;
use super::*;

on_both_engines!(a_database_is_looked_at_and_not_changed);

async fn a_database_is_looked_at_and_not_changed(place: Place) {
    // Nothing is made by looking.
    assert!(Store::look(&place).await.is_err());
    if let Place::File(file) = &place {
        assert!(!file.exists());
    }
    let store = Store::open(&place).await.unwrap();
    let day = jiff::civil::date(2026, 5, 6);
    store.add_site("a.example", "UTC", day).await.unwrap();
    let looked = Store::look(&place).await.unwrap();
    assert!(looked.size_bytes().await.unwrap() > 8_192);
    assert!(looked.integrity().await.unwrap().is_empty());
    assert_eq!(looked.site_ids().await.unwrap().len(), 1);
    if looked.engine() == Engine::Sqlite {
        assert!(looked.add_site("b.example", "UTC", day).await.is_err());
    }
    looked.close().await;
    // One that a newer version has written.
    let newer = sql("UPDATE _sqlx_migrations SET version = 9999 WHERE version = 1");
    store.db.execute(newer).await.unwrap();
    store.close().await;
    let refused = Store::look(&place).await.unwrap_err().to_string();
    assert!(refused.contains("its schema is 9999"), "{refused}");
}
