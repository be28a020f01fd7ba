//! Errors over gRPC: the reason is sent as google.rpc.ErrorInfo in the status details, the field that is wrong as
//! BadRequest, and when to call again as RetryInfo.

use std::{collections::HashMap, error::Error as _, fmt};

use tidings_domain::{Error, Grpc, Reason, UnixMillis};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// ErrorInfo's `domain`.
const DOMAIN: &str = "tidings";
/// ErrorInfo's metadata key for the subject of the error.
const SUBJECT: &str = "subject";
/// Its keys for when a recorded refusal was accepted and committed, in milliseconds since 1970.
const ACCEPTED_AT: &str = "accepted_at_ms";
const COMMITTED_AT: &str = "committed_at_ms";

/// Maximum bytes of a subject that are sent: a status is sent as headers, whose size HTTP/2 clients limit.
const MAX_SUBJECT: usize = 1024;

/// The status for a service's error. Internal errors are logged here and shown only by name.
pub fn status_from_error(error: Error) -> Status {
    let words = error.reason().words();
    if let Some(cause) = error.source() {
        tracing::error!(reason = words.name, %cause, "a call failed");
    }
    let error = with_bounded_subject(error);
    let mut metadata = HashMap::from([(SUBJECT.to_owned(), error.subject().to_owned())]);
    if let Some((accepted, committed)) = error.times() {
        metadata.extend([
            (ACCEPTED_AT.to_owned(), accepted.0.to_string()),
            (COMMITTED_AT.to_owned(), committed.0.to_string()),
        ]);
    }
    let mut details = ErrorDetails::with_error_info(words.name, DOMAIN, metadata);
    if let Some(field) = error.field() {
        details.add_bad_request_violation(field, rule(&error, field));
    }
    if let Some(wait) = error.retry_after() {
        details.set_retry_info(Some(wait));
    }
    Status::with_error_details(code(words.grpc), error.to_string(), details)
}

/// What the field must be: the words behind its name in the subject, or all of the text where that is not how it begins.
fn rule(error: &Error, field: &str) -> String {
    let rule = error.subject().strip_prefix(field).and_then(|rest| rest.strip_prefix(' '));
    rule.map_or_else(|| error.to_string(), str::to_owned)
}

fn with_bounded_subject(error: Error) -> Error {
    if error.subject().len() <= MAX_SUBJECT {
        return error;
    }
    let end = error.subject().floor_char_boundary(MAX_SUBJECT);
    let bounded = Error::new(error.reason(), &error.subject()[..end]);
    // A name that is longer than that is none of ours.
    let bounded = match error.field().filter(|field| field.len() <= MAX_SUBJECT) {
        Some(field) => bounded.of_field(field),
        None => bounded,
    };
    let bounded = match error.retry_after() {
        Some(wait) => bounded.worth_retrying_after(wait),
        None => bounded,
    };
    match error.times() {
        Some((accepted, committed)) => bounded.recorded(accepted, committed),
        None => bounded,
    }
}

/// A service that does not accept the service key of this process.
#[derive(Debug, Clone)]
pub struct ServiceKeyRefused {
    /// The address of the service.
    pub url: String,
}

impl fmt::Display for ServiceKeyRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the service at {} refuses the service key of this process: set service_key to what that service has",
            self.url
        )
    }
}

impl std::error::Error for ServiceKeyRefused {}

impl From<ServiceKeyRefused> for Status {
    /// For the caller the service is unavailable.
    fn from(refused: ServiceKeyRefused) -> Self {
        let mut status = status_from_error(Error::new(Reason::Unavailable, ""));
        status.set_source(std::sync::Arc::new(refused));
        status
    }
}

/// Whether a service reports a missing or wrong service key.
pub fn is_refused_service_key(status: &Status) -> bool {
    status.code() == Code::Unauthenticated
        && status
            .get_details_error_info()
            .is_some_and(|info| info.domain == DOMAIN && info.reason == Reason::ServiceKeyWrong.words().name)
}

