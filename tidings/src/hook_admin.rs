//! `tidings hook ...`: the servers that are called before a message is appended to the log, or groups and contacts
//! change.

use std::time::Duration;

use clap::{ArgAction, Args, Subcommand};
use tidings_domain::Error;
use tidings_proto::{duration, error_from_status, pb, span_or_zero};
use tidings_runtime::Config;

use crate::{
    confirmation::Confirmation,
    directory::{Directory, with_directory},
    in_app::InApp,
    lines::{Output, Row, one_of, word},
    server::Server,
    text_input::TokenOptions,
};

/// The command line's names of formats.
const FORMS: [(&str, pb::HookForm); 2] = [("tencent", pb::HookForm::Tencent), ("agora", pb::HookForm::Agora)];

/// The command line's names of failure policies: whether messages are refused.
const ON_FAILURE: [(&str, bool); 2] = [("deliver", false), ("refuse", true)];

/// The command line's names of conversation kinds.
const KINDS: [(&str, pb::ConversationKind); 3] = [
    ("chats", pb::ConversationKind::Direct),
    ("groups", pb::ConversationKind::Group),
    ("rooms", pb::ConversationKind::Room),
];

/// The command line's names of the subjects of hooks.
const SUBJECTS: [(&str, pb::HookSubject); 6] = [
    ("messages", pb::HookSubject::Message),
    ("group-creations", pb::HookSubject::GroupCreation),
    ("group-applications", pb::HookSubject::GroupApplication),
    ("group-invitations", pb::HookSubject::GroupInvitation),
    ("contact-requests", pb::HookSubject::ContactRequest),
    ("contact-answers", pb::HookSubject::ContactAnswer),
];

/// Commands on the hooks of an app.
#[derive(Debug, Subcommand)]
pub enum HookCommand {
    /// Add a server that is called before a message is appended to the log, or before groups and contacts change.
    #[command(
        after_help = "Example:\n  tidings hook add --app acme/lobby --form agora --url https://app.example/before"
    )]
    Add(Added),
    /// List every hook of an app, in the order in which they are called.
    #[command(after_help = "Example:\n  tidings hook list --app acme/lobby")]
    List(InApp),
    /// Remove a hook.
    #[command(after_help = "Example:\n  tidings hook remove --app acme/lobby 7 --yes")]
    Remove {
        #[command(flatten)]
        of: InApp,
        /// Its number in the list.
        id: i64,
        #[command(flatten)]
        confirmation: Confirmation,
    },
}

/// A new hook.
#[derive(Debug, Args)]
pub struct Added {
    #[command(flatten)]
    of: InApp,
    /// The vendor format of the calls.
    #[arg(long, value_parser = one_of(&FORMS))]
    form: pb::HookForm,
    /// The URL, http:// or https://. Its own query is kept.
    #[arg(long)]
    url: String,
    #[command(flatten)]
    token: TokenOptions,
    /// Timeout of a call, in milliseconds; by default 2000 in Tencent's format, 200 in Agora's.
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    timeout_ms: u64,
    /// What happens to a message or change when there is no valid answer in time.
    #[arg(long, action = ArgAction::Set, default_value = "deliver", value_parser = one_of(&ON_FAILURE))]
    on_failure: bool,
    /// The kinds of conversations, separated by commas; all by default.
    #[arg(long = "in", value_delimiter = ',', value_parser = one_of(&KINDS))]
    kinds: Vec<pb::ConversationKind>,
    /// The subjects it is called for, separated by commas; only messages by default.
    #[arg(long = "about", value_delimiter = ',', value_parser = one_of(&SUBJECTS))]
    subjects: Vec<pb::HookSubject>,
    /// Allow a private, loopback or link-local address.
    #[arg(long)]
    allow_private: bool,
}

/// Runs the command.
pub async fn hook(config: &Config, server: Server, command: HookCommand, output: Output) -> Result<(), Error> {
    if let HookCommand::Remove { of, id, confirmation } = &command {
        confirmation.get(&format!("hook {id} of app {} is removed", of.text()))?;
    }
    with_directory(config, server, async |directory| act(directory, command, output).await).await
}

