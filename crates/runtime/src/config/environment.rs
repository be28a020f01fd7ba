//! Which environment variables with the prefix `TIDINGS_` are allowed. Any other is an error: otherwise a misspelt
//! setting would have no effect.

use tidings_domain::Error;

use super::{KEYS, variable};

/// The prefix of all of ours.
pub(super) const PREFIX: &str = "TIDINGS_";
/// Names the config file.
const CONFIG: &str = "TIDINGS_CONFIG";
/// What `demo.env` holds for the README's commands: an operator may have sourced it and run `tidings app` in that
/// shell. The service key is among them too, and is a setting.
pub const CREDENTIALS: [&str; 11] = [
    "TIDINGS_URL",
    "TIDINGS_GRPC",
    "TIDINGS_ORG",
    "TIDINGS_APP",
    "TIDINGS_CLIENT_ID",
    "TIDINGS_CLIENT_SECRET",
    "TIDINGS_APP_CERTIFICATE",
    "TIDINGS_AGORA_APP_ID",
    "TIDINGS_LANYING_APP_ID",
    "TIDINGS_LANYING_ADMIN_TOKEN",
    "TIDINGS_SDK_APPID",
];
/// Set by the test command for the tests: the programs that they start inherit them.
const TESTS: [&str; 2] = ["TIDINGS_TEST_", "TIDINGS_BIN"];

/// Refuses the first unknown variable.
pub(super) fn check<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<(), Error> {
    let known: Vec<String> = KEYS.into_iter().map(variable).collect();
    let unknown = names.into_iter().find(|name| name.starts_with(PREFIX) && !is_known(&known, name));
    let Some(unknown) = unknown else {
        return Ok(());
    };
    // `TIDINGS_PEERS_FILE` is the peer `file`, not a file that holds a value.
    let (name, ending) = unknown.strip_suffix("_FILE").map_or((unknown, ""), |name| (name, "_FILE"));
    let nearest = super::file::nearest(name, known.iter().map(String::as_str));
    let rule = format!("in the environment is not a setting: did you mean {nearest}{ending}? Correct or unset it");
    Err(Error::invalid(unknown, rule))
}

fn is_known(known: &[String], name: &str) -> bool {
    let setting = name.strip_suffix("_FILE").unwrap_or(name);
    known.iter().any(|known| known == setting || known == name)
        || name == CONFIG
        || CREDENTIALS.contains(&name)
        || TESTS.iter().any(|test| name.starts_with(test))
        || is_of_kubernetes(name)
}

/// Kubernetes injects the addresses of the namespace's services into every pod: for one called `tidings` or
/// `tidings-message` there are `TIDINGS_SERVICE_HOST`, `TIDINGS_MESSAGE_PORT_9090_TCP_ADDR` and so on, which no user
/// has written.
fn is_of_kubernetes(name: &str) -> bool {
    if name.ends_with("_SERVICE_HOST") || name.ends_with("_SERVICE_PORT") || name.contains("_SERVICE_PORT_") {
        return true;
    }
    let Some((_, port)) = name.rsplit_once("_PORT_") else {
        // `TIDINGS_PORT_9090_TCP_PORT` has this ending as well, and is allowed.
        return name.ends_with("_PORT");
    };
    let mut parts = port.split('_');
    let number = parts.next().unwrap_or_default();
    let protocol = parts.next().unwrap_or_default();
    !number.is_empty()
        && number.bytes().all(|digit| digit.is_ascii_digit())
        && matches!(protocol, "TCP" | "UDP" | "SCTP")
        && matches!(parts.next(), None | Some("PROTO" | "PORT" | "ADDR"))
        && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(name: &str) -> String {
        check([name]).expect_err(name).to_string()
    }

    #[test]
    fn a_misspelt_variable_is_named_with_the_nearest_that_exists() {
        let words = complaint("TIDINGS_DATABASE_URI");
        assert!(words.starts_with("TIDINGS_DATABASE_URI ") && words.contains("TIDINGS_DATABASE_URL?"), "{words}");
        let words = complaint("TIDINGS_SERVICEKEY_FILE");
        assert!(words.contains("did you mean TIDINGS_SERVICE_KEY_FILE?"), "{words}");
        for wrong in
            ["TIDINGS_", "TIDINGS_PEER_DIRECTORY", "TIDINGS_LISTEN_PORT_A", "TIDINGS_CONFIG_FILE", "TIDINGS_PORT_X_TCP"]
        {
            complaint(wrong);
        }
    }

    #[test]
    fn settings_their_files_and_what_others_set_are_taken() {
        let fine = [
            "TIDINGS_DATABASE_URL",
            "TIDINGS_DATABASE_URL_FILE",
            "TIDINGS_PEERS_FILE",
            "TIDINGS_PEERS_FILE_FILE",
            "TIDINGS_CONFIG",
            "TIDINGS_CLIENT_SECRET",
            "TIDINGS_SERVICE_HOST",
            "TIDINGS_MESSAGE_SERVICE_PORT",
            "TIDINGS_MESSAGE_SERVICE_PORT_GRPC",
            "TIDINGS_PORT",
            "TIDINGS_PORT_9090_TCP",
            "TIDINGS_PORT_9090_TCP_ADDR",
            "TIDINGS_PORT_9090_TCP_PORT",
            "PATH",
        ];
        check(fine).expect("all of them are known");
    }
}
