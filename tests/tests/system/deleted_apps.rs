//! The data of a deleted app is removed a week later, and nothing of others.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::json;
use tidings_domain::{Clock as _, ManualClock, SystemClock};
use tidings_store::sqlx::{self, AssertSqlSafe, Connection as _, PgConnection};
use tidings_testkit::{Suite, TestApp, fresh_database, wait_until};

/// Rows of each app by table.
async fn rows(admin: &mut PgConnection) -> BTreeMap<String, BTreeMap<i64, i64>> {
    const TABLES: &str = "
        select table_schema || '.' || table_name from information_schema.columns
        where table_schema like 'tidings\\_%' and column_name = 'app_id'";
    let tables: Vec<(String,)> = sqlx::query_as(TABLES).fetch_all(&mut *admin).await.unwrap();
    let mut found = BTreeMap::new();
    for (table,) in tables {
        let count = AssertSqlSafe(format!("select app_id, count(*) from {table} group by app_id"));
        let apps: Vec<(i64, i64)> = sqlx::query_as(count).fetch_all(&mut *admin).await.unwrap();
        found.insert(table, apps.into_iter().collect());
    }
    found
}

async fn use_everything(app: &TestApp) {
    let agora = app.agora();
    agora.register(&["ann", "bob"]).await;
    agora.send_text("ann", "bob", "hi").await;
    let group = json!({"groupname": "g", "description": "d", "public": true, "owner": "ann", "members": ["bob"]});
    assert_eq!(agora.post("/chatgroups", &group).await.status, 200);
    let message = json!({"from": "ann", "to": ["bob"], "type": "txt", "body": {"msg": "again"}});
    assert_eq!(agora.post("/messages/users", &message).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_deleted_app_left_goes_a_week_later() {
    let database = fresh_database().await;
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let suite = Arc::new(Suite::all_in_one(Some(database.clone()), clock.clone()));
    let (kept, gone) = (TestApp::of(Arc::clone(&suite)).await, TestApp::of(Arc::clone(&suite)).await);
    use_everything(&kept).await;
    use_everything(&gone).await;
    let (kept_id, gone_id) = (kept.app().id, gone.app().id);
    let mut admin = PgConnection::connect(&database).await.unwrap();
    let before = rows(&mut admin).await;
    assert!(before["tidings_message.message"][&gone_id] > 1 && before["tidings_directory.group_member"][&gone_id] == 2);

    let named = tidings_proto::pb::AppRef { app: Some(tidings_proto::pb::app_ref::App::Id(gone_id)) };
    kept.directory().delete_app(kept.request(tidings_proto::pb::DeleteAppRequest { app: Some(named) })).await.unwrap();
    clock.advance(Duration::from_hours(7 * 24 + 1));
    // Its own row stays, so that its number is not reused.
    wait_until("its rows to go", async || {
        let left = rows(&mut admin).await;
        left.iter().all(|(table, apps)| table == "tidings_directory.app" || !apps.contains_key(&gone_id))
    })
    .await;
    let after = rows(&mut admin).await;
    for (table, apps) in before {
        assert!(after[&table].get(&kept_id) >= apps.get(&kept_id), "{table}: {:?} of {:?}", after[&table], apps);
    }
}
