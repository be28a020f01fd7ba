//! The SQL itself: every statement on both engines, and one set of tables.

use tidings_callback::{SCHEMA, statements};
use tidings_store::Engine;
use tidings_testkit::{assert_all_prepare, assert_same_tables};

#[tokio::test]
async fn every_statement_can_be_prepared_on_both_engines() {
    assert!(statements(Engine::Sqlite).len() > 10);
    assert_all_prepare(&SCHEMA, statements, &["endpoint", "counter", "w", "worker"]).await;
}

#[tokio::test]
async fn both_engines_have_the_same_tables() {
    let columns = assert_same_tables(&SCHEMA).await;
    assert!(columns.contains(&"delivery.body TEXT".to_owned()));
    assert!(columns.contains(&"worker.lease_until INTEGER".to_owned()));
}
