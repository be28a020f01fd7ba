//! `tidings app ...`: calls the running server, or opens the data folder itself when no server runs on it.

use clap::Subcommand;
use tidings_domain::{App, Error, PolicyChange, PolicyValue};
use tidings_proto::{error_from_status, pb};
use tidings_runtime::Config;

use crate::{
    app_lines as lines,
    app_name::{NamedApp, named, org_and_name},
    confirmation::Confirmation,
    directory::{Directory, with_directory},
    key_admin::{self, KeyCommand},
    lines::{Output, one_of},
    policies,
    server::Server,
    token_admin::{self, TokenCommand},
};

/// The command line's names of secrets.
const SECRETS: [(&str, pb::SecretKind); 3] = [
    ("client", pb::SecretKind::Client),
    ("token-key", pb::SecretKind::TokenKey),
    ("certificate", pb::SecretKind::AppCertificate),
];

/// Commands on apps.
#[derive(Debug, Subcommand)]
pub enum AppCommand {
    /// Create an app with random credentials and show them.
    #[command(after_help = "Example:\n  tidings app create --app acme/lobby")]
    Create {
        #[command(flatten)]
        app: NamedApp,
        /// Lanying's app_id; random by default.
        #[arg(long, default_value = "", hide_default_value = true)]
        lanying_app_id: String,
        /// Tencent's SdkAppid; random by default.
        #[arg(long, default_value_t = 0, hide_default_value = true)]
        sdk_appid: i64,
    },
    /// List every app.
    #[command(after_help = "Example:\n  tidings app list --json")]
    List,
    /// Show one app.
    #[command(after_help = "Example:\n  tidings app show --app acme/lobby --secrets")]
    Show {
        #[command(flatten)]
        app: NamedApp,
        /// Include its secrets.
        #[arg(long)]
        secrets: bool,
    },
    /// Disable an app (every call to it is refused), or enable it again.
    #[command(after_help = "Example:\n  tidings app disable --app acme/lobby --undo")]
    Disable {
        #[command(flatten)]
        app: NamedApp,
        /// Enable the app again.
        #[arg(long)]
        undo: bool,
    },
    /// Delete an app permanently.
    #[command(after_help = "Example:\n  tidings app delete --app acme/lobby --yes")]
    Delete {
        #[command(flatten)]
        app: NamedApp,
        #[command(flatten)]
        confirmation: Confirmation,
    },
    /// Create a new secret; the old one stays valid for the app's rotation overlap.
    #[command(after_help = "Example:\n  tidings app rotate-secret --app acme/lobby --kind certificate")]
    RotateSecret {
        #[command(flatten)]
        app: NamedApp,
        /// Which secret.
        #[arg(long, default_value = "client", value_parser = one_of(&SECRETS))]
        kind: pb::SecretKind,
    },
    /// Set policy values, as name=value; `tidings app policies` lists them.
    #[command(after_help = "Example:\n  tidings app set-policy --app acme/lobby max_recipients=100 strict_bodies=true")]
    SetPolicy {
        /// The app, as org/app.
        #[arg(long, value_name = "ORG/APP")]
        app: Option<String>,
        /// Names and values.
        #[arg(required = true, value_name = "NAME=VALUE")]
        values: Vec<String>,
    },
    /// List every policy value with its default, range and meaning, and with the app's own value.
    #[command(after_help = "Example:\n  tidings app policies --app acme/lobby")]
    Policies {
        /// The app, as org/app. Without it no server is needed.
        #[arg(long, value_name = "ORG/APP")]
        app: Option<String>,
    },
    /// Manage the keys of internal services that call this app over gRPC.
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Manage admin tokens (Lanying dialect).
    AdminToken {
        #[command(subcommand)]
        command: TokenCommand,
    },
}

/// Runs the command.
pub async fn app(config: &Config, server: Server, command: AppCommand, output: Output) -> Result<(), Error> {
    if matches!(command, AppCommand::Policies { app: None }) {
        output.print_all(policies::rows(None));
        return Ok(());
    }
    command.confirm()?;
    with_directory(config, server, async |directory| act(directory, command, output).await).await
}

