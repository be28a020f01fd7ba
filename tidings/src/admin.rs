//! `tidings app ...`: calls the running server, or opens the data folder itself when no server runs on it.

use clap::Subcommand;
use tidings_domain::{App, Error, PolicyChange, PolicyValue};
use tidings_proto::{error_from_status, pb};
use tidings_runtime::Config;

use crate::{
    app_name::{named, org_and_name},
    directory::{Directory, with_directory},
    key_admin::{self, KeyCommand},
    lines::say,
    server::Server,
};

/// Commands on apps.
#[derive(Debug, Subcommand)]
pub enum AppCommand {
    /// Create an app with random credentials and show them.
    Create {
        /// As org/app.
        app: String,
        /// Lanying's app_id; random by default.
        #[arg(long, default_value = "")]
        lanying_app_id: String,
        /// Tencent's SdkAppid; random by default.
        #[arg(long, default_value_t = 0)]
        sdk_appid: i64,
    },
    /// List every app.
    List,
    /// Show one app.
    Show {
        /// As org/app.
        app: String,
        /// Include its secrets.
        #[arg(long)]
        secrets: bool,
    },
    /// Disable an app (every call to it is refused), or enable it again.
    Disable {
        /// As org/app.
        app: String,
        /// Enable the app again.
        #[arg(long)]
        undo: bool,
    },
    /// Delete an app permanently.
    Delete {
        /// As org/app.
        app: String,
        /// Required: without it nothing is deleted.
        #[arg(long)]
        yes: bool,
    },
    /// Create a new secret; the old one stays valid for the app's rotation overlap.
    RotateSecret {
        /// As org/app.
        app: String,
        /// client, token-key or certificate.
        #[arg(long, default_value = "client", value_parser = ["client", "token-key", "certificate"])]
        kind: String,
    },
    /// Set policy values, as name=value: see `Policy` in directory.proto.
    SetPolicy {
        /// As org/app.
        app: String,
        /// name=value ...
        #[arg(required = true)]
        values: Vec<String>,
    },
    /// Manage the keys with which internal services call over gRPC as this app.
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

/// Commands on admin tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Create a token and show it, once.
    Create {
        /// As org/app.
        app: String,
        /// A label for the list.
        #[arg(long, default_value = "")]
        label: String,
    },
    /// List them, without the tokens themselves.
    List {
        /// As org/app.
        app: String,
    },
    /// Revoke a token.
    Revoke {
        /// As org/app.
        app: String,
        /// Its number in the list.
        id: i64,
    },
}

/// Runs the command.
pub async fn app(config: &Config, server: Server, command: AppCommand) -> Result<(), Error> {
    with_directory(config, server, async |directory| act(directory, command).await).await
}

async fn act(mut directory: Directory, command: AppCommand) -> Result<(), Error> {
    match command {
        AppCommand::Create { app, lanying_app_id, sdk_appid } => {
            let (org, name) = org_and_name(&app)?;
            let wanted = pb::CreateAppRequest { org, name, lanying_app_id, sdk_appid };
            show_secrets(&directory.create_app(wanted).await.map_err(error_from_status)?.into_inner());
        }
        AppCommand::List => list(directory).await?,
        AppCommand::Show { app, secrets: true } => {
            show_secrets(
                &directory
                    .reveal_app(pb::RevealAppRequest { app: Some(named(&app)?) })
                    .await
                    .map_err(error_from_status)?
                    .into_inner(),
            );
        }
        AppCommand::Show { app, secrets: false } => {
            show(
                &directory
                    .get_app(pb::GetAppRequest { app: Some(named(&app)?) })
                    .await
                    .map_err(error_from_status)?
                    .into_inner(),
            );
        }
        AppCommand::Disable { app, undo } => {
            let wanted = pb::SetAppEnabledRequest { app: Some(named(&app)?), enabled: undo };
            show(&directory.set_app_enabled(wanted).await.map_err(error_from_status)?.into_inner());
        }
        AppCommand::Delete { app, yes } => {
            if !yes {
                return Err(Error::invalid("--yes", "is required: deleting an app cannot be undone"));
            }
            show(
                &directory
                    .delete_app(pb::DeleteAppRequest { app: Some(named(&app)?) })
                    .await
                    .map_err(error_from_status)?
                    .into_inner(),
            );
        }
        AppCommand::RotateSecret { app, kind } => {
            let kind = match kind.as_str() {
                "token-key" => pb::SecretKind::TokenKey,
                "certificate" => pb::SecretKind::AppCertificate,
                _ => pb::SecretKind::Client,
            };
            let wanted = pb::RotateSecretRequest { app: Some(named(&app)?), kind: kind.into() };
            show_secrets(&directory.rotate_secret(wanted).await.map_err(error_from_status)?.into_inner());
        }
        AppCommand::SetPolicy { app, values } => {
            let wanted = pb::SetPolicyRequest { app: Some(named(&app)?), policy: Some(policy(&values)?) };
            show(&directory.set_policy(wanted).await.map_err(error_from_status)?.into_inner());
        }
        AppCommand::Key { command } => key_admin::key(directory, command).await?,
        AppCommand::AdminToken { command } => admin_token(directory, command).await?,
    }
    Ok(())
}

