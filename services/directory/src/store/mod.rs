//! The directory's SQL. The caller owns the transaction.

pub(crate) mod admin_token;
pub(crate) mod app;
pub(crate) mod app_row;
mod policy;
pub(crate) mod user;
pub(crate) mod users;

use tidings_store::Engine;

/// Every statement that is sent to `engine`.
pub(crate) fn statements(engine: Engine) -> Vec<String> {
    let fixed = [app::ALL, admin_token::ALL, user::ALL].concat().into_iter().map(str::to_owned);
    fixed.chain(users::all(engine)).collect()
}
