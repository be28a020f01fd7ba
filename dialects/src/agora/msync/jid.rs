//! Names of users and groups on the wire.

use tidings_domain::App;

use super::pb;

/// The domain of users.
pub const USER_DOMAIN: &str = "easemob.com";
/// The domain of groups and rooms.
pub const CONFERENCE_DOMAIN: &str = "conference.easemob.com";

/// `org#app`.
pub fn app_key(app: &App) -> String {
    format!("{}#{}", app.org, app.name)
}

/// A user, group or room of an app.
pub fn jid_of(app_key: &str, name: String, domain: &str) -> pb::Jid {
    let (app_key, domain) = (Some(app_key.to_owned()), Some(domain.to_owned()));
    pb::Jid { app_key, name: Some(name), domain, client_resource: None }
}

/// Who an entry is from. Clients before 4.13 fail at entries without.
pub(super) fn sender(name: String) -> pb::Jid {
    pb::Jid { name: Some(name), domain: Some(USER_DOMAIN.to_owned()), ..pb::Jid::default() }
}

/// The name and the domain in the text of a JID: `omar@easemob.com`, `acme#lobby_omar@easemob.com/web_1`. The domain is
/// empty if there is none. The app is not compared: a token is of one app.
pub fn name_in(text: &str) -> (&str, &str) {
    let text = text.split_once('/').map_or(text, |(before, _)| before);
    let (name, domain) = text.split_once('@').unwrap_or((text, ""));
    // Names of apps have no underscore, names of users no number sign.
    let name = match name.split_once('#') {
        Some((_, rest)) => rest.split_once('_').map_or(rest, |(_, name)| name),
        None => name,
    };
    (name, domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jid_is_read_with_and_without_its_app() {
        assert_eq!(name_in("omar@easemob.com"), ("omar", USER_DOMAIN));
        assert_eq!(name_in("acme#lobby_omar_2@easemob.com/web_1"), ("omar_2", USER_DOMAIN));
        assert_eq!(name_in("acme#lobby_17@conference.easemob.com"), ("17", CONFERENCE_DOMAIN));
        assert_eq!(name_in("omar"), ("omar", ""));
    }
}
