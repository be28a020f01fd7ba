//! The app `demo`: the first start prints commands that can be pasted.

use std::{collections::HashMap, fs, net::SocketAddr, path::Path};

use tidings_domain::{Error, Reason};
use tidings_proto::{
    error_from_status,
    pb::{self, app_ref},
};
use tidings_runtime::write_private;

use crate::{Running, lines::say, ready};

const ORG: &str = "demo";
const APP: &str = "demo";
/// Stored in the data folder: credentials of the demo app, valid for the running server.
const FILE: &str = "demo.env";
/// Where `tidings app ...` can reach the running server.
pub const ADDRESS_FILE: &str = "grpc.address";
const TOKEN: &str = "TIDINGS_LANYING_ADMIN_TOKEN";

/// Writes the address file, and `demo.env` if there is a demo app; otherwise removes what an earlier server wrote,
/// because it is outdated.
pub async fn prepare(running: &Running) -> Result<(), Error> {
    let Some(folder) = running.data_folder() else {
        return Ok(());
    };
    let grpc = running.grpc.map(|address| format!("{}://{}", scheme(running), called(address))).unwrap_or_default();
    write_private(&folder.join(ADDRESS_FILE), &grpc).map_err(Error::internal)?;
    let path = folder.join(FILE);
    let Some(app) = demo_app(running).await? else {
        return remove(&path);
    };
    let earlier = fs::read_to_string(&path).ok();
    let token = admin_token(running, &app, earlier.as_deref()).await?;
    let env = environment(running, &app, &token);
    write_private(&path, &env).map_err(Error::internal)?;
    greet(running, &path);
    Ok(())
}

fn scheme(running: &Running) -> &'static str {
    if running.is_tls { "https" } else { "http" }
}

/// The address at which the same machine reaches this listener.
fn called(address: SocketAddr) -> String {
    ready::reachable(&address.to_string())
}

fn app_ref() -> pb::AppRef {
    pb::AppRef { app: Some(app_ref::App::AppKey(format!("{ORG}#{APP}"))) }
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::internal(error)),
        _ => Ok(()),
    }
}

/// The demo app; created if the database has no app at all, as on a first start, also on another database.
async fn demo_app(running: &Running) -> Result<Option<pb::AppWithSecrets>, Error> {
    let mut directory = running.clients.directory.clone();
    match directory.reveal_app(pb::RevealAppRequest { app: Some(app_ref()) }).await.map_err(error_from_status) {
        Ok(app) => return Ok(Some(app.into_inner())),
        Err(error) if error.reason() != Reason::AppNotFound => return Err(error),
        Err(_) => {}
    }
    let any = pb::ListAppsRequest { page_size: 1, ..Default::default() };
    if !directory.list_apps(any).await.map_err(error_from_status)?.into_inner().apps.is_empty() {
        return Ok(None);
    }
    let request = pb::CreateAppRequest { org: ORG.into(), name: APP.into(), ..Default::default() };
    Ok(Some(directory.create_app(request).await.map_err(error_from_status)?.into_inner()))
}

/// The admin token of the last start, or a new one if that is no longer valid.
async fn admin_token(running: &Running, app: &pb::AppWithSecrets, earlier: Option<&str>) -> Result<String, Error> {
    let mut directory = running.clients.directory.clone();
    let earlier = earlier.map(parse).unwrap_or_default();
    if let Some(token) = earlier.get(TOKEN) {
        let ask = pb::AuthenticateRequest { app: Some(app_ref()), token: token.clone() };
        let kind = directory.authenticate(ask).await.map(|identity| identity.into_inner().kind());
        if matches!(kind, Ok(pb::IdentityKind::App)) {
            return Ok(token.clone());
        }
    }
    if !app.app.as_ref().is_some_and(|app| app.enabled) {
        return Ok(String::new());
    }
    let request = pb::CreateAdminTokenRequest { app: Some(app_ref()), label: "demo".into() };
    Ok(directory.create_admin_token(request).await.map_err(error_from_status)?.into_inner().token)
}

fn parse(env: &str) -> HashMap<String, String> {
    let lines = env.lines().filter_map(|line| line.split_once('='));
    lines.map(|(key, value)| (key.to_owned(), value.trim_matches('\'').to_owned())).collect()
}

fn environment(running: &Running, secrets: &pb::AppWithSecrets, token: &str) -> String {
    let app = secrets.app.clone().unwrap_or_default();
    let address = |address: Option<SocketAddr>| address.map(called).unwrap_or_default();
    let values = [
        ("TIDINGS_URL", format!("{}://{}", scheme(running), address(running.rest))),
        ("TIDINGS_GRPC", address(running.grpc)),
        ("TIDINGS_ORG", app.org),
        ("TIDINGS_APP", app.name),
        ("TIDINGS_CLIENT_ID", secrets.client_id.clone()),
        ("TIDINGS_CLIENT_SECRET", secrets.client_secret.clone()),
        ("TIDINGS_APP_CERTIFICATE", secrets.app_certificate.clone()),
        ("TIDINGS_AGORA_APP_ID", secrets.agora_app_id.clone()),
        ("TIDINGS_LANYING_APP_ID", app.lanying_app_id),
        (TOKEN, token.to_owned()),
        ("TIDINGS_SDK_APPID", app.sdk_appid.to_string()),
        ("TIDINGS_SERVICE_KEY", running.service_key.clone()),
    ];
    values.map(|(key, value)| format!("{key}='{value}'\n")).concat()
}

/// The output of a first start; a test pastes it as it is.
pub const COMMANDS: &str = include_str!("demo_commands.sh");

fn greet(running: &Running, env: &Path) {
    let rest = running.rest.map(called).unwrap_or_default();
    let env = if env.is_relative() { format!("./{}", env.display()) } else { env.display().to_string() };
    let scheme = scheme(running);
    say(&format!("Tidings is ready: REST on {scheme}://{rest}, credentials of the app `demo` in {env}"));
    say("Try it in another terminal, in this folder:\n");
    say(&format!(". {env}\n{COMMANDS}"));
}
