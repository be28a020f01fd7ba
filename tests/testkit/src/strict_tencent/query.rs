//! The query of a callback's URL (tencent.md 1, 3).

use std::{collections::HashMap, net::IpAddr};

use sha2::{Digest as _, Sha256};
use tidings_domain::{UnixMillis, hex};

use super::StrictTencent;

const ALWAYS: [&str; 5] = ["SdkAppid", "CallbackCommand", "contenttype", "ClientIP", "OptPlatform"];
const SIGNED: [&str; 2] = ["Sign", "RequestTime"];
/// The maximum difference, in seconds, of an accepted RequestTime.
const STALE: u64 = 60;

/// Checks everything but the command, and returns that.
pub fn check(receiver: &StrictTencent, query: &str) -> Result<String, String> {
    let parameters = parameters(query)?;
    let get = |name: &str| parameters.get(name).map(String::as_str).ok_or_else(|| format!("{name} is missing"));
    let expect = |name: &str, expected: &str| match get(name)? {
        value if value == expected => Ok(()),
        value => Err(format!("{name} is {value:?} rather than {expected}")),
    };
    expect("SdkAppid", &receiver.sdk_appid.to_string())?;
    expect("contenttype", "json")?;
    expect("OptPlatform", "RESTAPI")?;
    let client_ip = get("ClientIP")?;
    client_ip.parse::<IpAddr>().map_err(|_| format!("ClientIP is no address: {client_ip:?}"))?;
    match &receiver.token {
        Some(token) => check_sign(token, get("Sign")?, get("RequestTime")?, receiver.clock.now())?,
        None if SIGNED.iter().any(|name| parameters.contains_key(*name)) => {
            return Err("it is signed, although there is no token".to_owned());
        }
        None => {}
    }
    Ok(get("CallbackCommand")?.to_owned())
}

/// The parameters of the vendor. The operator's own precede them and are unchanged.
fn parameters(query: &str) -> Result<HashMap<String, String>, String> {
    let mut found = HashMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let known = ALWAYS.iter().chain(&SIGNED).find(|known| known.eq_ignore_ascii_case(&name));
        match known {
            Some(known) if *known != name => return Err(format!("{known} is written {name}")),
            Some(known) => {
                if found.insert((*known).to_owned(), value.into_owned()).is_some() {
                    return Err(format!("{known} is there twice"));
                }
            }
            None if found.is_empty() => {}
            None => return Err(format!("{name} is not documented")),
        }
    }
    Ok(found)
}

fn check_sign(token: &str, sign: &str, request_time: &str, now: UnixMillis) -> Result<(), String> {
    let seconds = request_time.parse::<i64>().ok().filter(|seconds| seconds.to_string() == request_time);
    let seconds = seconds.ok_or_else(|| format!("RequestTime is no number of seconds: {request_time:?}"))?;
    let digest = Sha256::new().chain_update(token).chain_update(request_time).finalize();
    let expected = hex(&digest);
    if sign != expected {
        return Err(format!("Sign is {sign} rather than {expected}"));
    }
    let off = seconds.abs_diff(now.0.div_euclid(1000));
    if off >= STALE {
        return Err(format!("RequestTime is {off} s off"));
    }
    Ok(())
}
