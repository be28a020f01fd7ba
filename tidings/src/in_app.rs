//! The app that a command addresses.

use clap::Args;
use tidings_domain::Error;
use tidings_runtime::context;
use tonic::Request;

use crate::app_name::org_and_name;

/// The app.
#[derive(Debug, Args)]
pub struct InApp {
    /// The app, as org/app.
    #[arg(long, value_name = "ORG/APP")]
    app: String,
}

impl InApp {
    /// As it was given.
    pub fn text(&self) -> &str {
        &self.app
    }

    /// A call on behalf of the app.
    pub fn request<T>(&self, message: T) -> Result<Request<T>, Error> {
        let (org, name) = org_and_name(&self.app)?;
        let key = format!("{org}#{name}").parse().map_err(|_| Error::invalid("app", "must be visible ASCII"))?;
        let mut request = Request::new(message);
        request.metadata_mut().insert(context::APP, key);
        Ok(request)
    }
}
