//! The app that several tests are about.

use tidings_domain::{App, AppId, Policy, UnixMillis};

/// Acme's lobby.
pub fn app() -> App {
    App {
        id: AppId(1),
        org: "acme".into(),
        name: "lobby".into(),
        uuid: "3f1c2a90".into(),
        lanying_app_id: "welovemaxim".into(),
        sdk_appid: 1_400_000_000,
        enabled: true,
        created_at: UnixMillis(0),
        policy: Policy::default(),
        screening: 0,
    }
}
