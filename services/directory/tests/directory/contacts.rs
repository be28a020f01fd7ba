//! Contacts, requests to become one, and what a deletion leaves of them.

use std::{future::Future, time::Duration};

use tidings_domain::Reason;
use tidings_proto::{
    internal::{self, directory_internal_service_server::DirectoryInternalService as _},
    pb::{self, directory_service_server::DirectoryService as _},
};
use tonic::{Response, Status};

use crate::{
    group_suite::{By, by},
    suite::{Suite, id, name, on_both_engines, reason},
};

async fn of<T>(reply: impl Future<Output = Result<Response<T>, Status>>) -> Result<T, Reason> {
    reply.await.map(Response::into_inner).map_err(reason)
}

async fn add(suite: &Suite, user: i64, contact_id: i64) -> Result<bool, Reason> {
    let request = pb::AddContactRequest { user_id: Some(user), contact_id };
    of(suite.directory.add_contact(by(By::App, request))).await.map(|reply| reply.changed)
}

async fn ask(suite: &Suite, caller: i64, contact_id: i64) -> Result<bool, Reason> {
    let request = pb::RequestContactRequest { contact_id, text: "hi".to_owned(), ..Default::default() };
    of(suite.directory.request_contact(by(By::User(caller), request))).await.map(|reply| reply.added)
}

async fn decide(suite: &Suite, caller: i64, from_id: i64, accept: bool) -> Result<(), Reason> {
    let request = pb::DecideContactRequest { user_id: None, from_id, accept };
    of(suite.directory.decide_contact(by(By::User(caller), request))).await.map(drop)
}

async fn remove(suite: &Suite, caller: i64, contact_id: i64) -> Result<bool, Reason> {
    let request = pb::RemoveContactRequest { user_id: None, contact_id };
    of(suite.directory.remove_contact(by(By::User(caller), request))).await.map(|reply| reply.changed)
}

async fn page(suite: &Suite, user: i64, size: i32, token: &str) -> pb::ListContactsResponse {
    let request = pb::ListContactsRequest { user_id: Some(user), page_size: size, page_token: token.to_owned() };
    of(suite.directory.list_contacts(by(By::App, request))).await.unwrap()
}

async fn contacts(suite: &Suite, user: i64) -> Vec<i64> {
    page(suite, user, 0, "").await.contacts.into_iter().map(|contact| contact.user_id).collect()
}

async fn waiting(suite: &Suite, user: i64) -> Vec<i64> {
    let request = pb::ListContactRequestsRequest { user_id: Some(user), ..Default::default() };
    let listed = of(suite.directory.list_contact_requests(by(By::App, request))).await.unwrap();
    listed.requests.into_iter().map(|request| request.from_id).collect()
}

/// How many changes of that kind the log has.
async fn logged(suite: &Suite, kind: &str) -> i64 {
    suite.count(&format!("change where kind = '{kind}'")).await
}

/// The stored numbers of contacts are those of the rows.
async fn assert_totals(suite: &Suite) {
    let wrong = "contact_total t where t.contacts <> (
        select count(*) from contact c where c.app_id = t.app_id and c.user_id = t.user_id)";
    assert_eq!(suite.count(wrong).await, 0);
}

async fn the_app_adds_contacts_on_both_sides_and_either_ends_it(suite: Suite) {
    let [ann, bob] = suite.users().await;
    assert_eq!(add(&suite, ann, bob).await, Ok(true));
    assert_eq!(add(&suite, bob, ann).await, Ok(false));
    assert_eq!((contacts(&suite, ann).await, contacts(&suite, bob).await), (vec![bob], vec![ann]));
    assert_eq!(remove(&suite, bob, ann).await, Ok(true));
    assert_eq!(remove(&suite, ann, bob).await, Ok(false));
    assert_eq!((contacts(&suite, ann).await, contacts(&suite, bob).await), (vec![], vec![]));
    assert_eq!((logged(&suite, "contact.added").await, logged(&suite, "contact.removed").await), (1, 1));
    assert_totals(&suite).await;
}

