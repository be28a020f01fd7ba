//! Who may register users.

use crate::{Error, NameRule, Policy, Reason};

impl Policy {
    /// Refuses registration without the app's own token, unless the app allows open registration in the dialect
    /// with that rule for names.
    pub fn check_open_registration(&self, rule: NameRule) -> Result<(), Error> {
        let is_open = match rule {
            NameRule::General => self.open_registration,
            NameRule::Lanying => self.lanying_open_registration,
        };
        if is_open { Ok(()) } else { Err(Error::new(Reason::RegistrationClosed, "")) }
    }
}
