//! Number types that must not be mixed up.

use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// An app: the tenant. Small numbers, given in order of creation.
    AppId
);
id!(
    /// A user of one app, below 2^53. 0 is the app itself, whose name is `admin`.
    UserId
);
id!(
    /// A group of one app, in the same number space as users.
    GroupId
);
id!(
    /// A chat room of one app, in the same number space as users.
    RoomId
);
id!(
    /// A message of one app: 53 bits, increases with time inside a conversation (see [`crate::MsgIdMinter`]).
    MsgId
);

impl UserId {
    /// The app itself.
    pub const ADMIN: Self = Self(0);

    /// Stands for an unknown user where a user is named; no user ever has it.
    pub const NOBODY: Self = Self((1 << 53) - 1);

    /// The `n`th generated user id: the low four bits are the kind, 0 for users.
    pub const fn generated(n: i64) -> Self {
        Self(n << 4)
    }
}

impl MsgId {
    /// Below every message.
    pub const ZERO: Self = Self(0);
}
