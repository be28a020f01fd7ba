//! Answers of fake services in tests.

use http_body_util::{BodyExt as _, Full};
use hyper::{
    HeaderMap, Response,
    body::Bytes,
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
};
use prost::Message;
use tonic::body::Body;

/// A message as a unary RPC's answer.
///
/// # Panics
/// If it is larger than 4 GiB.
pub fn grpc_answer(message: &impl Message) -> Response<Body> {
    let encoded = message.encode_to_vec();
    let mut bytes = vec![0];
    bytes.extend(u32::try_from(encoded.len()).expect("answers are short").to_be_bytes());
    bytes.extend(encoded);
    let trailers = HeaderMap::from_iter([(HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"))]);
    let body = Full::new(Bytes::from(bytes)).with_trailers(std::future::ready(Some(Ok(trailers))));
    let mut response = Response::new(Body::new(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}
