//! `tidings app ...`: calls the running server, or opens the data folder itself when no server runs on it.

use clap::Subcommand;
use tidings_domain::{App, Error, PolicyChange, PolicyValue};
use tidings_proto::{error_from_status, pb};
use tidings_runtime::Config;

use crate::{
    app_lines as lines,
    app_name::{named, org_and_name},
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
    #[command(after_help = "Example:\n  tidings app create acme/lobby")]
    Create {
        /// The app, as org/app.
        app: String,
        /// Lanying's app_id; random by default.
        #[arg(long, default_value = "", hide_default_value = true)]
        lanying_app_id: String,
        /// Tencent's SdkAppid; random by default.
        #[arg(long, default_value_t = 0, hide_default_value = true)]
        sdk_appid: i64,
    },
    /// List every app.
    List,
    /// Show one app.
    #[command(after_help = "Example:\n  tidings app show acme/lobby --secrets")]
    Show {
        /// The app, as org/app.
        app: String,
        /// Include its secrets.
        #[arg(long)]
        secrets: bool,
    },
    /// Disable an app (every call to it is refused), or enable it again.
    #[command(after_help = "Example:\n  tidings app disable acme/lobby --undo")]
    Disable {
        /// The app, as org/app.
        app: String,
        /// Enable the app again.
        #[arg(long)]
        undo: bool,
    },
    /// Delete an app permanently.
    #[command(after_help = "Example:\n  tidings app delete acme/lobby --yes")]
    Delete {
        /// The app, as org/app.
        app: String,
        /// Required: without it nothing is deleted.
        #[arg(long)]
        yes: bool,
    },
    /// Create a new secret; the old one stays valid for the app's rotation overlap.
    #[command(after_help = "Example:\n  tidings app rotate-secret acme/lobby --kind certificate")]
    RotateSecret {
        /// The app, as org/app.
        app: String,
        /// Which secret.
        #[arg(long, default_value = "client", value_parser = one_of(&SECRETS))]
        kind: pb::SecretKind,
    },
    /// Set policy values, as name=value; `tidings app policies` lists them.
    #[command(after_help = "Example:\n  tidings app set-policy acme/lobby max_recipients=100 strict_bodies=true")]
    SetPolicy {
        /// The app, as org/app.
        app: String,
        /// name=value ...
        #[arg(required = true)]
        values: Vec<String>,
    },
    /// List every policy value with its default, range and meaning. No server is needed.
    Policies,
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
    if matches!(command, AppCommand::Policies) {
        output.print_all(policies::rows());
        return Ok(());
    }
    with_directory(config, server, async |directory| act(directory, command, output).await).await
}

async fn act(mut directory: Directory, command: AppCommand, output: Output) -> Result<(), Error> {
    let row = match command {
        AppCommand::Create { app, lanying_app_id, sdk_appid } => {
            let (org, name) = org_and_name(&app)?;
            let request = pb::CreateAppRequest { org, name, lanying_app_id, sdk_appid };
            lines::app_with_secrets(&directory.create_app(request).await.map_err(error_from_status)?.into_inner())
        }
        AppCommand::List => {
            output.print_all(pages(&mut directory).await?.iter().map(lines::app));
            return Ok(());
        }
        AppCommand::Show { app, secrets: true } => {
            let request = pb::RevealAppRequest { app: Some(named(&app)?) };
            lines::app_with_secrets(&directory.reveal_app(request).await.map_err(error_from_status)?.into_inner())
        }
        AppCommand::Show { app, secrets: false } => {
            let request = pb::GetAppRequest { app: Some(named(&app)?) };
            lines::app(&directory.get_app(request).await.map_err(error_from_status)?.into_inner())
        }
        AppCommand::Disable { app, undo } => {
            let request = pb::SetAppEnabledRequest { app: Some(named(&app)?), enabled: undo };
            lines::app(&directory.set_app_enabled(request).await.map_err(error_from_status)?.into_inner())
        }
        AppCommand::Delete { yes: false, .. } => {
            return Err(Error::invalid("--yes", "is required: deleting an app cannot be undone"));
        }
        AppCommand::Delete { app, yes: true } => {
            let request = pb::DeleteAppRequest { app: Some(named(&app)?) };
            lines::app(&directory.delete_app(request).await.map_err(error_from_status)?.into_inner())
        }
        AppCommand::RotateSecret { app, kind } => {
            let request = pb::RotateSecretRequest { app: Some(named(&app)?), kind: kind.into() };
            lines::app_with_secrets(&directory.rotate_secret(request).await.map_err(error_from_status)?.into_inner())
        }
        AppCommand::SetPolicy { app, values } => {
            let request = pb::SetPolicyRequest { app: Some(named(&app)?), policy: Some(policy(&values)?) };
            lines::app(&directory.set_policy(request).await.map_err(error_from_status)?.into_inner())
        }
        // Printed before a directory is looked for.
        AppCommand::Policies => return Ok(()),
        AppCommand::Key { command } => return key_admin::key(directory, command, output).await,
        AppCommand::AdminToken { command } => return token_admin::admin_token(directory, command, output).await,
    };
    output.print(&row);
    Ok(())
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
