//! `tidings hook ...`: the servers that are asked before a message goes into the log.

use clap::{ArgAction, Args, Subcommand};
use tidings_domain::Error;
use tidings_proto::{error_from_status, pb};
use tidings_runtime::Config;

use crate::{
    admin::say,
    directory::{Directory, with_directory},
    in_app::InApp,
    lines::{meant, plain, word},
    server::Server,
};

/// What the command line calls the forms.
const FORMS: [(&str, pb::HookForm); 2] = [("tencent", pb::HookForm::Tencent), ("agora", pb::HookForm::Agora)];

/// What it calls that which follows a failure: whether messages are refused.
const ON_FAILURE: [(&str, bool); 2] = [("deliver", false), ("refuse", true)];

/// What it calls the kinds of conversations.
const KINDS: [(&str, pb::ConversationKind); 3] = [
    ("chats", pb::ConversationKind::Direct),
    ("groups", pb::ConversationKind::Group),
    ("rooms", pb::ConversationKind::Room),
];

/// What can be done to the hooks of an app.
#[derive(Debug, Subcommand)]
pub enum HookCommand {
    /// Add a server that is asked before a message goes into the log.
    Add(Added),
    /// List every hook of an app, in the order in which they are asked.
    List(InApp),
    /// Ask a server no longer.
    Remove {
        #[command(flatten)]
        of: InApp,
        /// Its number in the list.
        id: i64,
    },
}

/// A new hook.
#[derive(Debug, Args)]
pub struct Added {
    #[command(flatten)]
    of: InApp,
    /// In whose form it is asked: tencent or agora.
    #[arg(long, value_parser = |word: &str| meant(&FORMS, word))]
    form: pb::HookForm,
    /// Where it is, as http:// or https://. A query of its own stays.
    #[arg(long)]
    url: String,
    /// What calls are signed with as the vendor does; without it they are not.
    #[arg(long, default_value = "")]
    token: String,
    /// How long an answer is waited for, in milliseconds; when not given 2000 in Tencent's form, 200 in Agora's.
    #[arg(long, default_value_t = 0)]
    timeout_ms: i32,
    /// What becomes of a message when there is no answer in time or none that can be read: deliver or refuse.
    #[arg(long, action = ArgAction::Set, default_value = "deliver", value_parser = |word: &str| meant(&ON_FAILURE, word))]
    on_failure: bool,
    /// In which conversations: chats, groups, rooms, with commas between; all when not given.
    #[arg(long = "in", value_delimiter = ',', value_parser = |word: &str| meant(&KINDS, word))]
    kinds: Vec<pb::ConversationKind>,
    /// It may be at a private, loopback or link-local address.
    #[arg(long)]
    allow_private: bool,
}

/// Runs the command.
pub async fn hook(config: &Config, server: Server, command: HookCommand) -> Result<(), Error> {
    with_directory(config, server, async |directory| act(directory, command).await).await
}

async fn act(mut directory: Directory, command: HookCommand) -> Result<(), Error> {
    match command {
        HookCommand::Add(added) => {
            let hook = directory.add_hook(added.request()?).await.map_err(error_from_status)?.into_inner();
            say(&line(&hook));
        }
        HookCommand::List(of) => {
            let wanted = of.request(pb::ListHooksRequest {})?;
            let hooks = directory.list_hooks(wanted).await.map_err(error_from_status)?.into_inner().hooks;
            for hook in &hooks {
                say(&line(hook));
            }
        }
        HookCommand::Remove { of, id } => {
            let removed = directory.remove_hook(of.request(pb::HookRef { id })?).await.map_err(error_from_status)?;
            say(&format!("{}\tremoved", removed.into_inner().id));
        }
    }
    Ok(())
}

impl Added {
    fn request(self) -> Result<tonic::Request<pb::NewHook>, Error> {
        let Self { of, form, url, token, timeout_ms, on_failure, kinds, allow_private } = self;
        of.request(pb::NewHook {
            form: form.into(),
            url,
            token,
            timeout_ms,
            refuse_on_failure: on_failure,
            kinds: kinds.into_iter().map(Into::into).collect(),
            allow_private,
        })
    }
}

/// A hook without its token.
fn line(hook: &pb::Hook) -> String {
    let kinds: Vec<_> = hook.kinds().map(|kind| word(&KINDS, &kind)).collect();
    let mut columns = vec![
        hook.id.to_string(),
        word(&FORMS, &hook.form()).to_owned(),
        plain(&hook.url),
        if kinds.is_empty() { "everywhere".to_owned() } else { format!("in {}", kinds.join(",")) },
        format!("timeout {} ms", hook.timeout_ms),
        format!("on failure {}", word(&ON_FAILURE, &hook.refuse_on_failure)),
    ];
    for (is_set, text) in [(hook.has_token, "token"), (hook.allow_private, "private addresses")] {
        if is_set {
            columns.push(text.to_owned());
        }
    }
    columns.join("\t")
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
            timeout_ms: 2000,
            ..Default::default()
        };
        assert_eq!(line(&shown), "7\ttencent\thttps://h/im?s=1\teverywhere\ttimeout 2000 ms\ton failure deliver");
        shown.kinds = vec![pb::ConversationKind::Direct.into(), pb::ConversationKind::Room.into()];
        (shown.refuse_on_failure, shown.has_token, shown.allow_private) = (true, true, true);
        let expected = "7\ttencent\thttps://h/im?s=1\tin chats,rooms\ttimeout 2000 ms\ton failure refuse\ttoken\
                        \tprivate addresses";
        assert_eq!(line(&shown), expected);
    }
}
