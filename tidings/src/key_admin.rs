//! `tidings app key ...`: the keys of service accounts.

use clap::Subcommand;
use tidings_domain::{Error, KeyScope};
use tidings_proto::{error_from_status, moment_or_zero, pb};

use crate::{
    app_lines::account,
    app_name::NamedApp,
    confirmation::Confirmation,
    directory::Directory,
    lines::{Output, Row},
};

/// Commands on the keys of service accounts.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Create a key for an internal service and show it, once.
    #[command(after_help = "Example:\n  tidings app key create --app acme/lobby --name crm --scopes read,send")]
    Create {
        #[command(flatten)]
        app: NamedApp,
        /// The service's name, shown in the list.
        #[arg(long)]
        name: String,
        /// Its scopes, separated by commas: read, send, manage, admin.
        #[arg(long, required = true, value_delimiter = ',', value_parser = KeyScope::ALL.map(KeyScope::name))]
        scopes: Vec<String>,
    },
    /// List them, without the keys themselves.
    #[command(after_help = "Example:\n  tidings app key list --app acme/lobby")]
    List {
        #[command(flatten)]
        app: NamedApp,
    },
    /// Revoke a key.
    #[command(
        after_help = "Example:\n  tidings app key revoke --app acme/lobby 1 --yes",
        allow_missing_positional = true
    )]
    Revoke {
        #[command(flatten)]
        app: NamedApp,
        /// Its number in the list.
        id: i64,
        #[command(flatten)]
        confirmation: Confirmation,
    },
}

impl KeyCommand {
    /// Asks whoever runs a command that cannot be undone.
    pub fn confirm(&self) -> Result<(), Error> {
        match self {
            Self::Revoke { app, id, confirmation } => {
                confirmation.get(&format!("key {id} of app {} is revoked", app.text()))
            }
            Self::Create { .. } | Self::List { .. } => Ok(()),
        }
    }
}

/// Runs the command.
pub async fn key(mut directory: Directory, command: KeyCommand, output: Output) -> Result<(), Error> {
    match command {
        KeyCommand::Create { app, name, scopes } => {
            let request = pb::CreateServiceAccountRequest { app: app.app_ref()?, name, scopes };
            let made = directory.create_service_account(request).await.map_err(error_from_status)?.into_inner();
            let pb::ServiceAccount { id, name, scopes, created_at, .. } = made.account.unwrap_or_default();
            let row = Row::default().field("id", id).field("name", name).field("scopes", scopes);
            output.print(&row.field("created_at_ms", moment_or_zero(created_at).0).shown("key", made.key));
        }
        KeyCommand::List { app } => {
            let request = pb::ListServiceAccountsRequest { app: app.app_ref()? };
            let listed = directory.list_service_accounts(request).await.map_err(error_from_status)?.into_inner();
            output.print_all(listed.accounts.iter().map(account));
        }
        KeyCommand::Revoke { app, id, .. } => {
            let request = pb::RevokeServiceAccountRequest { app: app.app_ref()?, id };
            directory.revoke_service_account(request).await.map_err(error_from_status)?;
            output.print(&Row::default().shown("id", id).cell("revoked", true, "revoked"));
        }
    }
    Ok(())
}
