//! How commands name an app.

use tidings_domain::Error;
use tidings_proto::pb::{self, app_ref};

/// The two names of `org/app`.
pub fn org_and_name(app: &str) -> Result<(String, String), Error> {
    let parts = app.split_once(['/', '#']).ok_or_else(|| Error::invalid("app", "must be org/app"))?;
    Ok((parts.0.to_owned(), parts.1.to_owned()))
}

/// The app of that name.
pub fn named(app: &str) -> Result<pb::AppRef, Error> {
    let (org, name) = org_and_name(app)?;
    Ok(pb::AppRef { app: Some(app_ref::App::AppKey(format!("{org}#{name}"))) })
}
