//! The URL of a callback, and its signature (tencent.md 1, 3).

use std::net::IpAddr;

use sha2::{Digest, Sha256};
use tidings_domain::hex;

/// The enum, with `CallbackCommand` of each.
macro_rules! callbacks {
    ($($(#[$doc:meta])+ $name:ident: $command:literal,)+) => {
        /// The supported callbacks.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Callback {
            $($(#[$doc])+ $name,)+
        }

        impl Callback {
            /// `CallbackCommand`, in the query and in the body alike.
            pub const fn command(self) -> &'static str {
                match self {
                    $(Self::$name => $command,)+
                }
            }
        }
    };
}

callbacks! {
    /// Before a one-to-one message; decides.
    C2cBeforeSend: "C2C.CallbackBeforeSendMsg",
    /// After a one-to-one message.
    C2cAfterSend: "C2C.CallbackAfterSendMsg",
    /// A one-to-one conversation was read.
    C2cAfterRead: "C2C.CallbackAfterMsgReport",
    /// A one-to-one message was recalled.
    C2cAfterWithdraw: "C2C.CallbackAfterMsgWithDraw",
    /// Before a message to a group; decides.
    GroupBeforeSend: "Group.CallbackBeforeSendMsg",
    /// After a message to a group.
    GroupAfterSend: "Group.CallbackAfterSendMsg",
    /// A message to a group was recalled.
    GroupAfterRecall: "Group.CallbackAfterRecallMsg",
    /// A user connected or disconnected.
    StateChange: "State.StateChange",
    /// Two users are contacts from now on.
    FriendAdd: "Sns.CallbackFriendAdd",
    /// Two users are contacts no longer.
    FriendDelete: "Sns.CallbackFriendDelete",
    /// A user blocked another one.
    BlackListAdd: "Sns.CallbackBlackListAdd",
    /// A user unblocked another one.
    BlackListDelete: "Sns.CallbackBlackListDelete",
    /// A group was created.
    GroupAfterCreate: "Group.CallbackAfterCreateGroup",
    /// A group ended.
    GroupAfterDestroy: "Group.CallbackAfterGroupDestroyed",
    /// Users became members of a group.
    GroupAfterJoin: "Group.CallbackAfterNewMemberJoin",
    /// Members left a group.
    GroupAfterExit: "Group.CallbackAfterMemberExit",
    /// The profile of a group changed.
    GroupAfterChange: "Group.CallbackAfterGroupInfoChanged",
    /// Before a group is created; decides.
    GroupBeforeCreate: "Group.CallbackBeforeCreateGroup",
    /// Before a user joins a group or applies to; decides.
    GroupBeforeApply: "Group.CallbackBeforeApplyJoinGroup",
    /// Before users are added to a group; decides.
    GroupBeforeInvite: "Group.CallbackBeforeInviteJoinGroup",
    /// Before a user sends a contact request; decides.
    FriendBeforeAdd: "Sns.CallbackPrevFriendAdd",
    /// Before a user answers such a request; decides.
    FriendBeforeResponse: "Sns.CallbackPrevFriendResponse",
}

/// The parameters in a callback's URL.
#[derive(Debug, Clone, Copy)]
pub struct Parameters<'a> {
    /// `SdkAppid`
    pub sdk_appid: i64,
    /// `CallbackCommand`: text, since a delivery may have been written by a version that knows more callbacks.
    pub command: &'a str,
    /// `ClientIP`: the caller's address (decision 34); empty if it is unknown.
    pub client_ip: Option<IpAddr>,
    /// `OptPlatform`: `RESTAPI` for REST and gRPC (decision 34).
    pub platform: &'a str,
    /// Present if the endpoint has a token (decision 35).
    pub authentication: Option<Authentication<'a>>,
}

/// The signing key of callbacks. Each attempt has a time of its own: receivers refuse one that is 60 s off (tencent.md
/// 3).
#[derive(Debug, Clone, Copy)]
pub struct Authentication<'a> {
    /// Shared with the receiver.
    pub token: &'a str,
    /// `RequestTime`: seconds since 1970.
    pub request_time: i64,
}

/// `Sign`: SHA-256 of the token followed by the time in decimal seconds, as lower-case hex digits (tencent.md 3).
pub fn sign(token: &str, request_time: i64) -> String {
    hex(&Sha256::digest(format!("{token}{request_time}")))
}

