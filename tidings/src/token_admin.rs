//! `tidings app admin-token ...`: the admin tokens of the Lanying dialect.

use clap::Subcommand;
use tidings_domain::Error;
use tidings_proto::{error_from_status, moment_or_zero, pb};

use crate::{
    app_lines::token,
    app_name::named,
    directory::Directory,
    lines::{Output, Row},
};

/// Commands on admin tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Create a token and show it, once.
    #[command(after_help = "Example:\n  tidings app admin-token create acme/lobby --label ops")]
    Create {
        /// The app, as org/app.
        app: String,
        /// A label, shown in the list.
        #[arg(long, default_value = "", hide_default_value = true)]
        label: String,
    },
    /// List them, without the tokens themselves.
    #[command(after_help = "Example:\n  tidings app admin-token list acme/lobby")]
    List {
        /// The app, as org/app.
        app: String,
    },
    /// Revoke a token.
    #[command(after_help = "Example:\n  tidings app admin-token revoke acme/lobby 1")]
    Revoke {
        /// The app, as org/app.
        app: String,
        /// Its number in the list.
        id: i64,
    },
}

/// Runs the command.
pub async fn admin_token(mut directory: Directory, command: TokenCommand, output: Output) -> Result<(), Error> {
    match command {
        TokenCommand::Create { app, label } => {
            let request = pb::CreateAdminTokenRequest { app: Some(named(&app)?), label };
            let made = directory.create_admin_token(request).await.map_err(error_from_status)?.into_inner();
            let pb::AdminToken { id, label, created_at, .. } = made.admin_token.unwrap_or_default();
            let row = Row::default().field("id", id).field("label", label);
            let row = row.field("created_at_ms", moment_or_zero(created_at).0);
            output.print(&row.shown("token", made.token));
        }
        TokenCommand::List { app } => {
            let request = pb::ListAdminTokensRequest { app: Some(named(&app)?) };
            let listed = directory.list_admin_tokens(request).await.map_err(error_from_status)?.into_inner();
            output.print_all(listed.admin_tokens.iter().map(token));
        }
        TokenCommand::Revoke { app, id } => {
            let request = pb::RevokeAdminTokenRequest { app: Some(named(&app)?), id };
            directory.revoke_admin_token(request).await.map_err(error_from_status)?;
            output.print(&Row::default().shown("id", id).cell("revoked", true, "revoked"));
        }
    }
    Ok(())
}
