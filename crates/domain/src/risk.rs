//! Policy values, defaults of a vendor or set explicitly, that carry a risk the operator should know about.

use crate::{Policy, PolicyValue};

/// A risky policy value.
#[derive(Debug)]
pub struct Risk {
    /// The name of the policy value.
    pub switch: &'static str,
    /// The values that carry the risk.
    taken: fn(i64) -> bool,
    /// What may happen, as text that continues "`switch` is ...:".
    pub what: &'static str,
}

const fn on(switch: &'static str, what: &'static str) -> Risk {
    Risk { switch, taken: |value| value != 0, what }
}

const fn off(switch: &'static str, what: &'static str) -> Risk {
    Risk { switch, taken: |value| value == 0, what }
}

/// Every risk. Listed in docs/rights.md.
#[rustfmt::skip]
pub const RISKS: &[Risk] = &[
    on("lanying_open_registration", "anyone who knows the app's id can register users in the Lanying dialect"),
    on("open_registration", "anyone who knows the app's name can register users in the Agora dialect"),
    off("open_registrations_per_hour", "registrations without a token are not limited per address"),
    on("agora_login_names_fault", "callers of the token route of the Agora dialect can find out which users exist"),
    on("lanying_login_names_fault", "callers of the login routes of the Lanying dialect can find out which users exist"),
    on("accept_unknown_names", "messages to unregistered names are kept for the user who registers the name later"),
    on("accept_unknown_groups", "messages to groups that do not exist are answered like any other"),
    off("files_require_token", "anyone with the URL of a file can download it without a token"),
    on("users_set_file_lifetime", "users can keep files forever"),
    on("fetch_private", "an import reads from addresses inside the operator's network"),
    Risk {
        switch: "dynamic_token_lifetime_ms",
        taken: |value| value > 24 * 3_600_000,
        what: "dynamic user tokens are valid for more than a day",
    },
];

impl Risk {
    /// The value, if it carries the risk in that policy.
    pub fn taken_by(&self, policy: &Policy) -> Option<String> {
        let value = PolicyValue::named(self.switch)?;
        let now = value.of(policy);
        (self.taken)(now).then(|| value.written(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PolicyChange;

    #[test]
    fn every_switch_is_a_policy_value_and_stands_in_docs() {
        let page = include_str!("../../../docs/rights.md");
        for risk in RISKS {
            assert!(PolicyValue::named(risk.switch).is_some(), "{}", risk.switch);
            let row = format!("| `{}` |", risk.switch);
            let line = page.lines().find(|line| line.starts_with(&row));
            assert!(line.is_some_and(|line| line.contains(risk.what)), "docs/rights.md lacks {row} {}", risk.what);
        }
    }

    #[test]
    fn what_is_taken_by_default_is_what_the_vendors_do() {
        let of = |policy: &Policy| -> Vec<&str> {
            RISKS.iter().filter(|risk| risk.taken_by(policy).is_some()).map(|risk| risk.switch).collect()
        };
        let default =
            ["lanying_open_registration", "agora_login_names_fault", "accept_unknown_names", "files_require_token"];
        assert_eq!(of(&Policy::default()), default);
        let mut closed = PolicyChange::default();
        for (name, to) in default.into_iter().zip([0, 0, 0, 1]) {
            closed.set(name, to).expect("it is a value");
        }
        assert_eq!(of(&Policy::with(&closed).expect("it is a policy")), [""; 0]);
    }
}