/// The URL to post to: the configured one with the parameters after the operator's own. A fragment is left out, since
/// HTTP does not send it (tencent.md 1).
pub fn query(url: &str, parameters: &Parameters<'_>) -> String {
    let (configured, _) = url.split_once('#').unwrap_or((url, ""));
    let mut out = configured.to_owned();
    let mut push = |key: &str, value: &str| {
        if !out.contains('?') {
            out.push('?');
        } else if !out.ends_with(['?', '&']) {
            out.push('&');
        }
        out.extend([key, "="]);
        out.extend(form_urlencoded::byte_serialize(value.as_bytes()));
    };
    push("SdkAppid", &parameters.sdk_appid.to_string());
    push("CallbackCommand", parameters.command);
    push("contenttype", "json");
    push("ClientIP", &parameters.client_ip.map(|address| address.to_string()).unwrap_or_default());
    push("OptPlatform", parameters.platform);
    if let Some(Authentication { token, request_time }) = parameters.authentication {
        push("Sign", &sign(token, request_time));
        push("RequestTime", &request_time.to_string());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAMETERS: Parameters<'static> = Parameters {
        sdk_appid: 1_400_000_001,
        command: Callback::C2cAfterSend.command(),
        client_ip: None,
        platform: "RESTAPI",
        authentication: None,
    };
    const REST: &str =
        "SdkAppid=1400000001&CallbackCommand=C2C.CallbackAfterSendMsg&contenttype=json&ClientIP=&OptPlatform=RESTAPI";

    #[test]
    fn sign_is_the_official_vector_tencent_3() {
        let sign = sign("xxxxyyyy", 1_669_872_112);
        assert_eq!(sign, "17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061");
    }

    /// The vendor signs token and time without a separator. A receiver knows its token, and times have ten digits until
    /// 2286, so there is only one reading.
    #[test]
    fn no_other_time_of_ten_digits_has_the_same_sign() {
        let signed = "tok1669872112";
        for cut in 0..=signed.len() {
            let (token, time) = signed.split_at(cut);
            let is_time = time.len() == 10 && !time.starts_with('0');
            let Some(time) = time.parse::<i64>().ok().filter(|_| is_time) else { continue };
            assert_eq!((token, time), ("tok", 1_669_872_112));
        }
        assert_ne!(sign("tok", 1_669_872_112), sign("tok1", 669_872_112 + 1_000_000_000));
    }

    #[test]
    fn the_documented_url_has_its_parameters_in_that_case_and_order_tencent_1() {
        let client_ip = "127.0.0.1".parse().ok();
        assert_eq!(
            query("https://www.example.com", &Parameters { client_ip, ..PARAMETERS }),
            "https://www.example.com?SdkAppid=1400000001&CallbackCommand=C2C.CallbackAfterSendMsg&contenttype=json\
             &ClientIP=127.0.0.1&OptPlatform=RESTAPI"
        );
    }

    #[test]
    fn a_token_switches_sign_on_behind_the_rest_decision_35() {
        let authentication = Some(Authentication { token: "xxxxyyyy", request_time: 1_669_872_112 });
        let sign = "17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061";
        assert_eq!(
            query("http://h/im", &Parameters { authentication, ..PARAMETERS }),
            format!("http://h/im?{REST}&Sign={sign}&RequestTime=1669872112")
        );
    }

    #[test]
    fn the_operators_own_query_comes_first_and_a_fragment_goes_tencent_1() {
        let table = [
            ("https://h/x?s=route", "https://h/x?s=route&"),
            ("https://h/x?", "https://h/x?"),
            ("https://h/x?s=1&", "https://h/x?s=1&"),
            ("https://h/x?s=1#top?", "https://h/x?s=1&"),
            ("https://h/x#top", "https://h/x?"),
        ];
        for (url, before) in table {
            assert_eq!(query(url, &PARAMETERS), format!("{before}{REST}"), "{url}");
        }
    }

    #[test]
    fn values_are_encoded_tencent_1() {
        let client_ip = "2001:db8::1".parse().ok();
        let url = query("https://h", &Parameters { client_ip, platform: "a&b=c", ..PARAMETERS });
        assert!(url.ends_with("&ClientIP=2001%3Adb8%3A%3A1&OptPlatform=a%26b%3Dc"), "{url}");
    }
}
