//! Renames the fields in a refusal to the dialect's names.

use tidings_domain::Error;

/// The same error about the field of the vendor's call, if `names` has one for it: ours first, the vendor's second.
pub(crate) fn renamed(error: Error, names: &[(&str, &str)]) -> Error {
    let Some((ours, theirs)) = names.iter().find(|(ours, _)| error.field() == Some(ours)) else {
        return error;
    };
    match error.subject().strip_prefix(ours) {
        Some(rule) => Error::invalid(theirs, rule.trim_start()),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use tidings_domain::Reason;

    use super::*;

    #[test]
    fn a_field_has_the_vendors_name() {
        let names = [("text", "reason")];
        let refused = renamed(Error::invalid("text", "must be short"), &names);
        assert_eq!((refused.subject(), refused.field()), ("reason must be short", Some("reason")));
        assert_eq!(renamed(Error::invalid("ext", "must be short"), &names).subject(), "ext must be short");
        assert_eq!(renamed(Error::new(Reason::UserNotFound, "text"), &names).reason(), Reason::UserNotFound);
    }
}