async fn act(mut directory: Directory, command: AppCommand, output: Output) -> Result<(), Error> {
    let row = match command {
        AppCommand::Create { app, lanying_app_id, sdk_appid } => {
            let (org, name) = org_and_name(app.text())?;
            let request = pb::CreateAppRequest { org, name, lanying_app_id, sdk_appid };
            lines::app_with_secrets(&directory.create_app(request).await.map_err(error_from_status)?.into_inner())
        }
        AppCommand::List => {
            output.print_all(pages(&mut directory).await?.iter().map(lines::app));
            return Ok(());
        }
        AppCommand::Show { app, secrets: true } => {
            let request = pb::RevealAppRequest { app: app.app_ref()? };
            lines::app_with_secrets(&directory.reveal_app(request).await.map_err(error_from_status)?.into_inner())
        }
        AppCommand::Show { app, secrets: false } => {
            let request = pb::GetAppRequest { app: app.app_ref()? };
            lines::app(&directory.get_app(request).await.map_err(error_from_status)?.into_inner())
        }
        AppCommand::Disable { app, undo } => {
            let request = pb::SetAppEnabledRequest { app: app.app_ref()?, enabled: undo };
            lines::app(&directory.set_app_enabled(request).await.map_err(error_from_status)?.into_inner())
        }
        AppCommand::Delete { app, .. } => {
            let request = pb::DeleteAppRequest { app: app.app_ref()? };
            lines::app(&directory.delete_app(request).await.map_err(error_from_status)?.into_inner())
        }
        AppCommand::RotateSecret { app, kind } => {
            let request = pb::RotateSecretRequest { app: app.app_ref()?, kind: kind.into() };
            lines::app_with_secrets(&directory.rotate_secret(request).await.map_err(error_from_status)?.into_inner())
        }
        AppCommand::SetPolicy { app, values } => {
            let (app, values) = app_and_values(app.as_deref(), &values)?;
            let request = pb::SetPolicyRequest { app: Some(named(app)?), policy: Some(policy(values)?) };
            lines::app(&directory.set_policy(request).await.map_err(error_from_status)?.into_inner())
        }
        AppCommand::Policies { app } => {
            let app = app.map(|app| named(&app)).transpose()?;
            let found = directory.get_app(pb::GetAppRequest { app }).await.map_err(error_from_status)?.into_inner();
            output.print_all(policies::rows(Some(&App::try_from(found)?.policy)));
            return Ok(());
        }
        AppCommand::Key { command } => return key_admin::key(directory, command, output).await,
        AppCommand::AdminToken { command } => return token_admin::admin_token(directory, command, output).await,
    };
    output.print(&row);
    Ok(())
}

impl AppCommand {
    fn confirm(&self) -> Result<(), Error> {
        match self {
            Self::Delete { app, confirmation } => {
                confirmation.get(&format!("app {} is deleted with everything in it", app.text()))
            }
            Self::Key { command } => command.confirm(),
            Self::AdminToken { command } => command.confirm(),
            _ => Ok(()),
        }
    }
}

/// Every app.
pub async fn apps(directory: &mut Directory) -> Result<Vec<App>, Error> {
    pages(directory).await?.into_iter().map(App::try_from).collect()
}

async fn pages(directory: &mut Directory) -> Result<Vec<pb::App>, Error> {
    let (mut all, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListAppsRequest { page_size: 100, page_token };
        let page = directory.list_apps(request).await.map_err(error_from_status)?.into_inner();
        all.extend(page.apps);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(all);
        }
    }
}

/// Older scripts name the app without `--app`, before the values.
fn app_and_values<'a>(app: Option<&'a str>, values: &'a [String]) -> Result<(&'a str, &'a [String]), Error> {
    match (app, values) {
        (Some(app), values) => Ok((app, values)),
        (None, [app, values @ ..]) if !app.contains('=') => {
            if values.is_empty() {
                return Err(Error::invalid("values", "must be one or more name=value"));
            }
            Ok((app, values))
        }
        _ => Err(Error::invalid("--app", "is required, as org/app")),
    }
}

fn policy(values: &[String]) -> Result<pb::Policy, Error> {
    let mut change = PolicyChange::default();
    for value in values {
        let (name, text) = value.split_once('=').ok_or_else(|| Error::invalid(value, "must be name=value"))?;
        let value = match PolicyValue::named(name) {
            Some(value) => value.read(text)?,
            None => text.parse().map_err(|_| Error::invalid(name, "must be a number, or is not a policy value"))?,
        };
        change.set(name, value)?;
    }
    Ok(pb::Policy::from(&change))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_policy_names_its_app_by_option_or_before_the_values() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let (values, older) = (words(&["a=1", "b=2"]), words(&["acme/lobby", "a=1", "b=2"]));
        assert_eq!(app_and_values(Some("acme/lobby"), &values).unwrap(), ("acme/lobby", &values[..]));
        assert_eq!(app_and_values(None, &older).unwrap(), ("acme/lobby", &values[..]));
        assert!(app_and_values(None, &values).unwrap_err().to_string().starts_with("--app is required"));
        assert!(app_and_values(None, &older[..1]).unwrap_err().to_string().starts_with("values must be"));
    }
}