async fn a_request_waits_until_it_is_decided(suite: Suite) {
    let [ann, bob, carl] = suite.users().await;
    assert_eq!(ask(&suite, ann, bob).await, Ok(false));
    assert_eq!(ask(&suite, ann, bob).await, Ok(false), "asking again changes nothing");
    assert_eq!(ask(&suite, carl, bob).await, Ok(false));
    assert_eq!((waiting(&suite, bob).await, contacts(&suite, bob).await), (vec![ann, carl], vec![]));
    assert_eq!(logged(&suite, "contact.requested").await, 2);
    assert_eq!(decide(&suite, bob, ann, true).await, Ok(()));
    assert_eq!(decide(&suite, bob, carl, false).await, Ok(()));
    assert_eq!((waiting(&suite, bob).await, contacts(&suite, bob).await), (vec![], vec![ann]));
    for from in [ann, carl] {
        assert_eq!(decide(&suite, bob, from, true).await, Err(Reason::ContactRequestGone));
    }
    assert_eq!(ask(&suite, ann, bob).await, Err(Reason::AlreadyContact));
    assert_eq!((logged(&suite, "contact.added").await, logged(&suite, "contact.declined").await), (1, 1));
    assert_totals(&suite).await;
}

async fn who_is_asked_by_whom_they_asked_becomes_a_contact_at_once(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let request = pb::RequestContactRequest { contact_id: bob, remark: "Bobby".to_owned(), ..Default::default() };
    of(suite.directory.request_contact(by(By::User(ann), request))).await.unwrap();
    assert_eq!(ask(&suite, bob, ann).await, Ok(true));
    assert_eq!(page(&suite, ann, 0, "").await.contacts[0].remark, "Bobby");
    assert_eq!(page(&suite, bob, 0, "").await.contacts[0].remark, "");
    assert_eq!((waiting(&suite, ann).await, waiting(&suite, bob).await), (vec![], vec![]));
}

async fn a_request_is_gone_after_30_days(suite: Suite) {
    let [ann, bob] = suite.users().await;
    ask(&suite, ann, bob).await.unwrap();
    suite.advance(Duration::from_hours(30 * 24) - Duration::from_millis(1));
    assert_eq!(waiting(&suite, bob).await, [ann]);
    suite.advance(Duration::from_millis(1));
    assert_eq!(waiting(&suite, bob).await, [0; 0]);
    assert_eq!(decide(&suite, bob, ann, true).await, Err(Reason::ContactRequestGone));
    assert_eq!(ask(&suite, bob, ann).await, Ok(false), "nobody asked first any more");
    assert_eq!(ask(&suite, ann, bob).await, Ok(true));
}

async fn who_is_blocked_cannot_ask_and_stays_a_contact(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let block = async |blocked| {
        let request = pb::BlockUserRequest { user_id: None, blocked_id: ann, blocked };
        of(suite.directory.block_user(by(By::User(bob), request))).await.unwrap();
    };
    ask(&suite, ann, bob).await.unwrap();
    block(true).await;
    assert_eq!(waiting(&suite, bob).await, [0; 0], "what they asked is gone");
    assert_eq!(ask(&suite, ann, bob).await, Err(Reason::BlockedByReceiver));
    assert_eq!(add(&suite, ann, bob).await, Ok(true), "the app itself may");
    assert_eq!(contacts(&suite, bob).await, [ann]);
    let relation = async || {
        let request = pb::GetContactsRequest { user_id: None, contact_ids: vec![ann] };
        of(suite.directory.get_contacts(by(By::User(bob), request))).await.unwrap().contacts[0].relation()
    };
    assert_eq!(relation().await, pb::Relation::Blocked);
    block(false).await;
    assert_eq!(relation().await, pb::Relation::Contact);
}

async fn users_change_and_see_only_what_is_theirs(suite: Suite) {
    let [ann, bob, carl] = suite.users().await;
    add(&suite, ann, bob).await.unwrap();
    let spy = pb::ListContactsRequest { user_id: Some(ann), ..Default::default() };
    assert_eq!(of(suite.directory.list_contacts(by(By::User(carl), spy))).await.unwrap_err(), Reason::NotPermitted);
    let forged = pb::RequestContactRequest { user_id: Some(ann), contact_id: carl, ..Default::default() };
    let forged = of(suite.directory.request_contact(by(By::User(carl), forged))).await;
    assert_eq!(forged.unwrap_err(), Reason::NotPermitted);
    let forged = pb::DecideContactRequest { user_id: Some(bob), from_id: carl, accept: true };
    assert_eq!(of(suite.directory.decide_contact(by(By::User(carl), forged))).await.unwrap_err(), Reason::NotPermitted);
    let forged = pb::RemoveContactRequest { user_id: Some(ann), contact_id: bob };
    assert_eq!(of(suite.directory.remove_contact(by(By::User(carl), forged))).await.unwrap_err(), Reason::NotPermitted);
    assert_eq!(contacts(&suite, ann).await, [bob]);
}

