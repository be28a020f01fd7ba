//! Policies as JSON text: only values that were set are stored, so that a new default applies to every app that did not
//! override it.

use std::collections::BTreeMap;

use serde_json::Value;
use tidings_domain::{Error, Policy, PolicyChange, PolicyKind, PolicyValue, Rate};

/// Nothing set.
pub(super) const EMPTY: &str = "{}";

/// The values set by the stored text.
pub(super) fn read(text: &str) -> Result<PolicyChange, Error> {
    let stored: BTreeMap<String, Value> = serde_json::from_str(text).map_err(Error::internal)?;
    let mut change = PolicyChange::default();
    for (name, value) in stored {
        if PolicyValue::named(&name).is_none() && Rate::from_name(&name).is_none() {
            // Set by a newer version, which is being rolled out or was rolled back.
            continue;
        }
        let value = value.as_bool().map(i64::from).or(value.as_i64());
        change
            .set(&name, value.ok_or_else(|| Error::internal("a policy value is not a number"))?)
            .map_err(Error::internal)?;
    }
    Ok(change)
}

/// The defaults, overridden by the stored text.
pub(super) fn effective(text: &str) -> Result<Policy, Error> {
    Policy::with(&read(text)?).map_err(Error::internal)
}

/// The stored text with `change` applied.
pub(super) fn merged(text: &str, change: &PolicyChange) -> Result<String, Error> {
    let stored: BTreeMap<&str, Value> =
        read(text)?.then(change).entries().map(|(name, value)| (name, written(name, value))).collect();
    serde_json::to_string(&stored).map_err(Error::internal)
}

fn written(name: &str, value: i64) -> Value {
    match PolicyValue::named(name) {
        Some(PolicyValue { kind: PolicyKind::Flag, .. }) => Value::Bool(value != 0),
        _ => Value::from(value),
    }
}
