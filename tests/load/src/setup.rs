//! Credentials, the token, and users to write to each other.

use std::{collections::HashMap, fs, net::SocketAddr};

use tidings_proto::pb::{
    self, callback_service_client::CallbackServiceClient, directory_service_client::DirectoryServiceClient,
    group_service_client::GroupServiceClient, message_service_client::MessageServiceClient,
    registered::Result as Outcome,
};
use tonic::{
    Request,
    transport::{Channel, Endpoint},
};

use crate::{Fault, TargetArgs, client::Connection};

/// A server under load.
pub struct Target {
    /// REST addresses.
    pub rest: Vec<SocketAddr>,
    /// `/{org}/{app}`.
    pub base: String,
    /// An app token of the Agora dialect.
    pub token: String,
    /// For the Lanying dialect.
    pub lanying_app_id: String,
    /// For the Lanying dialect.
    pub admin_token: String,
    /// `org#app`.
    pub app_key: String,
    service_key: String,
    directory: Channel,
    message: Channel,
    callback: Channel,
    /// Distinguishes this run's users from those of earlier ones.
    run: String,
}

/// A user that sends or receives.
#[derive(Debug, Clone)]
pub struct User {
    /// Lanying's id.
    pub id: i64,
    /// Agora's name.
    pub name: String,
}

impl Target {
    /// Reads the credentials and gets a token.
    pub async fn connect(args: &TargetArgs) -> Result<Self, Fault> {
        let text = fs::read_to_string(&args.env).map_err(|error| format!("{}: {error}", args.env.display()))?;
        let env: HashMap<&str, &str> =
            text.lines().filter_map(|line| line.split_once('=')).map(|(k, v)| (k, v.trim_matches('\''))).collect();
        let value = |name: &str| env.get(name).map(|value| (*value).to_owned()).ok_or(format!("{name} is missing"));
        let urls = if args.url.is_empty() { vec![value("TIDINGS_URL")?] } else { args.url.clone() };
        let rest: Vec<SocketAddr> = urls.iter().map(|url| loopback(url)).collect::<Result<_, Fault>>()?;
        let grpc = if args.grpc.is_empty() { vec![value("TIDINGS_GRPC")?] } else { args.grpc.clone() };
        let directory = loopback(&grpc[0])?;
        let message = loopback(&grpc[1.min(grpc.len() - 1)])?;
        let callback = loopback(&grpc[grpc.len() - 1])?;
        let (org, app) = (value("TIDINGS_ORG")?, value("TIDINGS_APP")?);
        let mut target = Self {
            base: format!("/{org}/{app}"),
            token: String::new(),
            lanying_app_id: value("TIDINGS_LANYING_APP_ID")?,
            admin_token: value("TIDINGS_LANYING_ADMIN_TOKEN")?,
            app_key: format!("{org}#{app}"),
            service_key: value("TIDINGS_SERVICE_KEY")?,
            directory: Endpoint::from_shared(format!("http://{directory}"))?.connect_lazy(),
            message: Endpoint::from_shared(format!("http://{message}"))?.connect_lazy(),
            callback: Endpoint::from_shared(format!("http://{callback}"))?.connect_lazy(),
            run: format!("{:x}", std::process::id()),
            rest,
        };
        let body = serde_json::json!({
            "grant_type": "client_credentials",
            "client_id": value("TIDINGS_CLIENT_ID")?,
            "client_secret": value("TIDINGS_CLIENT_SECRET")?,
        });
        let mut connection = Connection::open(target.rest[0]).await?;
        let request = http::Request::post(format!("{}/token", target.base)).body(body.to_string().into())?;
        let (status, answer) = connection.call(request).await?;
        let answer: serde_json::Value = serde_json::from_slice(&answer)?;
        let token = answer["access_token"].as_str().ok_or(format!("no token: {status} {answer}"))?;
        token.clone_into(&mut target.token);
        Ok(target)
    }