async fn only_registered_others_can_be_contacts(suite: Suite) {
    let [ann] = suite.users().await;
    let mentioned = suite.resolve(&[name("ghost")], true).await.unwrap()[0].id;
    for nobody in [mentioned, 999_984, 0] {
        assert_eq!(add(&suite, ann, nobody).await, Err(Reason::UserNotFound), "{nobody}");
        assert_eq!(ask(&suite, ann, nobody).await, Err(Reason::UserNotFound), "{nobody}");
        assert_eq!(remove(&suite, ann, nobody).await, Err(Reason::UserNotFound), "{nobody}");
    }
    assert_eq!(add(&suite, ann, ann).await, Err(Reason::InvalidArgument));
    assert_eq!(ask(&suite, ann, ann).await, Err(Reason::InvalidArgument));
}

async fn notes_on_a_contact_are_ones_own(suite: Suite) {
    let [ann, bob, carl] = suite.users().await;
    add(&suite, ann, bob).await.unwrap();
    let note = async |contact_id, remark: Option<String>, mute_notification| {
        let request = pb::UpdateContactRequest { contact_id, remark, mute_notification, ..Default::default() };
        of(suite.directory.update_contact(by(By::User(ann), request))).await
    };
    note(bob, Some("Bobby".to_owned()), None).await.unwrap();
    let noted = note(bob, None, Some(true)).await.unwrap();
    assert_eq!((noted.remark.as_str(), noted.mute_notification, noted.username.as_str()), ("Bobby", true, "u1"));
    assert_eq!(page(&suite, bob, 0, "").await.contacts[0].remark, "");
    assert_eq!(note(carl, Some("x".to_owned()), None).await.unwrap_err(), Reason::NotAContact);
    assert_eq!(note(bob, Some("x".repeat(513)), None).await.unwrap_err(), Reason::InvalidArgument);
    assert_eq!(note(bob, Some("\0".to_owned()), None).await.unwrap_err(), Reason::InvalidArgument);
    assert_eq!(page(&suite, ann, 0, "").await.contacts[0].remark, "Bobby");
}

async fn an_import_says_what_became_of_each(suite: Suite) {
    let users = suite.many_users(5).await;
    let (ann, bob, carl, dora, eve) = (users[0], users[1], users[2], users[3], users[4]);
    suite.set_policy(pb::Policy { max_contacts: Some(2), ..Default::default() }).await.unwrap();
    add(&suite, eve, bob).await.unwrap();
    add(&suite, eve, carl).await.unwrap();
    let import = async |user, contacts: Vec<pb::UserRef>| {
        let request = pb::ImportContactsRequest { user_id: Some(user), contacts };
        let reply = of(suite.directory.import_contacts(by(By::App, request))).await?;
        Ok(reply.results.into_iter().map(|result| (result.user_id, result.reason)).collect::<Vec<_>>())
    };
    let told = |user, reason: &str| (user, reason.to_owned());
    let wanted = vec![id(bob), name("U1"), name("nobody"), id(ann), id(eve), id(carl), id(dora)];
    let expected = [
        told(bob, ""),
        told(0, "USER_NOT_FOUND"),
        told(ann, "INVALID_ARGUMENT"),
        told(eve, "CONTACTS_FULL"),
        told(carl, ""),
        told(dora, "CONTACTS_FULL"),
    ];
    assert_eq!(import(ann, wanted).await.unwrap(), expected);
    assert_eq!(contacts(&suite, ann).await, [bob, carl]);
    assert_eq!(import(ann, vec![id(bob)]).await.unwrap(), [told(bob, "")], "who is one already is no failure");
    assert_eq!(import(ann, vec![id(dora)]).await, Err(Reason::ContactsFull), "the caller's own list is full");
    assert_eq!(import(ann, vec![]).await, Err(Reason::InvalidArgument));
    assert_eq!(import(ann, vec![id(bob); 601]).await, Err(Reason::InvalidArgument));
    assert_eq!(import(999_984, vec![id(bob)]).await, Err(Reason::UserNotFound));
    assert_totals(&suite).await;
}

