//! `tidings app policies`: every policy value, from the table that storing and setting use.

use serde_json::Value;
use tidings_domain::{POLICY_VALUES, Policy, PolicyKind, PolicyValue, Rate};

use crate::lines::Row;

/// A row for each value, then for each quota; with the app's own values if there is one.
pub fn rows(app: Option<&Policy>) -> Vec<Row> {
    let defaults = Policy::default();
    let values = POLICY_VALUES.iter().map(|value| {
        let cell =
            |row: Row, name, policy| row.cell(name, json(value, value.of(policy)), value.written(value.of(policy)));
        let row = Row::default().shown("name", value.name);
        let row = app.into_iter().fold(row, |row, policy| cell(row, "value", policy));
        range(cell(row, "default", &defaults), value.kind).shown("meaning", value.meaning)
    });
    let rates = Rate::ALL.into_iter().map(|rate| {
        let quota = |policy: &Policy| policy.rates.quota(rate).unwrap_or(0);
        let meaning = format!("{} in {}; 0: unlimited", rate.meaning(), window(rate));
        let row = Row::default().shown("name", rate.name());
        let row = app.into_iter().fold(row, |row, policy| row.shown("value", quota(policy)));
        let row = row.shown("default", quota(&defaults));
        row.cell("kind", "quota", "quota").shown("meaning", meaning)
    });
    values.chain(rates).collect()
}

/// A value as JSON, with the word of a choice.
pub fn json(value: &PolicyValue, number: i64) -> Value {
    match value.kind {
        PolicyKind::Flag => (number != 0).into(),
        PolicyKind::Number(..) => number.into(),
        PolicyKind::Choice(_) => value.written(number).into(),
    }
}

/// What a value can be.
fn range(row: Row, kind: PolicyKind) -> Row {
    match kind {
        PolicyKind::Flag => row.cell("kind", "flag", "true or false"),
        PolicyKind::Number(least, most) => {
            row.field("min", least).field("max", most).cell("kind", "number", format!("{least} to {most}"))
        }
        PolicyKind::Choice(words) => {
            let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let text = words.join(" or ");
            row.field("values", words).cell("kind", "choice", text)
        }
    }
}

fn window(rate: Rate) -> String {
    match rate.window().as_secs() {
        86_400 => "a day (UTC)".to_owned(),
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::Output;

    #[test]
    fn every_value_and_every_quota_is_listed_with_default_range_and_meaning() {
        let rows = rows(None);
        assert_eq!(rows.len(), POLICY_VALUES.len() + Rate::ALL.len());
        let of = |name: &str, output| {
            let is_it = |row: &&Row| row.written(Output::Text)[0].starts_with(&format!("{name}\t"));
            rows.iter().find(is_it).unwrap().written(output).concat()
        };
        assert_eq!(of("max_groups", Output::Text), "max_groups\t3\t1 to 600\tgroups in one Agora send");
        let json = r#"{"default":3,"kind":"number","max":600,"meaning":"groups in one Agora send","min":1,"name":"max_groups"}"#;
        assert_eq!(of("max_groups", Output::Json), json);
        let text = "lanying_shape\t2026\t2021 or 2026\tedition of the Lanying dialect's answers";
        assert_eq!(of("lanying_shape", Output::Text), text);
        assert!(of("lanying_shape", Output::Json).contains(r#""values":["2021","2026"]"#));
        let text = "files_require_token\tfalse\ttrue or false\twhether downloads need a token";
        assert_eq!(of("files_require_token", Output::Text), text);
        let text = "rate_broadcasts_day\t0\tquota\tbroadcasts to every user in a day (UTC); 0: unlimited";
        assert_eq!(of("rate_broadcasts_day", Output::Text), text);
        assert!(of("rate_broadcasts", Output::Text).contains(" in 30 min; "));
        for row in &rows {
            assert_eq!(row.written(Output::Text)[0].split('\t').count(), 4, "{row:?}");
        }
    }

    #[test]
    fn an_apps_own_value_is_before_the_default() {
        let policy = Policy { max_groups: 7, ..Policy::default() };
        let listed = rows(Some(&policy));
        let of = |name: &str, output| {
            let is_it = |row: &&Row| row.written(Output::Text)[0].starts_with(&format!("{name}\t"));
            listed.iter().find(is_it).unwrap().written(output).concat()
        };
        assert_eq!(of("max_groups", Output::Text), "max_groups\t7\t3\t1 to 600\tgroups in one Agora send");
        let json = r#"{"default":3,"kind":"number","max":600,"meaning":"groups in one Agora send","min":1,"name":"max_groups","value":7}"#;
        assert_eq!(of("max_groups", Output::Json), json);
        assert!(of("rate_broadcasts", Output::Text).starts_with("rate_broadcasts\t0\t0\tquota\t"));
        for row in &listed {
            assert_eq!(row.written(Output::Text)[0].split('\t').count(), 5, "{row:?}");
        }
    }
}
