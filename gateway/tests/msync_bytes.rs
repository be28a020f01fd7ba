//! Any bytes are a packet or are refused: parsing them panics never, and what a client can hold is bounded.

use proptest::prelude::*;
use prost::Message as _;
use tidings_dialects::agora::msync::{
    self, Frame,
    pb::{CommSyncUl, Jid, MSync, Meta, MucBody, Provision, RosterBody, msync::Command},
};
use tidings_domain::Policy;

fn read(bytes: &[u8]) {
    if let Ok(Frame::Send(meta)) = msync::parse(bytes) {
        let _ = msync::operation(&meta, &Policy::default());
    }
}

fn packets() -> impl Strategy<Value = Vec<u8>> {
    let any_bytes = || prop::collection::vec(any::<u8>(), 0..200);
    let jid = prop::option::of("[a-z0-9#_@/]{0,20}").prop_map(|name| Jid { name, ..Jid::default() });
    (0_i32..12, any_bytes(), prop::collection::vec(jid, 0..4), any_bytes(), 0_i32..9).prop_map(
        |(ns, payload, jids, auth, operation)| {
            let to = jids.first().cloned();
            let payload = match ns {
                2 => MucBody { muc_id: to.clone(), operation: Some(operation), ..MucBody::default() }.encode_to_vec(),
                3 => RosterBody { to: jids, operation: Some(operation), ..RosterBody::default() }.encode_to_vec(),
                _ => payload,
            };
            let meta = Meta { ns: Some(ns), payload: Some(payload), to, ..Meta::default() };
            let sync = CommSyncUl { meta: Some(meta), ..CommSyncUl::default() }.encode_to_vec();
            let (command, payload) = if ns == 11 {
                let auth_token = Some(String::from_utf8_lossy(&auth).into_owned());
                (Command::Provision, Provision { auth_token, ..Provision::default() }.encode_to_vec())
            } else {
                (Command::Sync, sync)
            };
            MSync { command: Some(command.into()), payload: Some(payload), ..MSync::default() }.encode_to_vec()
        },
    )
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read(&bytes);
    }

    #[test]
    fn packets_that_are_cut_or_changed_are_read_without_a_panic(
        packet in packets(),
        cut in any::<prop::sample::Index>(),
        changed in any::<prop::sample::Index>(),
        to in any::<u8>(),
    ) {
        read(&packet);
        read(&packet[..cut.index(packet.len() + 1)]);
        let mut packet = packet;
        if !packet.is_empty() {
            let place = changed.index(packet.len());
            packet[place] = to;
        }
        read(&packet);
    }
}
