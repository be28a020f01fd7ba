//! Moments and lengths of time over gRPC (docs/grpc.md, Times).

use std::time::Duration;

use prost::Message as _;
use prost_types::FileDescriptorSet;
use tidings_proto::{Timestamp, duration, moment_or_zero, pb, timestamp};
use tidings_testkit::every_shape;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::log::{direct, register, text};

#[test]
fn no_time_of_the_public_api_is_a_number_of_milliseconds_but_an_apps_policy() {
    let files = FileDescriptorSet::decode(tidings_proto::DESCRIPTORS).unwrap();
    let public = files.file.iter().filter(|file| file.package() == "tidings.v1");
    let mut messages: Vec<_> = public.flat_map(|file| &file.message_type).collect();
    messages.extend(messages.clone().into_iter().flat_map(|message| &message.nested_type));
    assert!(messages.len() > 100, "{}", messages.len());
    for message in messages.into_iter().filter(|message| message.name() != "Policy") {
        let numbers: Vec<_> = message
            .field
            .iter()
            .map(prost_types::FieldDescriptorProto::name)
            .filter(|it| it.ends_with("_ms"))
            .collect();
        assert_eq!(numbers, [""; 0], "{}", message.name());
    }
}

/// The field that a refusal names, and what it must be.
fn violation(status: &Status) -> (String, String) {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let named = status.get_details_bad_request().expect("BadRequest beside ErrorInfo").field_violations.remove(0);
    (named.field, named.description)
}

every_shape! {
    async fn malformed_times_are_refused_by_their_fields_and_fractions_of_milliseconds_are_cut_off(app: TestApp) {
        let ids = register(&app, &["ann", "bob"]).await;
        let now = app.messages().send(app.request(text(ids[0], &[ids[1]], "live"))).await.expect("sent").into_inner();
        let (accepted, committed) = (moment_or_zero(now.accepted_at), moment_or_zero(now.committed_at));
        assert!(accepted <= committed && accepted.0 > 1_700_000_000_000, "{now:?}");
        let import = async |sent_at: Option<Timestamp>, key: &str| {
            let pb::SendRequest { sender, mut targets, content, .. } = text(ids[0], &[ids[1]], "old");
            let (target, idempotency_key) = (targets.pop(), key.to_owned());
            let wanted = pb::ImportRequest { sender, target, content, sent_at, idempotency_key, ..Default::default() };
            app.messages().import(app.request(wanted)).await.map(|reply| reply.into_inner().sent.expect("a message"))
        };
        let wrong = [
            (Timestamp { seconds: 1_700_000_000, nanos: -1 }, "must have nanos from 0 to 999999999"),
            (Timestamp { seconds: 1_700_000_000, nanos: 1_000_000_000 }, "must have nanos from 0 to 999999999"),
            (Timestamp { seconds: i64::MAX, nanos: 0 }, "must have a year from 1 to 9999"),
            (Timestamp { seconds: -1, nanos: 0 }, "must not be before 2010"),
        ];
        for (sent_at, rule) in wrong {
            let refused = import(Some(sent_at), "").await.expect_err(rule);
            assert_eq!(violation(&refused), ("sent_at".to_owned(), rule.to_owned()));
        }
        let fine = Timestamp { seconds: 1_700_000_000, nanos: 123_999_999 };
        let first = import(Some(fine), "k").await.expect("imported");
        let cut = Timestamp { nanos: 123_000_000, ..fine };
        assert_eq!(import(Some(cut), "k").await.expect("the same import"), first);
        let page = pb::PageRequest { conversation: Some(direct(ids[0], ids[1])), limit: 10, ..Default::default() };
        let page = app.messages().page(app.request(page)).await.expect("a page").into_inner().messages;
        let sent: Vec<_> = page.iter().map(|message| message.sent_at.expect("a time")).collect();
        assert_eq!(sent, [timestamp(committed), cut]);

        let msg_id = first.msg_id;
        let window = Some(tidings_proto::Duration { seconds: 0, nanos: -1 });
        let recall = pb::RecallRequest { msg_id, window, ..Default::default() };
        let refused = app.messages().recall(app.request(recall)).await.expect_err("a negative window");
        assert_eq!(violation(&refused), ("window".to_owned(), "must not be negative".to_owned()));
        let window = Some(duration(Duration::from_mins(1)));
        let recall = pb::RecallRequest { msg_id, window, window_for_all: true, ..Default::default() };
        let refused = app.messages().recall(app.request(recall)).await.expect_err("years later");
        assert_eq!(refused.code(), Code::FailedPrecondition);
        let clear = pb::ClearRequest { user_id: Some(ids[0]), conversation: Some(direct(ids[0], ids[1])), until: None };
        let refused = app.conversations().clear(app.request(clear)).await.expect_err("no moment");
        assert_eq!(violation(&refused), ("until".to_owned(), "is required".to_owned()));
    }
}