    /// Registers `count` users for this run, without passwords.
    pub async fn users(&self, kind: &str, count: usize) -> Result<Vec<User>, Fault> {
        let mut directory = DirectoryServiceClient::new(self.directory.clone());
        let names: Vec<String> = (0..count).map(|i| format!("load-{}-{kind}-{i}", self.run)).collect();
        let mut users = Vec::with_capacity(count);
        for chunk in names.chunks(60) {
            let new = |name: &String| pb::NewUser { username: name.clone(), ..Default::default() };
            let wanted =
                pb::RegisterUsersRequest { users: chunk.iter().map(new).collect(), name_rule: 0, is_open: false };
            let answer = directory.register_users(self.request(wanted)?).await?.into_inner();
            for registered in answer.results {
                match registered.result {
                    Some(Outcome::User(user)) => users.push(User { id: user.id, name: user.username }),
                    other => return Err(format!("a user could not be registered: {other:?}").into()),
                }
            }
        }
        Ok(users)
    }

    /// A token of a user.
    pub async fn user_token(&self, user: &User) -> Result<String, Fault> {
        let mut directory = DirectoryServiceClient::new(self.directory.clone());
        let named = pb::UserRef { user: Some(pb::user_ref::User::UserId(user.id)) };
        let wanted = pb::IssueTokenRequest {
            app: Some(pb::AppRef { app: Some(pb::app_ref::App::AppKey(self.app_key.clone())) }),
            grant: Some(pb::issue_token_request::Grant::Inherit(pb::Inherit { user: Some(named), create: false })),
            ..Default::default()
        };
        Ok(directory.issue_token(self.request(wanted)?).await?.into_inner().token)
    }

    /// Creates a group of the users, the first of whom owns it.
    pub async fn group(&self, members: &[User]) -> Result<i64, Fault> {
        const AT_ONCE: usize = 600;
        let mut groups = GroupServiceClient::new(self.directory.clone());
        let ids: Vec<i64> = members[1..].iter().map(|member| member.id).collect();
        let wanted = pb::CreateGroupRequest {
            owner_id: Some(members[0].id),
            name: format!("load-{}", self.run),
            member_ids: ids.iter().copied().take(AT_ONCE).collect(),
            ..Default::default()
        };
        let group_id = groups.create_group(self.request(wanted)?).await?.into_inner().id;
        for more in ids.chunks(AT_ONCE).skip(1) {
            let wanted = pb::AddMembersRequest { group_id, user_ids: more.to_vec() };
            groups.add_members(self.request(wanted)?).await?;
        }
        Ok(group_id)
    }

    /// A client of the log.
    pub fn log(&self) -> MessageServiceClient<Channel> {
        MessageServiceClient::new(self.message.clone()).max_decoding_message_size(64 * 1024 * 1024)
    }

    /// A client of the callback service, at the log's address unless another one was given.
    pub fn callbacks(&self) -> CallbackServiceClient<Channel> {
        CallbackServiceClient::new(self.callback.clone())
    }

    /// A gRPC request with key and app.
    pub fn request<T>(&self, message: T) -> Result<Request<T>, Fault> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", format!("Bearer {}", self.service_key).parse()?);
        request.metadata_mut().insert("tidings-app", self.app_key.parse()?);
        Ok(request)
    }
}

/// Load is never sent to other machines.
fn loopback(url: &str) -> Result<SocketAddr, Fault> {
    let address: SocketAddr = url
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .replace("localhost", "127.0.0.1")
        .parse()
        .map_err(|_| format!("{url} must be an address and port"))?;
    if address.ip().is_loopback() { Ok(address) } else { Err(format!("{address} is not a loopback address").into()) }
}

/// A conversation.
#[derive(Debug)]
pub struct Pair {
    /// The sender.
    pub from: User,
    /// The receiver; a group has no name.
    pub to: User,
    /// Whether `to` is a group.
    pub is_group: bool,
}