async fn a_list_has_as_many_contacts_as_the_policy_allows(suite: Suite) {
    let [ann, bob, carl] = suite.users().await;
    suite.set_policy(pb::Policy { max_contacts: Some(1), ..Default::default() }).await.unwrap();
    ask(&suite, ann, carl).await.unwrap();
    add(&suite, ann, bob).await.unwrap();
    assert_eq!(add(&suite, ann, carl).await, Err(Reason::ContactsFull));
    assert_eq!(ask(&suite, carl, bob).await, Err(Reason::ContactsFull));
    assert_eq!(decide(&suite, carl, ann, true).await, Err(Reason::ContactsFull));
    assert_eq!(waiting(&suite, carl).await, [ann], "the request still waits");
    remove(&suite, bob, ann).await.unwrap();
    assert_eq!(decide(&suite, carl, ann, true).await, Ok(()));
}

async fn no_more_than_1000_requests_wait_for_a_user(suite: Suite) {
    let users = suite.many_users(1_002).await;
    let (bob, others) = users.split_first().unwrap();
    for other in &others[..1_000] {
        ask(&suite, *other, *bob).await.unwrap();
    }
    assert_eq!(ask(&suite, others[1_000], *bob).await, Err(Reason::ContactsFull));
    assert_eq!(ask(&suite, others[0], *bob).await, Ok(false), "who waits already may ask again");
    decide(&suite, *bob, others[7], false).await.unwrap();
    assert_eq!(ask(&suite, others[1_000], *bob).await, Ok(false));
}

async fn pages_follow_ascending_ids_whatever_is_added_meanwhile(suite: Suite) {
    let users = suite.many_users(6).await;
    let ann = users[0];
    for contact in [users[5], users[1], users[3]] {
        add(&suite, ann, contact).await.unwrap();
    }
    let first = page(&suite, ann, 2, "").await;
    assert_eq!(first.contacts.iter().map(|contact| contact.user_id).collect::<Vec<_>>(), [users[1], users[3]]);
    // One before the cursor, one after it.
    add(&suite, ann, users[2]).await.unwrap();
    add(&suite, ann, users[4]).await.unwrap();
    let last = page(&suite, ann, 2, &first.next_page_token).await;
    assert_eq!(last.contacts.iter().map(|contact| contact.user_id).collect::<Vec<_>>(), [users[4], users[5]]);
    assert_eq!(last.next_page_token, "");
    for (size, token) in [(-1, ""), (2, "x"), (2, "-1")] {
        let request = pb::ListContactsRequest { user_id: Some(ann), page_size: size, page_token: token.to_owned() };
        let refused = of(suite.directory.list_contacts(by(By::App, request))).await;
        assert_eq!(refused.unwrap_err(), Reason::InvalidArgument, "{size} {token}");
    }
}