async fn act(mut directory: Directory, command: HookCommand, output: Output) -> Result<(), Error> {
    match command {
        HookCommand::Add(added) => {
            let hook = directory.add_hook(added.request()?).await.map_err(error_from_status)?.into_inner();
            output.print(&row(&hook));
        }
        HookCommand::List(of) => {
            let request = of.request(pb::ListHooksRequest {})?;
            let hooks = directory.list_hooks(request).await.map_err(error_from_status)?.into_inner().hooks;
            output.print_all(hooks.iter().map(row));
        }
        HookCommand::Remove { of, id, .. } => {
            let removed =
                directory.remove_hook(of.request(pb::RemoveHookRequest { id })?).await.map_err(error_from_status)?;
            let row = Row::default().shown("id", removed.into_inner().id);
            output.print(&row.cell("removed", true, "removed"));
        }
    }
    Ok(())
}

impl Added {
    fn request(self) -> Result<tonic::Request<pb::AddHookRequest>, Error> {
        let Self { of, form, url, token, timeout_ms, on_failure, kinds, subjects, allow_private } = self;
        of.request(pb::AddHookRequest {
            form: form.into(),
            url,
            token: token.read()?,
            timeout: Some(duration(Duration::from_millis(timeout_ms))),
            refuse_on_failure: on_failure,
            kinds: kinds.into_iter().map(Into::into).collect(),
            allow_private,
            subjects: subjects.into_iter().map(Into::into).collect(),
        })
    }
}

/// A hook without its token.
fn row(hook: &pb::Hook) -> Row {
    let kinds: Vec<_> = hook.kinds().map(|kind| word(&KINDS, &kind)).collect();
    let subjects: Vec<_> = hook.subjects().map(|subject| word(&SUBJECTS, &subject)).collect();
    // Hooks of an earlier version have none.
    let subjects = if subjects.is_empty() { vec!["messages"] } else { subjects };
    let about = format!("about {}", subjects.join(","));
    let place = if kinds.is_empty() { "everywhere".to_owned() } else { format!("in {}", kinds.join(",")) };
    let on_failure = format!("on failure {}", word(&ON_FAILURE, &hook.refuse_on_failure));
    Row::default()
        .shown("id", hook.id)
        .shown("form", word(&FORMS, &hook.form()))
        .shown("url", hook.url.as_str())
        .cell("subjects", subjects, about)
        .cell("kinds", kinds, place)
        .span("timeout_ms", "timeout", span_or_zero(hook.timeout))
        .cell("refuse_on_failure", hook.refuse_on_failure, on_failure)
        .flag("has_token", hook.has_token, "token")
        .flag("allow_private", hook.allow_private, "private addresses")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_is_one_line() {
        let mut shown = pb::Hook {
            id: 7,
            form: pb::HookForm::Tencent.into(),
            url: "https://h/im?s=1".to_owned(),
            timeout: Some(duration(Duration::from_secs(2))),
            ..Default::default()
        };
        let expected = "7\ttencent\thttps://h/im?s=1\tabout messages\teverywhere\ttimeout 2000 ms\ton failure deliver";
        assert_eq!(row(&shown).written(Output::Text), [expected]);
        shown.subjects = vec![pb::HookSubject::Message.into(), pb::HookSubject::GroupInvitation.into()];
        shown.kinds = vec![pb::ConversationKind::Direct.into(), pb::ConversationKind::Room.into()];
        (shown.refuse_on_failure, shown.has_token, shown.allow_private) = (true, true, true);
        let expected = "7\ttencent\thttps://h/im?s=1\tabout messages,group-invitations\tin chats,rooms\ttimeout 2000 ms\ton failure refuse\ttoken\
                        \tprivate addresses";
        assert_eq!(row(&shown).written(Output::Text), [expected]);
        let json = r#"{"allow_private":true,"form":"tencent","has_token":true,"id":7,"kinds":["chats","rooms"],"refuse_on_failure":true,"subjects":["messages","group-invitations"],"timeout_ms":2000,"url":"https://h/im?s=1"}"#;
        assert_eq!(row(&shown).written(Output::Json), [json]);
    }
}
