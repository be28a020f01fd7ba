//! Checks of another server's settings: its URL, and the token shared with it.

use reqwest::Url;
use tidings_domain::Error;

const MAX_URL: usize = 2048;
const MAX_TOKEN: usize = 128;

/// Refuses URLs that cannot be called. What the host resolves to is checked at each call, since that changes.
pub fn check_url(url: &str) -> Result<(), Error> {
    // URL parsers ignore surrounding white space and control characters.
    if url.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(Error::invalid("url", "must be a URL"));
    }
    let read = Url::parse(url).map_err(|_| Error::invalid("url", "must be a URL"))?;
    if !matches!(read.scheme(), "http" | "https") || url.len() > MAX_URL {
        return Err(Error::invalid("url", "must begin with http:// or https:// and have at most 2048 bytes"));
    }
    if !read.username().is_empty() || read.password().is_some() {
        return Err(Error::invalid("url", "must not have a user or a password"));
    }
    Ok(())
}

/// Refuses what no vendor accepts as a token. Empty: there is none.
pub fn check_token(token: &str) -> Result<(), Error> {
    if token.len() > MAX_TOKEN || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::invalid("token", "must have at most 128 visible ASCII characters"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_http_or_https_without_a_user_and_is_taken_as_it_is_written() {
        for url in ["http://h", "https://[::1]:8443/im?s=1", "http://bücher.example/ü"] {
            check_url(url).unwrap();
        }
        let long = format!("http://h/{}", "x".repeat(MAX_URL));
        for (url, why) in [
            ("", "url must be a URL"),
            ("h/im", "url must be a URL"),
            (" http://h", "url must be a URL"),
            ("http://h/\0", "url must be a URL"),
            ("ftp://h", "url must begin with http:// or https:// and have at most 2048 bytes"),
            (&long, "url must begin with http:// or https:// and have at most 2048 bytes"),
            ("http://u@h", "url must not have a user or a password"),
            ("http://:p@h", "url must not have a user or a password"),
        ] {
            assert_eq!(check_url(url).unwrap_err().to_string(), why, "{url}");
        }
    }

    #[test]
    fn a_token_is_visible_ascii() {
        check_token("").unwrap();
        check_token(&"t".repeat(MAX_TOKEN)).unwrap();
        for token in [&"t".repeat(MAX_TOKEN + 1), "a b", "ü"] {
            let why = "token must have at most 128 visible ASCII characters";
            assert_eq!(check_token(token).unwrap_err().to_string(), why);
        }
    }
}
