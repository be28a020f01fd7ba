//! How commands name an app.

use clap::Args;
use tidings_domain::Error;
use tidings_proto::pb::{self, app_ref};

/// The app that a command of `tidings app` is about.
#[derive(Debug, Args)]
pub struct NamedApp {
    /// The app, as org/app.
    #[arg(long, value_name = "ORG/APP", required_unless_present = "positional")]
    app: Option<String>,
    /// The same without the option's name, for older scripts.
    #[arg(value_name = "ORG/APP", hide = true, conflicts_with = "app")]
    positional: Option<String>,
}

impl NamedApp {
    /// As it was given.
    pub fn text(&self) -> &str {
        self.app.as_deref().or(self.positional.as_deref()).unwrap_or_default()
    }

    /// The app for a request.
    pub fn app_ref(&self) -> Result<Option<pb::AppRef>, Error> {
        named(self.text()).map(Some)
    }
}

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
