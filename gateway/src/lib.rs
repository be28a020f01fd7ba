//! The gateway: REST routes for each dialect with the layers around them, connected clients, and the gRPC door for internal
//! services. No rules and no storage.
//!
//! A handler reads its request with a codec of `tidings-dialects`, makes the calls, and writes the answer with the same
//! codec. [`serve`] puts [`router`] behind a listener.

mod agora;
mod budget;
mod caller_note;
mod client_address;
mod connection;
mod cors;
mod door;
mod download;
mod field_names;
mod file;
mod form_part;
mod group_ids;
mod health;
mod identity;
mod lanying;
mod layers;
mod limits;
mod link;
mod membership;
mod paths;
mod range;
mod rate_headers;
mod realtime;
mod reply;
mod request;
mod request_body;
mod route_rights;
mod routes;
mod serve;
mod state;
mod unfinished;
mod user_names;

pub use door::{Accounts, Passed};
pub use realtime::Realtime;
pub use route_rights::{ROUTE_RIGHTS, RouteAccess, RouteRight};
pub use routes::router;
pub use serve::serve;
pub use state::{Gateway, GatewayConfig, Ready};
