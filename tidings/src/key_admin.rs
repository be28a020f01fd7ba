//! `tidings app key ...`: the keys of service accounts.

use clap::Subcommand;
use tidings_domain::{Error, KeyScope};
use tidings_proto::{error_from_status, pb};

use crate::{
    app_name::named,
    directory::Directory,
    lines::{plain, say},
};

/// Commands on the keys of service accounts.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Create a key for an internal service and show it, once.
    Create {
        /// As org/app.
        app: String,
        /// The service, for the list.
        #[arg(long)]
        name: String,
        /// What it may do, with commas between: read, send, manage, admin.
        #[arg(long, required = true, value_delimiter = ',', value_parser = KeyScope::ALL.map(KeyScope::name))]
        scopes: Vec<String>,
    },
    /// List them, without the keys themselves.
    List {
        /// As org/app.
        app: String,
    },
    /// Revoke a key.
    Revoke {
        /// As org/app.
        app: String,
        /// Its number in the list.
        id: i64,
    },
}

/// Runs the command.
pub async fn key(mut directory: Directory, command: KeyCommand) -> Result<(), Error> {
    match command {
        KeyCommand::Create { app, name, scopes } => {
            let wanted = pb::CreateServiceAccountRequest { app: Some(named(&app)?), name, scopes };
            say(&directory.create_service_account(wanted).await.map_err(error_from_status)?.into_inner().key);
        }
        KeyCommand::List { app } => {
            let wanted = pb::ListServiceAccountsRequest { app: Some(named(&app)?) };
            let listed = directory.list_service_accounts(wanted).await.map_err(error_from_status)?.into_inner();
            for account in listed.accounts {
                let state = if account.revoked_at_ms == 0 { "in force" } else { "revoked" };
                let (scopes, name) = (account.scopes.join(","), plain(&account.name));
                say(&format!("{}\t{state}\tmade at {} ms\t{scopes}\t{name}", account.id, account.created_at_ms));
            }
        }
        KeyCommand::Revoke { app, id } => {
            let wanted = pb::RevokeServiceAccountRequest { app: Some(named(&app)?), id };
            directory.revoke_service_account(wanted).await.map_err(error_from_status)?;
            say(&format!("{id}\trevoked"));
        }
    }
    Ok(())
}
