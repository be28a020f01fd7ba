//! The first connection to a PostgreSQL server: how it is made, and errors that explain why it failed.

use std::{io, str::FromStr as _, time::Duration};

use sqlx::{
    Connection as _, PgConnection,
    postgres::{PgConnectOptions, PgSslMode},
};
use tidings_domain::Error;
use tokio::time::Instant;

/// How long a server may take to start or to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The interval between two attempts.
const PAUSE: Duration = Duration::from_millis(200);

/// PostgreSQL's code for a client that pg_hba.conf does not admit in this way, with or without TLS.
const NOT_THIS_WAY: &str = "28000";
const WRONG_PASSWORD: &str = "28P01";
const NO_DATABASE: &str = "3D000";
const MAY_NOT: &str = "42501";

/// Parses a `postgres://` URL.
pub(crate) fn options(url: &str) -> Result<PgConnectOptions, Error> {
    PgConnectOptions::from_str(url).map_err(|error| {
        let cause = match error {
            sqlx::Error::Configuration(cause) => cause.to_string(),
            other => other.to_string(),
        };
        Error::invalid(
            "database.url",
            format!("cannot be read: {cause}; it is postgres://user:password@host:port/database"),
        )
    })
}

/// The location, without the password.
pub(crate) fn shown(options: &PgConnectOptions) -> String {
    let user = options.get_username();
    let place = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    format!("postgres://{user}@{place}/{}", options.get_database().unwrap_or(user))
}

/// Connects once, while the server starts for 5 seconds at most when it `may_wait`. Returns the options that later
/// connections succeed with: if `sslmode` leaves it open, the first one finds out whether TLS is available.
pub(crate) async fn first(options: PgConnectOptions, may_wait: bool) -> Result<PgConnectOptions, Error> {
    let until = Instant::now() + PATIENCE;
    loop {
        let tried = tokio::time::timeout_at(until, by_any_mode(&options)).await;
        let error = match tried {
            Ok(Ok(options)) => return Ok(options),
            Ok(Err(error)) => error,
            Err(_) => io::Error::new(io::ErrorKind::TimedOut, "no answer in time").into(),
        };
        if !may_wait || !comes_up(&error) || Instant::now() + PAUSE >= until {
            return Err(refusal(&options, &error));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// `prefer` and `allow` as in libpq: if one way fails, the other is tried.
async fn by_any_mode(options: &PgConnectOptions) -> sqlx::Result<PgConnectOptions> {
    let error = match try_once(options).await {
        Ok(()) => return Ok(options.clone()),
        Err(error) => error,
    };
    let other = match options.get_ssl_mode() {
        // Beyond a server that has no TLS, which sqlx handles: one whose TLS is incompatible, and one that does not
        // accept it from us.
        PgSslMode::Prefer => PgSslMode::Disable,
        PgSslMode::Allow => PgSslMode::Require,
        _ => return Err(error),
    };
    if is_final(&error) {
        return Err(error);
    }
    let changed = options.clone().ssl_mode(other);
    match try_once(&changed).await {
        Ok(()) => {
            tracing::warn!(%error, sslmode = ?other, "PostgreSQL could be reached only with the other sslmode");
            Ok(changed)
        }
        Err(_) => Err(error),
    }
}

async fn try_once(options: &PgConnectOptions) -> sqlx::Result<()> {
    PgConnection::connect_with(options).await?.close().await
}

/// Whether the other way would fail too.
fn is_final(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(fault) => fault.code().as_deref() != Some(NOT_THIS_WAY),
        error => comes_up(error),
    }
}

/// Whether no server listens, which may change while one starts.
fn comes_up(error: &sqlx::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable, NotFound};
    match error {
        sqlx::Error::Io(error) => {
            matches!(error.kind(), ConnectionRefused | HostUnreachable | NetworkUnreachable | NotFound)
        }
        // It is starting up or shutting down.
        sqlx::Error::Database(fault) => fault.code().is_some_and(|code| code.starts_with("57P")),
        _ => false,
    }
}

/// What is wrong with the server or with the URL, and how to fix it.
pub(crate) fn refusal(options: &PgConnectOptions, error: &sqlx::Error) -> Error {
    let (user, database) = (options.get_username(), options.get_database().unwrap_or(options.get_username()));
    let what = match error {
        sqlx::Error::Database(fault) => {
            let remedy = match fault.code().as_deref().unwrap_or_default() {
                WRONG_PASSWORD => format!("correct the password of {user} in the URL"),
                NOT_THIS_WAY => format!("let {user} in in pg_hba.conf, or correct user and sslmode in the URL"),
                NO_DATABASE => format!("make it with `createdb {database}`, or correct the URL"),
                MAY_NOT => format!("`grant create on database {database} to {user}`, or name its owner in the URL"),
                _ => "see the server's log".to_owned(),
            };
            format!("refuses: {}; {remedy}", fault.message())
        }
        sqlx::Error::Tls(cause) => format!("does not speak TLS as sslmode in the URL demands: {cause}"),
        sqlx::Error::Io(cause) => {
            format!("cannot be reached: {cause}; start the server, or correct host and port in the URL")
        }
        other => format!("cannot be used: {other}"),
    };
    Error::invalid("database.url", format!("{} {what}", shown(options)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        let options = options("postgres://ann:hidden@db.internal:6432/chat?sslmode=prefer").expect("a URL");
        assert_eq!(shown(&options), "postgres://ann@db.internal:6432/chat");
        let words = refusal(&options, &io::Error::from(io::ErrorKind::ConnectionRefused).into()).to_string();
        assert!(words.starts_with("database.url postgres://ann@db.internal:6432/chat cannot be reached"), "{words}");
        for wrong in ["postgres://ann:hidden@db:port/chat", "postgres://ann:hidden@db/chat?sslmode=perhaps"] {
            let words = super::options(wrong).expect_err(wrong).to_string();
            assert!(words.starts_with("database.url cannot be read: ") && !words.contains("hidden"), "{words}");
        }
    }
}
