//! `tidings message recall`: asks the running server to recall a message.

use clap::{Args, Subcommand};
use tidings_domain::{Error, Reason};
use tidings_proto::{
    error_from_status,
    pb::{self, message_service_client::MessageServiceClient},
};
use tidings_runtime::Config;

use crate::{
    confirmation::Confirmation,
    in_app::InApp,
    lines::{Output, Row},
    server::Server,
};

/// Commands on messages.
#[derive(Debug, Subcommand)]
pub enum MessageCommand {
    /// Recall a message, however old it is: it leaves everybody's history and unread counts.
    #[command(after_help = "Example:\n  tidings message recall --app acme/lobby --msg-id 1234567890123456 --yes")]
    Recall {
        #[command(flatten)]
        of: InApp,
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        confirmation: Confirmation,
    },
}

/// Selects the message.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// Its key in Tencent's callbacks, as SEQ_RANDOM_TIME.
    #[arg(long, value_name = "KEY")]
    msg_key: Option<String>,
    /// Its id.
    #[arg(long, value_name = "ID")]
    msg_id: Option<i64>,
}

/// Runs the command.
pub async fn message(config: &Config, server: Server, command: MessageCommand, output: Output) -> Result<(), Error> {
    let MessageCommand::Recall { of, which, confirmation } = command;
    let row = match (&which.msg_key, which.msg_id) {
        (Some(key), _) => Row::default().shown("msg_key", key.as_str()),
        (None, id) => Row::default().shown("msg_id", id.unwrap_or_default()),
    };
    confirmation.get(&format!("message {} is recalled for everybody", row.written(Output::Text).concat()))?;
    let wire = server.running(config, config.peers.message.as_ref()).await?;
    let request = pb::RecallRequest {
        msg_id: which.msg_id.unwrap_or_default(),
        msg_key: which.msg_key.unwrap_or_default(),
        ..Default::default()
    };
    let recalled = MessageServiceClient::new(wire).recall(of.request(request)?).await.map_err(error_from_status)?;
    if !recalled.into_inner().recalled {
        let named = row.written(Output::Text).concat();
        return Err(Error::new(Reason::MessageNotFound, format!("{named} was already recalled")));
    }
    output.print(&row.cell("recalled", true, "recalled"));
    Ok(())
}
