//! When tokens built by an app's own server expire, and those that were exchanged for them.

use std::{io::Write as _, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::{Compression, write::ZlibEncoder};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use tidings_domain::{Clock as _, Reason, hex};
use tidings_proto::pb::{self, directory_service_server::DirectoryService as _, issue_token_request::Grant};

use crate::{
    group_suite::{By, by},
    suite::{Suite, authenticate, id, inherit, lobby, name, ok, on_both_engines},
};

/// A dynamic token as the app's server builds it now, valid for ten minutes.
async fn dynamic(suite: &Suite, user: &str) -> String {
    let app = suite.reveal(lobby()).await;
    let second = suite.clock.now().0 / 1000;
    let signed = format!("{}acme#lobby{user}{second}600{}", app.client_id, app.client_secret);
    let signature = hex(&Sha256::digest(signed));
    let json = format!(
        r#"dt-{{"signature":"{signature}","appkey":"acme#lobby","userId":"{user}","curTime":{second},"ttl":600}}"#
    );
    STANDARD.encode(json)
}

/// An AccessToken2 as the app's server builds it now, likewise.
async fn access_token2(suite: &Suite, user: &str) -> String {
    let app = suite.reveal(lobby()).await;
    let issued = ((suite.clock.now().0 / 1000) as u32).to_le_bytes();
    let text = |text: &str| [&(text.len() as u16).to_le_bytes()[..], text.as_bytes()].concat();
    let mac = |key: &[u8], data: &[u8]| {
        let mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.chain_update(data).finalize().into_bytes().to_vec()
    };
    let (expire, salt, chat) = (600_u32.to_le_bytes(), 7_u32.to_le_bytes(), [1, 0, 5, 0, 1, 0, 1, 0]);
    let signed = [&text(&app.agora_app_id)[..], &[issued, expire, salt].concat(), &chat, &expire, &text(user)];
    let signed = signed.concat();
    let signature = mac(&mac(&salt, &mac(&issued, app.app_certificate.as_bytes())), &signed);
    let packed = [&(signature.len() as u16).to_le_bytes()[..], &signature, &signed].concat();
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::default());
    packer.write_all(&packed).unwrap();
    format!("007{}", STANDARD.encode(packer.finish().unwrap()))
}

/// A token of every kind that a user can have.
async fn every_kind(suite: &Suite, user: &str) -> Vec<String> {
    let (dynamic, built) = (dynamic(suite, user).await, access_token2(suite, user).await);
    let exchange = |token: &str| Grant::Exchange(pb::Exchange { token: token.to_owned() });
    let exchanged = [suite.issue(exchange(&dynamic)).await.unwrap(), suite.issue(exchange(&built)).await.unwrap()];
    let own = suite.issue(inherit(name(user), false)).await.unwrap();
    let ours = exchanged.into_iter().chain([own]).map(|issued| issued.token);
    [dynamic, built].into_iter().chain(ours).collect()
}

/// The state of the tokens, queried at another process.
async fn judged(suite: &Suite, tokens: &[String]) -> Vec<Result<i64, Reason>> {
    let mut judged = Vec::new();
    for token in tokens {
        let identity = authenticate(&suite.other_process(), lobby(), token).await;
        judged.push(identity.map(|identity| identity.user_id));
    }
    judged
}

/// Revokes tokens in one of the possible ways.
async fn end(suite: &Suite, how: &str, user: i64) {
    let update = |change: pb::UpdateUserRequest| pb::UpdateUserRequest { user: Some(id(user)), ..change };
    let (password, old_password) = (Some("new".to_owned()), Some("old".to_owned()));
    let enabled = |enabled| update(pb::UpdateUserRequest { enabled: Some(enabled), ..Default::default() });
    let directory = &suite.directory;
    match how {
        "password by the app" => {
            let change = update(pb::UpdateUserRequest { password, ..Default::default() });
            ok(directory.update_user(by(By::App, change)).await);
        }
        "password by the user" => {
            let change = update(pb::UpdateUserRequest { password, old_password, ..Default::default() });
            ok(directory.update_user(by(By::User(user), change)).await);
        }
        "disabled and enabled" => {
            ok(directory.update_user(by(By::App, enabled(false))).await);
            ok(directory.update_user(by(By::App, enabled(true))).await);
        }
        _ => {
            let kick =
                pb::EndSessionsRequest { user: Some(id(user)), device_sn: 0, end_tokens: true, ..Default::default() };
            ok(directory.end_sessions(by(By::App, kick)).await);
        }
    }
}

