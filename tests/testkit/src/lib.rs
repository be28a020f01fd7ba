//! Starts Tidings in every supported shape, and calls it as its clients do.
//!
//! A shape is shared by the tests of one binary; each test gets an app of its own, the normal isolation between
//! tenants. A test that moves the clock or stops a process starts a [`Suite`] of its own.

mod agora;
mod app;
mod authority;
mod broker;
mod browser;
mod compose;
mod container;
mod database;
mod dial;
mod grpc_answer;
mod installation;
mod lanying;
mod lossy_broker;
mod packet_socket;
mod postgres_plans;
mod postgres_server;
mod process;
mod proxy;
mod receiver;
mod reply;
mod s3;
mod shape;
mod socket;
mod split;
mod statements;
mod strict_tencent;
mod tls_client;
mod wait;
mod webhook;

pub use agora::Agora;
pub use app::TestApp;
pub use authority::{Authority, Issued};
pub use broker::{Broker, Publisher};
pub use browser::{Browser, Page};
pub use compose::{COMPOSE_FILES, Compose, Service, yaml};
pub use container::{Container, Image};
pub use database::fresh_database;
pub use dial::Duplex;
pub use grpc_answer::grpc_answer;
pub use installation::Installation;
pub use lanying::Lanying;
pub use lossy_broker::LossyBroker;
pub use packet_socket::PacketSocket;
pub use postgres_server::PostgresServer;
pub use process::{Process, free_address, tidings_binary};
pub use proxy::Proxy;
pub use receiver::{Answer, Received, Receiver};
pub use reply::Reply;
pub use s3::Bucket;
pub use shape::{Shape, Suite, files_under};
pub use socket::Socket;
pub use statements::{assert_all_prepare, assert_apps_go, assert_same_tables};
pub use strict_tencent::StrictTencent;
pub use tidings::is_ready;
pub use tls_client::TlsClient;
pub use wait::wait_until;
pub use webhook::{check_webhook, check_webhook_at};

/// One test on the all-in-one with SQLite, the all-in-one with PostgreSQL, and the split shape.
#[macro_export]
macro_rules! every_shape {
    ($(#[$doc:meta])* async fn $name:ident($app:ident: TestApp) $body:block) => {
        $(#[$doc])*
        mod $name {
            use super::*;

            async fn check($app: $crate::TestApp) $body

            #[tokio::test]
            async fn on_sqlite() {
                check($crate::TestApp::on($crate::Shape::Sqlite).await).await;
            }

            #[tokio::test]
            async fn on_postgres() {
                check($crate::TestApp::on($crate::Shape::Postgres).await).await;
            }

            #[tokio::test]
            async fn split() {
                check($crate::TestApp::on($crate::Shape::Split).await).await;
            }
        }
    };
}
