//! Policy values that are set, and the policy that they give.

use std::collections::BTreeMap;

use crate::{
    Error, Generation, Policy, PolicyValue, Rate,
    policy_value::{MOST_QUOTA, VALUES},
};

/// Single policy values to set; absent ones are unchanged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyChange {
    values: BTreeMap<&'static str, i64>,
    rates: BTreeMap<Rate, i64>,
}

impl PolicyChange {
    /// Every value of a policy.
    pub fn all_of(policy: &Policy) -> Self {
        Self {
            values: VALUES.iter().map(|value| (value.name, value.of(policy))).collect(),
            rates: Rate::ALL.into_iter().map(|rate| (rate, policy.rates.quota(rate).unwrap_or(0))).collect(),
        }
    }

    /// Sets a value by its name; unknown names and values out of range are refused.
    pub fn set(&mut self, name: &str, to: i64) -> Result<(), Error> {
        if let Some(rate) = Rate::from_name(name) {
            if !(0..=MOST_QUOTA).contains(&to) {
                return Err(Error::invalid(name, format!("must be from 0 to {MOST_QUOTA}")));
            }
            self.rates.insert(rate, to);
            return Ok(());
        }
        let value = PolicyValue::named(name).ok_or_else(|| Error::invalid(name, "is not a policy value"))?;
        value.check(to)?;
        self.values.insert(value.name, to);
        Ok(())
    }

    /// The value, if it is set.
    pub fn get(&self, name: &str) -> Option<i64> {
        self.values.get(name).copied()
    }

    /// The quotas that are set; 0 is without limit.
    pub const fn rates(&self) -> &BTreeMap<Rate, i64> {
        &self.rates
    }

    /// Everything that is set, by name.
    pub fn entries(&self) -> impl Iterator<Item = (&'static str, i64)> {
        let rates = self.rates.iter().map(|(rate, quota)| (rate.name(), *quota));
        self.values.iter().map(|(name, value)| (*name, *value)).chain(rates)
    }

    /// This with `change` applied. A new preset of rates replaces quotas that were set before it.
    #[must_use]
    pub fn then(mut self, change: &Self) -> Self {
        if change.values.contains_key("limits") {
            self.rates.clear();
        }
        self.values.extend(&change.values);
        self.rates.extend(&change.rates);
        self
    }

    fn iter(&self) -> impl Iterator<Item = (&'static PolicyValue, i64)> {
        VALUES.iter().filter_map(|value| Some((value, self.get(value.name)?)))
    }
}

impl Policy {
    /// The policy of an app with these values set, or the first invalid value.
    pub fn with(change: &PolicyChange) -> Result<Self, Error> {
        let mut policy = Self::of(Generation::Seed);
        // Presets first, so that single values override them.
        let (presets, single): (Vec<_>, Vec<_>) = change.iter().partition(|(value, _)| value.is_preset());
        for (value, to) in presets.into_iter().chain(single) {
            value.check(to)?;
            (value.set)(&mut policy, to);
        }
        for (rate, quota) in &change.rates {
            policy.rates.set(*rate, *quota);
        }
        Ok(policy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Force;

    fn change(values: &[(&str, i64)]) -> PolicyChange {
        let mut change = PolicyChange::default();
        for (name, to) in values {
            change.set(name, *to).unwrap();
        }
        change
    }

    #[test]
    fn every_value_comes_back_as_it_was_set() {
        let other = change(&[("agora_generation", 2), ("limits", 3), ("max_file_bytes", 77), ("rate_calls", 5)]);
        for policy in [Policy::default(), Policy::with(&other).unwrap()] {
            assert_eq!(Policy::with(&PolicyChange::all_of(&policy)).unwrap(), policy);
        }
    }

    #[test]
    fn every_value_is_written_as_it_is_read() {
        for value in VALUES {
            let now = value.of(&Policy::default());
            assert_eq!(value.read(&value.written(now)).unwrap(), now, "{}", value.name);
            assert!(value.read("what").is_err(), "{}", value.name);
            assert!(!value.meaning.is_empty() && !value.meaning.ends_with('.'), "{}", value.name);
        }
    }

    #[test]
    fn a_generation_sets_its_lines_and_each_can_be_overridden_decision_12() {
        let newest = Policy::with(&change(&[("agora_generation", 2)])).unwrap();
        assert!(newest.agora_size_is_400 && newest.agora_recall_words && newest.agora_custom_exts_array);
        assert_eq!((newest.agora_force, newest.max_ext_bytes), (Force::Anything, 5120));
        let mixed = Policy::with(&change(&[("agora_size_is_400", 0), ("agora_generation", 2)])).unwrap();
        assert!(!mixed.agora_size_is_400 && mixed.agora_recall_words);
    }

    #[test]
    fn a_single_quota_stands_above_the_preset_until_another_preset_is_set_decision_7() {
        let set = change(&[("rate_calls", 7), ("limits", 2)]);
        let policy = Policy::with(&set).unwrap();
        assert_eq!(policy.rates.quota(Rate::Calls), Some(7));
        assert_eq!(policy.rates.quota(Rate::UserMessages), Some(6000));
        let policy = Policy::with(&set.then(&change(&[("limits", 3)]))).unwrap();
        assert_eq!(policy.rates.quota(Rate::Calls), Some(100));
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        let mut change = PolicyChange::default();
        for (name, to) in [("max_recipients", 601), ("lanying_shape", 2022), ("rate_calls", -1), ("nothing", 1)] {
            assert!(change.set(name, to).is_err(), "{name}");
        }
        assert_eq!(change, PolicyChange::default());
    }
}