/// The error for a service's status; a status that is not one of ours means that the service is unavailable.
pub fn error_from_status(status: Status) -> Error {
    if let Some(refused) = status.source().and_then(|cause| cause.downcast_ref::<ServiceKeyRefused>()) {
        return Error::new(Reason::Unavailable, "").because(refused.clone());
    }
    let details = status.get_error_details();
    let info = details.error_info().filter(|info| info.domain == DOMAIN);
    let Some((info, reason)) = info.and_then(|info| Some((info, Reason::from_name(&info.reason)?))) else {
        return foreign(status);
    };
    let subject = info.metadata.get(SUBJECT).cloned().unwrap_or_default();
    let time = |key| Some(UnixMillis(info.metadata.get(key)?.parse().ok()?));
    let field = details.bad_request().and_then(|bad| Some(bad.field_violations.first()?.field.as_str()));
    let error = Error::new(reason, subject);
    let error = match field {
        Some(field) => error.of_field(field),
        None => error,
    };
    match (time(ACCEPTED_AT), time(COMMITTED_AT)) {
        (Some(accepted), Some(committed)) => error.recorded(accepted, committed),
        _ => error,
    }
}

fn foreign(status: Status) -> Error {
    let reason = match status.code() {
        Code::Unavailable | Code::Cancelled | Code::DeadlineExceeded | Code::ResourceExhausted | Code::Unknown => {
            Reason::Unavailable
        }
        _ => Reason::Internal,
    };
    Error::new(reason, "").because(status)
}

const fn code(grpc: Grpc) -> Code {
    match grpc {
        Grpc::InvalidArgument => Code::InvalidArgument,
        Grpc::NotFound => Code::NotFound,
        Grpc::AlreadyExists => Code::AlreadyExists,
        Grpc::PermissionDenied => Code::PermissionDenied,
        Grpc::ResourceExhausted => Code::ResourceExhausted,
        Grpc::FailedPrecondition => Code::FailedPrecondition,
        Grpc::Internal => Code::Internal,
        Grpc::DataLoss => Code::DataLoss,
        Grpc::Unavailable => Code::Unavailable,
        Grpc::Unauthenticated => Code::Unauthenticated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_survives_the_wire() {
        for &reason in Reason::ALL {
            let back = error_from_status(status_from_error(Error::new(reason, "ann")));
            assert_eq!((back.reason(), back.subject()), (reason, "ann"));
        }
    }

    #[test]
    fn a_field_that_is_wrong_is_named_beside_the_reason() {
        let status = status_from_error(Error::invalid("limit", "must be from 1 to 1000"));
        let violations = status.get_details_bad_request().unwrap().field_violations;
        assert_eq!(violations.len(), 1);
        assert_eq!((&*violations[0].field, &*violations[0].description), ("limit", "must be from 1 to 1000"));
        // Through a second service too.
        let back = error_from_status(status_from_error(error_from_status(status)));
        assert_eq!((back.field(), back.subject()), (Some("limit"), "limit must be from 1 to 1000"));
        let none = status_from_error(Error::new(Reason::InvalidArgument, "the body ends too soon"));
        assert!(none.get_details_bad_request().is_none());
        let illegal = status_from_error(Error::username_illegal("a b")).get_details_bad_request().unwrap();
        assert_eq!(illegal.field_violations[0].field, "username");
    }

    #[test]
    fn when_to_call_again_is_said_of_what_may_succeed_then_and_of_nothing_else() {
        for &reason in Reason::ALL {
            let error = Error::new(reason, "ann");
            let wait = error.retry_after();
            let status = status_from_error(error);
            assert_eq!(status.get_details_retry_info().and_then(|info| info.retry_delay), wait, "{reason:?}");
        }
    }

    #[test]
    fn a_service_that_refuses_the_service_key_is_away_for_the_caller() {
        assert!(is_refused_service_key(&status_from_error(Error::new(Reason::ServiceKeyWrong, ""))));
        assert!(!is_refused_service_key(&status_from_error(Error::new(Reason::TokenMissing, ""))));
        let status = Status::from(ServiceKeyRefused { url: "http://there".into() });
        assert_eq!(
            error_from_status(status.clone()).source().unwrap().to_string().split(':').next(),
            Some("the service at http")
        );
        assert_eq!(error_from_status(status).reason(), Reason::Unavailable);
    }

    #[test]
    fn a_long_subject_is_cut_at_a_character() {
        let long = format!("x{}", "é".repeat(600));
        let back = error_from_status(status_from_error(Error::app_not_found(long.as_str())));
        assert_eq!((back.reason(), back.subject()), (Reason::AppNotFound, &long[..1023]));
    }
}
