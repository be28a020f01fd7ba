//! TLS of listeners and of connections to peers.
//!
//! [`Certificates`] holds what is configured and reads the files again when they change. Every listener accepts through an
//! [`Acceptor`], every connection to another process is made by a [`Connector`]; without configuration both are plain
//! text.

mod acceptor;
mod certificates;
mod configs;
mod connector;
mod files;
mod identity;
mod maybe;
mod trust;
mod validity;

pub use self::{
    acceptor::Acceptor,
    certificates::Certificates,
    configs::{CertificateEnd, Protocol},
    connector::Connector,
    maybe::MaybeTls,
};
