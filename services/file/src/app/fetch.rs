//! Fetches a file from another server (agora.md 7, `need_download`).
//!
//! Redirects are followed manually, so that each address is checked (see `tidings_outbound`).

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use http::header::{CONTENT_TYPE, LOCATION};
use tidings_domain::{App, Error, StoredFile, UserId};
use tidings_outbound::{Outbound, Response, Url};

use super::{
    Core, quota,
    upload::{self, Header, Part},
};

/// The total timeout.
const LONGEST: Duration = Duration::from_secs(20);
/// Maximum number of redirects.
const HOPS: usize = 5;

/// Fetches a file and stores it as an upload of the app.
pub async fn fetch(core: Arc<Core>, app: Arc<App>, url: &str, name: &str) -> Result<StoredFile, Error> {
    quota::check(&core, &app, UserId::ADMIN).await?;
    let answer = response_from(&core.outbound, &app, url).await?;
    let header = Header {
        name: name.to_owned(),
        content_type: answer
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default()
            .to_owned(),
        restricted: false,
        owner: UserId::ADMIN,
        internal: false,
        uuid: None,
    };
    let chunks =
        answer.bytes_stream().map(|chunk| chunk.map(Part::Chunk).map_err(|_| wrong("the response was cut off")));
    let parts = chunks.chain(stream::iter([Ok(Part::Done)]));
    upload::upload(core, app, header, Box::pin(parts)).await
}

/// The response after all redirects.
async fn response_from(outbound: &Outbound, app: &App, url: &str) -> Result<Response, Error> {
    let mut url = Url::parse(url).map_err(|_| wrong("it is no URL"))?;
    for _ in 0..=HOPS {
        let client = outbound.client(&url, app.policy.fetch_private).map_err(wrong)?;
        let answer =
            client.get(url.clone()).timeout(LONGEST).send().await.map_err(|_| wrong("there was no response"))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let to = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok());
        url = match to.filter(|_| answer.status().is_redirection()).map(|to| url.join(to)) {
            Some(Ok(to)) => to,
            Some(Err(_)) => return Err(wrong("it redirects to an invalid URL")),
            None => return Err(wrong(&format!("the response was {}", answer.status().as_u16()))),
        };
    }
    Err(wrong("it leads on and on"))
}

fn wrong(why: &str) -> Error {
    Error::invalid("url", format!("cannot be downloaded: {why}"))
}
