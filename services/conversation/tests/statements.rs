//! The SQL itself: every statement on both engines, and one set of tables.

use tidings_conversation::{SCHEMA, app_rows, statements};
use tidings_store::Engine;
use tidings_testkit::{assert_all_prepare, assert_apps_go, assert_same_tables};

#[tokio::test]
async fn every_statement_can_be_prepared_on_both_engines() {
    assert!(statements(Engine::Sqlite).len() > 2);
    assert_all_prepare(&SCHEMA, statements, &["read_report", "delivered_report", "pin_report"]).await;
}

#[tokio::test]
async fn both_engines_have_the_same_tables() {
    let columns = assert_same_tables(&SCHEMA).await;
    assert!(columns.contains(&"cursor.unlisted_id INTEGER".to_owned()));
    assert!(columns.contains(&"pin.pin_no INTEGER".to_owned()));
}

#[tokio::test]
async fn all_rows_of_an_app_go_with_it() {
    assert_apps_go(&SCHEMA, app_rows(), &[]).await;
}