async fn list(mut directory: Directory) -> Result<(), Error> {
    for app in pages(&mut directory).await? {
        show(&app);
    }
    Ok(())
}

/// Every app.
pub async fn apps(directory: &mut Directory) -> Result<Vec<App>, Error> {
    pages(directory).await?.into_iter().map(App::try_from).collect()
}

async fn pages(directory: &mut Directory) -> Result<Vec<pb::App>, Error> {
    let (mut all, mut page_token) = (Vec::new(), String::new());
    loop {
        let wanted = pb::ListAppsRequest { page_size: 100, page_token };
        let page = directory.list_apps(wanted).await.map_err(error_from_status)?.into_inner();
        all.extend(page.apps);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(all);
        }
    }
}

async fn admin_token(mut directory: Directory, command: TokenCommand) -> Result<(), Error> {
    match command {
        TokenCommand::Create { app, label } => {
            let wanted = pb::CreateAdminTokenRequest { app: Some(named(&app)?), label };
            say(&directory.create_admin_token(wanted).await.map_err(error_from_status)?.into_inner().token);
        }
        TokenCommand::List { app } => {
            let tokens = directory
                .list_admin_tokens(pb::ListAdminTokensRequest { app: Some(named(&app)?) })
                .await
                .map_err(error_from_status)?
                .into_inner();
            for token in tokens.admin_tokens {
                let state = if token.revoked_at_ms == 0 { "in force" } else { "revoked" };
                say(&format!("{}\t{state}\tmade at {} ms\t{}", token.id, token.created_at_ms, token.label));
            }
        }
        TokenCommand::Revoke { app, id } => {
            let wanted = pb::RevokeAdminTokenRequest { app: Some(named(&app)?), id };
            directory.revoke_admin_token(wanted).await.map_err(error_from_status)?;
            say(&format!("{id}\trevoked"));
        }
    }
    Ok(())
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

fn show(app: &pb::App) {
    let state = if app.enabled { "enabled" } else { "disabled" };
    say(&format!("{}/{}\t{state}\tapp_id {}\tSdkAppid {}", app.org, app.name, app.lanying_app_id, app.sdk_appid));
    if let Some(Ok(policy)) = app.policy.clone().map(PolicyChange::try_from) {
        say(&format!("\t{}", described(&policy)));
    }
}

/// Every value, and the quotas that are set.
fn described(policy: &PolicyChange) -> String {
    let shown = policy.entries().filter_map(|(name, value)| match PolicyValue::named(name) {
        Some(known) => Some(format!("{name}={}", known.written(value))),
        None => (value != 0).then(|| format!("{name}={value}")),
    });
    shown.collect::<Vec<_>>().join(" ")
}

fn show_secrets(secrets: &pb::AppWithSecrets) {
    show(&secrets.app.clone().unwrap_or_default());
    say(&format!("client_id\t{}", secrets.client_id));
    say(&format!("client_secret\t{}", secrets.client_secret));
    say(&format!("agora_app_id\t{}", secrets.agora_app_id));
    say(&format!("app_certificate\t{}", secrets.app_certificate));
}
