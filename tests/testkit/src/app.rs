//! An app of one test.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use tidings_proto::{
    internal::{
        conversation_internal_service_client::ConversationInternalServiceClient,
        directory_internal_service_client::DirectoryInternalServiceClient,
        file_internal_service_client::FileInternalServiceClient,
        message_internal_service_client::MessageInternalServiceClient,
    },
    pb::{
        self, app_ref, callback_service_client::CallbackServiceClient,
        conversation_service_client::ConversationServiceClient, directory_service_client::DirectoryServiceClient,
        file_service_client::FileServiceClient, group_service_client::GroupServiceClient, issue_token_request::Grant,
        message_service_client::MessageServiceClient, realtime_service_client::RealtimeServiceClient,
    },
};
use tonic::{Request, transport::Channel};

use crate::{Agora, Lanying, Shape, Suite};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A fresh app with its credentials.
#[derive(Debug, Clone)]
pub struct TestApp {
    /// The suite it belongs to.
    pub suite: Arc<Suite>,
    /// Its names and secrets.
    pub secrets: pb::AppWithSecrets,
    agora: Agora,
    lanying: Lanying,
}

/// Over gRPC, since a gateway would cache the policy of an app.
async fn app_token(suite: &Suite, secrets: &pb::AppWithSecrets) -> String {
    let (client_id, client_secret) = (secrets.client_id.clone(), secrets.client_secret.clone());
    let id = secrets.app.as_ref().map_or(0, |app| app.id);
    let wanted = pb::IssueTokenRequest {
        app: Some(pb::AppRef { app: Some(app_ref::App::Id(id)) }),
        grant: Some(Grant::ClientCredentials(pb::ClientCredentials { client_id, client_secret })),
        ..Default::default()
    };
    suite.directory().issue_token(suite.request(wanted)).await.expect("a token").into_inner().token
}

impl TestApp {
    /// A fresh app on the shape that the tests of this binary share.
    pub async fn on(shape: Shape) -> Self {
        Self::of(Suite::shared(shape).await).await
    }

    /// A fresh app of a suite.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn of(suite: Arc<Suite>) -> Self {
        let name = format!("app{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let org = format!("org{}", std::process::id());
        let wanted = pb::CreateAppRequest { org: org.clone(), name: name.clone(), ..Default::default() };
        let mut directory = suite.directory();
        let secrets = directory.create_app(suite.request(wanted)).await.expect("a new app").into_inner();
        let app = secrets.app.clone().expect("an app");
        let base = format!("{}/{org}/{name}", suite.url());
        let anonymous = Agora { http: suite.http(), ..Agora::anonymous(&base) };
        let agora = anonymous.with_token(&app_token(&suite, &secrets).await);
        let by_key = pb::AppRef { app: Some(app_ref::App::Id(app.id)) };
        let wanted = pb::CreateAdminTokenRequest { app: Some(by_key), label: "test".into() };
        let admin = directory.create_admin_token(suite.request(wanted)).await.expect("an admin token").into_inner();
        let lanying = Lanying {
            http: suite.http(),
            base: suite.url(),
            app_id: app.lanying_app_id,
            token: admin.token,
            user_id: None,
            group_id: None,
        };
        Self { suite, secrets, agora, lanying }
    }

    /// The Agora dialect with an app token.
    pub fn agora(&self) -> Agora {
        self.agora.clone()
    }

    /// The Lanying dialect with an admin token.
    pub fn lanying(&self) -> Lanying {
        self.lanying.clone()
    }

    /// The app itself.
    ///
    /// # Panics
    /// Never: the app was created with its names.
    pub fn app(&self) -> &pb::App {
        self.secrets.app.as_ref().expect("an app")
    }

    /// A gRPC request as the app.
    pub fn request<T>(&self, message: T) -> Request<T> {
        let mut request = self.suite.request(message);
        request.metadata_mut().insert("tidings-app", self.app().id.into());
        request
    }

    /// A gRPC request on behalf of a user.
    pub fn request_as<T>(&self, user: i64, message: T) -> Request<T> {
        let mut request = self.request(message);
        request.metadata_mut().insert("tidings-user", user.into());
        request
    }

    /// The directory over gRPC.
    pub fn directory(&self) -> DirectoryServiceClient<Channel> {
        self.suite.directory()
    }

    /// Groups over gRPC.
    pub fn groups(&self) -> GroupServiceClient<Channel> {
        GroupServiceClient::new(self.suite.channel_to("GroupService"))
    }

    /// The log over gRPC.
    pub fn messages(&self) -> MessageServiceClient<Channel> {
        self.suite.messages()
    }

    /// Conversations over gRPC.
    pub fn conversations(&self) -> ConversationServiceClient<Channel> {
        self.suite.conversations()
    }

    /// The calls of the directory that are for our services only.
    pub fn directory_internal(&self) -> DirectoryInternalServiceClient<Channel> {
        DirectoryInternalServiceClient::new(self.suite.channel_to("DirectoryInternalService"))
            .max_decoding_message_size(8 * 1024 * 1024)
    }

    /// The calls of the log that are for our services only.
    pub fn messages_internal(&self) -> MessageInternalServiceClient<Channel> {
        MessageInternalServiceClient::new(self.suite.channel_to("MessageInternalService"))
    }

    /// The calls of the conversation service that are for our services only.
    pub fn conversations_internal(&self) -> ConversationInternalServiceClient<Channel> {
        ConversationInternalServiceClient::new(self.suite.channel_to("ConversationInternalService"))
    }

    /// The calls of the file service that are for our services only.
    pub fn files_internal(&self) -> FileInternalServiceClient<Channel> {
        FileInternalServiceClient::new(self.suite.channel_to("FileInternalService"))
    }

    /// Callbacks over gRPC.
    pub fn callbacks(&self) -> CallbackServiceClient<Channel> {
        self.suite.callbacks()
    }

    /// What happens, over gRPC.
    pub fn realtime(&self) -> RealtimeServiceClient<Channel> {
        RealtimeServiceClient::new(self.suite.door())
    }

    /// The key of a new service account of the app with these scopes, and its number.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn service_account(&self, scopes: &[&str]) -> (String, i64) {
        let app = Some(pb::AppRef { app: Some(app_ref::App::Id(self.app().id)) });
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let wanted = pb::CreateServiceAccountRequest { app, name: "test".to_owned(), scopes };
        let made = self.directory().create_service_account(self.suite.request(wanted)).await;
        let made = made.expect("a service account").into_inner();
        (made.key, made.account.map_or(0, |account| account.id))
    }

    /// Files over gRPC.
    pub fn files(&self) -> FileServiceClient<Channel> {
        self.suite.files()
    }
}
