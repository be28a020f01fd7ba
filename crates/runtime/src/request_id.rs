//! The id of the REST request that a call is part of: it travels with every call as `x-request-id`, so that one search finds
//! the request's line in the log of each process.

use std::{future::Future, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue};

/// The header of requests, answers and calls.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Maximum length of an id that is accepted from a caller.
const MAX: usize = 128;

tokio::task_local! {
    static ID: Arc<str>;
}

/// Does `work` as part of that request. Calls made in this task carry its id.
pub fn within<F: Future>(id: Arc<str>, work: F) -> impl Future<Output = F::Output> {
    ID.scope(id, work)
}

/// The same if there is an id.
pub(crate) async fn within_if_known<F: Future>(id: Option<Arc<str>>, work: F) -> F::Output {
    match id {
        Some(id) => within(id, work).await,
        None => work.await,
    }
}

/// The id in the headers, if it is valid: visible ASCII, and not too long.
pub fn read(headers: &HeaderMap) -> Option<Arc<str>> {
    let id = headers.get(REQUEST_ID)?.as_bytes();
    let is_valid = (1..=MAX).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic);
    is_valid.then(|| Arc::from(String::from_utf8_lossy(id)))
}

/// Writes the id of the present request into the headers of a call, unless they have one.
pub(crate) fn write(headers: &mut HeaderMap) {
    let id = ID.try_with(|id| HeaderValue::from_str(id).ok()).ok().flatten();
    if let Some(id) = id {
        headers.entry(REQUEST_ID).or_insert(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_visible_ascii_of_at_most_128_characters() {
        let read = |text: &str| read(&HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_str(text).unwrap())]));
        assert_eq!(read("a-1").as_deref(), Some("a-1"));
        assert_eq!(read(&"x".repeat(128)).map(|id| id.len()), Some(128));
        for wrong in ["", "two words", &"x".repeat(129)] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_call_carries_the_id_of_its_request() {
        let written = || {
            let mut headers = HeaderMap::new();
            write(&mut headers);
            headers.get(REQUEST_ID).map(|id| id.to_str().unwrap().to_owned())
        };
        assert_eq!(written(), None);
        assert_eq!(within(Arc::from("a-1"), async { written() }).await.as_deref(), Some("a-1"));
    }
}
