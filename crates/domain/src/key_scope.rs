//! The scopes of an app key, which limit what an internal service may call.

use crate::Error;

/// How the key of a service account begins: then come the app's number, the account's, and what is secret, with `-`
/// between. The service key of an installation is not to begin so.
pub const ACCOUNT_KEY: &str = "tsa-";

/// A scope. Every public RPC that is not the operator's needs exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyScope {
    /// Reads users, groups, conversations, histories, files and events.
    Read,
    /// Sends, recalls, edits, reacts, uploads and acknowledges.
    Send,
    /// Changes users, contacts, groups and rooms.
    Manage,
    /// Changes what concerns the whole app: callbacks, hooks, word lists, imports, purges.
    Admin,
}

impl KeyScope {
    /// Every scope.
    pub const ALL: [Self; 4] = [Self::Read, Self::Send, Self::Manage, Self::Admin];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Send => "send",
            Self::Manage => "manage",
            Self::Admin => "admin",
        }
    }

    /// The scope of that name.
    pub fn of_name(name: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|scope| scope.name() == name);
        found.ok_or_else(|| Error::invalid("scopes", "must be from read, send, manage and admin"))
    }

    /// The scopes of these names, in order and each once.
    pub fn of_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Vec<Self>, Error> {
        let mut scopes = names.into_iter().map(Self::of_name).collect::<Result<Vec<_>, _>>()?;
        scopes.sort_unstable();
        scopes.dedup();
        Ok(scopes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_and_each_scope_is_there_once() {
        let scopes = KeyScope::of_names(["send", "read", "send"]).expect("they are known");
        assert_eq!(scopes, [KeyScope::Read, KeyScope::Send]);
        assert_eq!(KeyScope::of_names(KeyScope::ALL.map(KeyScope::name)).expect("they are known"), KeyScope::ALL);
        let unknown = KeyScope::of_names(["read", "Send"]).expect_err("names are in lower case");
        assert_eq!(unknown.field(), Some("scopes"));
    }
}