async fn ten_thousand_contacts_are_read_in_pages(suite: Suite) {
    let users = suite.many_users(10_001).await;
    let (ann, others) = users.split_first().unwrap();
    for some in others.chunks(600) {
        let request =
            pb::ImportContactsRequest { user_id: Some(*ann), contacts: some.iter().map(|user| id(*user)).collect() };
        of(suite.directory.import_contacts(by(By::App, request))).await.unwrap();
    }
    let (mut read, mut token) = (Vec::new(), String::new());
    loop {
        let next = page(&suite, *ann, 1_000, &token).await;
        assert_eq!(next.contacts.len(), 1_000);
        read.extend(next.contacts.into_iter().map(|contact| contact.user_id));
        token = next.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(read, others);
    assert_eq!(add(&suite, *ann, suite.register("late", "").await.unwrap().id).await, Err(Reason::ContactsFull));
    suite.delete_user(id(*ann)).await.unwrap();
    assert_eq!((suite.count("contact").await, suite.count("contact_total where contacts <> 0").await), (0, 0));
}

async fn a_deleted_user_is_nobodys_contact(suite: Suite) {
    let [ann, bob, carl, dora] = suite.users().await;
    add(&suite, ann, bob).await.unwrap();
    add(&suite, ann, carl).await.unwrap();
    ask(&suite, ann, dora).await.unwrap();
    ask(&suite, dora, bob).await.unwrap();
    suite.delete_user(id(ann)).await.unwrap();
    assert_eq!((contacts(&suite, bob).await, contacts(&suite, carl).await), (vec![], vec![]));
    assert_eq!((waiting(&suite, dora).await, waiting(&suite, bob).await), (vec![], vec![dora]));
    for table in ["contact", "contact_total where contacts <> 0"] {
        assert_eq!(suite.count(table).await, 0, "{table}");
    }
    assert_eq!(decide(&suite, dora, ann, true).await, Err(Reason::UserNotFound));
    assert_totals(&suite).await;
}

async fn strangers_are_named_only_where_that_matters(suite: Suite) {
    let [ann, bob, carl] = suite.users().await;
    add(&suite, ann, bob).await.unwrap();
    let strangers = async |contacts_only| {
        let request = internal::BlockedByRequest { user_id: Some(ann), by_ids: vec![ann, bob, carl], contacts_only };
        of(suite.directory.blocked_by(by(By::App, request))).await.unwrap().stranger_ids
    };
    assert_eq!(strangers(true).await, [carl]);
    assert_eq!(strangers(false).await, [0; 0]);
}

async fn two_who_ask_each_other_at_once_are_contacts(suite: Suite) {
    let [ann, bob] = suite.users().await;
    let other = suite.other_process();
    let request = |contact_id| pb::RequestContactRequest { contact_id, ..Default::default() };
    let (one, two) = tokio::join!(
        suite.directory.request_contact(by(By::User(ann), request(bob))),
        other.request_contact(by(By::User(bob), request(ann))),
    );
    assert!(one.unwrap().into_inner().added != two.unwrap().into_inner().added);
    assert_eq!((contacts(&suite, ann).await, contacts(&suite, bob).await), (vec![bob], vec![ann]));
    assert_totals(&suite).await;
}

async fn imports_of_each_other_at_once_end_well(suite: Suite) {
    let users = suite.many_users(8).await;
    let other = suite.other_process();
    let request = |user: i64| pb::ImportContactsRequest {
        user_id: Some(user),
        contacts: users.iter().rev().filter(|contact| **contact != user).map(|contact| id(*contact)).collect(),
    };
    let mut calls = tokio::task::JoinSet::new();
    for (n, user) in users.iter().enumerate() {
        let directory = if n % 2 == 0 { suite.directory.clone() } else { other.clone() };
        let request = by(By::App, request(*user));
        calls.spawn(async move { directory.import_contacts(request).await });
    }
    for reply in calls.join_all().await {
        assert!(reply.unwrap().into_inner().results.iter().all(|result| result.reason.is_empty()));
    }
    assert_eq!(suite.count("contact").await, 8 * 7);
    assert_eq!(logged(&suite, "contact.added").await, 8 * 7 / 2, "each pair once");
    assert_totals(&suite).await;
}

on_both_engines!(
    the_app_adds_contacts_on_both_sides_and_either_ends_it,
    a_request_waits_until_it_is_decided,
    who_is_asked_by_whom_they_asked_becomes_a_contact_at_once,
    a_request_is_gone_after_30_days,
    who_is_blocked_cannot_ask_and_stays_a_contact,
    users_change_and_see_only_what_is_theirs,
    only_registered_others_can_be_contacts,
    notes_on_a_contact_are_ones_own,
    an_import_says_what_became_of_each,
    a_list_has_as_many_contacts_as_the_policy_allows,
    no_more_than_1000_requests_wait_for_a_user,
    pages_follow_ascending_ids_whatever_is_added_meanwhile,
    a_deleted_user_is_nobodys_contact,
    ten_thousand_contacts_are_read_in_pages,
    strangers_are_named_only_where_that_matters,
    two_who_ask_each_other_at_once_are_contacts,
    imports_of_each_other_at_once_end_well,
);
