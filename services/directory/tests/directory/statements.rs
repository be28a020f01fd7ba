//! The SQL itself: every statement on both engines, and one set of tables.

use tidings_directory::{SCHEMA, app_rows, statements};
use tidings_store::Engine;
use tidings_testkit::{assert_all_prepare, assert_apps_go, assert_same_tables};

use crate::suite::{Suite, on_both_engines};

#[tokio::test]
async fn every_statement_can_be_prepared() {
    assert!(statements(Engine::Sqlite).len() > 25);
    assert_all_prepare(
        &SCHEMA,
        statements,
        &["app_number", "admin_token", "word_list", "hook", "change", "gateway_lease", "service_account"],
    )
    .await;
}

#[tokio::test]
async fn both_engines_have_the_same_tables() {
    let columns = assert_same_tables(&SCHEMA).await;
    assert!(columns.contains(&"app_user.username TEXT null".to_owned()));
}

async fn migrating_again_changes_nothing(suite: Suite) {
    SCHEMA.migrate(&suite.db).await.unwrap();
}

on_both_engines!(migrating_again_changes_nothing);

#[tokio::test]
async fn all_rows_of_an_app_go_with_it() {
    assert_apps_go(&SCHEMA, app_rows(), &["app", "app_number", "hook", "word_list"]).await;
}