async fn every_token_ends_with_a_new_password_a_kick_and_disabling(suite: Suite) {
    for (n, how) in ["password by the app", "password by the user", "disabled and enabled", "kick"].iter().enumerate() {
        let (user, other) = (format!("ann{n}"), format!("bob{n}"));
        let ann = suite.register(&user, "old").await.unwrap().id;
        let bob = suite.register(&other, "old").await.unwrap().id;
        let (tokens, others) = (every_kind(&suite, &user).await, every_kind(&suite, &other).await);
        assert_eq!(judged(&suite, &tokens).await, vec![Ok(ann); 5], "{how}");
        // In the second of the token, later in it, and in a later one.
        suite.advance(Duration::from_millis([0, 999, 1000, 300_000][n]));
        end(&suite, how, ann).await;
        assert_eq!(judged(&suite, &tokens).await, vec![Err(Reason::TokenRevoked); 5], "{how}");
        assert_eq!(judged(&suite, &others).await, vec![Ok(bob); 5], "{how}");
        // Tokens built in the same second cannot be distinguished from earlier ones. Ours can.
        let of_the_second = [dynamic(&suite, &user).await, access_token2(&suite, &user).await];
        assert_eq!(judged(&suite, &of_the_second).await, vec![Err(Reason::TokenRevoked); 2], "{how}");
        let ours = suite.issue(inherit(name(&user), false)).await.unwrap().token;
        assert_eq!(judged(&suite, &[ours]).await, [Ok(ann)], "{how}");
        suite.advance(Duration::from_secs(1));
        assert_eq!(judged(&suite, &every_kind(&suite, &user).await).await, vec![Ok(ann); 5], "{how}");
    }
}

async fn a_session_that_ends_by_itself_ends_no_token(suite: Suite) {
    let ann = suite.register("ann", "").await.unwrap().id;
    let tokens = every_kind(&suite, "ann").await;
    let leave = pb::EndSessionsRequest { user: Some(id(ann)), ..Default::default() };
    ok(suite.directory.end_sessions(by(By::App, leave)).await);
    assert_eq!(judged(&suite, &tokens).await, vec![Ok(ann); 5]);
}

async fn a_name_that_is_registered_again_has_none_of_its_old_tokens(suite: Suite) {
    suite.register("ann", "").await.unwrap();
    let tokens = every_kind(&suite, "ann").await;
    suite.advance(Duration::from_secs(1));
    suite.delete_user(name("ann")).await.unwrap();
    assert_eq!(judged(&suite, &tokens).await, vec![Err(Reason::TokenRevoked); 5]);
    suite.advance(Duration::from_secs(1));
    // By the same call, by a mention and a call, and by inheritance.
    suite.resolve(&[name("ANN")], true).await.unwrap();
    let heir = suite.register("Ann", "").await.unwrap().id;
    assert_eq!(judged(&suite, &tokens).await, vec![Err(Reason::TokenRevoked); 5]);
    assert_eq!(judged(&suite, &every_kind(&suite, "ann").await).await, vec![Ok(heir); 5]);
    suite.delete_user(name("ann")).await.unwrap();
    suite.issue(inherit(name("ann"), true)).await.unwrap();
    assert_eq!(judged(&suite, &tokens).await, vec![Err(Reason::TokenRevoked); 5]);
}

async fn a_new_name_takes_tokens_of_its_first_second(suite: Suite) {
    let early = dynamic(&suite, "ann").await;
    let ann = suite.register("ann", "").await.unwrap().id;
    assert_eq!(judged(&suite, &[early]).await, [Ok(ann)]);
}

on_both_engines!(
    every_token_ends_with_a_new_password_a_kick_and_disabling,
    a_session_that_ends_by_itself_ends_no_token,
    a_name_that_is_registered_again_has_none_of_its_old_tokens,
    a_new_name_takes_tokens_of_its_first_second,
);
