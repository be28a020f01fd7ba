//! Apps, admin tokens and keys as rows.

use serde_json::{Map, Value};
use tidings_domain::{PolicyChange, PolicyValue};
use tidings_proto::{moment_or_zero, pb};

use crate::{lines::Row, policies::json};

/// An app without secrets.
pub fn app(app: &pb::App) -> Row {
    let row = Row::default()
        .field("id", app.id)
        .field("org", app.org.as_str())
        .field("name", app.name.as_str())
        .field("uuid", app.uuid.as_str())
        .field("created_at_ms", moment_or_zero(app.created_at).0)
        .text(format!("{}/{}", app.org, app.name))
        .cell("enabled", app.enabled, if app.enabled { "enabled" } else { "disabled" })
        .cell("lanying_app_id", app.lanying_app_id.as_str(), format!("app_id {}", app.lanying_app_id))
        .cell("sdk_appid", app.sdk_appid, format!("SdkAppid {}", app.sdk_appid));
    match app.policy.clone().map(PolicyChange::try_from) {
        Some(Ok(policy)) => row.line().text("").cell("policy", fields(&policy), described(&policy)),
        _ => row,
    }
}

/// An app with its secrets.
pub fn app_with_secrets(secrets: &pb::AppWithSecrets) -> Row {
    let mut row = app(&secrets.app.clone().unwrap_or_default());
    for (name, value) in [
        ("client_id", &secrets.client_id),
        ("client_secret", &secrets.client_secret),
        ("agora_app_id", &secrets.agora_app_id),
        ("app_certificate", &secrets.app_certificate),
    ] {
        row = row.line().text(name).shown(name, value.as_str());
    }
    row
}

/// Every value, and the quotas that are set.
fn described(policy: &PolicyChange) -> String {
    let shown = policy.entries().filter_map(|(name, value)| match PolicyValue::named(name) {
        Some(known) => Some(format!("{name}={}", known.written(value))),
        None => (value != 0).then(|| format!("{name}={value}")),
    });
    shown.collect::<Vec<_>>().join(" ")
}

/// Every value, and all quotas in `rates`, as in the gRPC API.
fn fields(policy: &PolicyChange) -> Value {
    let mut fields = Map::new();
    for (name, value) in policy.entries() {
        if let Some(known) = PolicyValue::named(name) {
            fields.insert(name.to_owned(), json(known, value));
        }
    }
    let rates: Map<String, Value> =
        policy.rates().iter().map(|(rate, quota)| (rate.name().to_owned(), Value::from(*quota))).collect();
    fields.insert("rates".to_owned(), rates.into());
    fields.into()
}

/// An admin token, without the token itself.
pub fn token(token: &pb::AdminToken) -> Row {
    Row::default()
        .shown("id", token.id)
        .cell("revoked_at_ms", moment_or_zero(token.revoked_at).0, state(token.revoked_at.is_some()))
        .time("created_at_ms", "made at", moment_or_zero(token.created_at).0)
        .shown("label", token.label.as_str())
}

/// A service account, without its key.
pub fn account(account: &pb::ServiceAccount) -> Row {
    Row::default()
        .shown("id", account.id)
        .cell("revoked_at_ms", moment_or_zero(account.revoked_at).0, state(account.revoked_at.is_some()))
        .time("created_at_ms", "made at", moment_or_zero(account.created_at).0)
        .cell("scopes", account.scopes.clone(), account.scopes.join(","))
        .shown("name", account.name.as_str())
}

const fn state(is_revoked: bool) -> &'static str {
    if is_revoked { "revoked" } else { "in force" }
}

#[cfg(test)]
mod tests {
    use tidings_domain::Policy;
    use tidings_proto::timestamp_unless_zero as at;

    use super::*;
    use crate::lines::Output;

    fn object(row: &Row) -> Value {
        serde_json::from_str(&row.written(Output::Json).concat()).unwrap()
    }

    fn lobby() -> pb::App {
        let mut policy = PolicyChange::all_of(&Policy::default());
        policy.set("rate_calls", 9).unwrap();
        pb::App {
            id: 3,
            org: "acme".into(),
            name: "lobby".into(),
            uuid: "u-1".into(),
            lanying_app_id: "abc".into(),
            sdk_appid: 1_400_000_001,
            enabled: true,
            created_at: at(5),
            policy: Some(pb::Policy::from(&policy)),
            ..Default::default()
        }
    }

    #[test]
    fn an_app_is_two_lines_with_its_policy_or_an_object() {
        let row = app(&lobby());
        let lines = row.written(Output::Text);
        assert_eq!((lines.len(), &*lines[0]), (2, "acme/lobby\tenabled\tapp_id abc\tSdkAppid 1400000001"));
        assert!(lines[1].starts_with('\t') && lines[1].contains("agora_generation=seed "), "{}", lines[1]);
        assert!(lines[1].contains(" rate_calls=9") && !lines[1].contains("rate_token_calls"), "{}", lines[1]);
        let object = object(&row);
        let names = ["id", "org", "name", "uuid", "created_at_ms", "enabled", "lanying_app_id", "sdk_appid", "policy"];
        assert!(names.iter().all(|name| !object[name].is_null()), "{object}");
        assert_eq!(object.as_object().unwrap().len(), names.len(), "{object}");
        let policy = &object["policy"];
        assert_eq!((&policy["agora_generation"], &policy["strict_bodies"]), (&"seed".into(), &false.into()));
        assert_eq!((&policy["max_groups"], &policy["rates"]["rate_calls"]), (&3.into(), &9.into()));
        assert_eq!(policy["rates"]["rate_token_calls"], 0);
    }

    #[test]
    fn secrets_are_lines_of_their_own_or_fields() {
        let secrets = pb::AppWithSecrets {
            app: Some(lobby()),
            client_id: "ci".into(),
            client_secret: "cs".into(),
            app_certificate: "ac".into(),
            agora_app_id: "ai".into(),
        };
        let row = app_with_secrets(&secrets);
        let expected = ["client_id\tci", "client_secret\tcs", "agora_app_id\tai", "app_certificate\tac"];
        assert_eq!(row.written(Output::Text)[2..], expected);
        let object = object(&row);
        assert_eq!((&object["client_secret"], &object["id"]), (&"cs".into(), &3.into()));
    }

    #[test]
    fn tokens_and_keys_are_one_line_each() {
        let shown = pb::AdminToken { id: 1, label: "ops\tx".into(), created_at: at(4), revoked_at: at(0) };
        let line = "1\tin force\tmade at 1970-01-01T00:00:00.004Z\tops\\tx";
        assert_eq!(token(&shown).written(Output::Text), [line]);
        let json = r#"{"created_at_ms":4,"id":1,"label":"ops\tx","revoked_at_ms":0}"#;
        assert_eq!(token(&shown).written(Output::Json), [json]);
        let shown = pb::ServiceAccount {
            id: 2,
            name: "crm".into(),
            scopes: vec!["read".into(), "send".into()],
            created_at: at(4),
            revoked_at: at(5),
        };
        let line = "2\trevoked\tmade at 1970-01-01T00:00:00.004Z\tread,send\tcrm";
        assert_eq!(account(&shown).written(Output::Text), [line]);
        let json = r#"{"created_at_ms":4,"id":2,"name":"crm","revoked_at_ms":5,"scopes":["read","send"]}"#;
        assert_eq!(account(&shown).written(Output::Json), [json]);
    }
}
