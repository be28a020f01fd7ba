//! Who is connected, and to which groups and rooms they belong.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    sync::Arc,
};

use tidings_domain::{MsgId, UserId};

use super::{recipients::Recipients, session::Session};

/// The sessions of one app at this gateway.
#[derive(Default)]
pub(super) struct Table {
    users: HashMap<UserId, HashMap<u64, Arc<Session>>>,
    /// Members with a session, by group or room, with the place in its history where they joined.
    members: HashMap<i64, HashMap<UserId, MsgId>>,
    /// The groups and rooms of each user with a session.
    groups: HashMap<UserId, HashSet<i64>>,
    /// Sessions that are yet to enter their user's groups and rooms, with those that the user left meanwhile.
    entering: HashMap<u64, HashSet<i64>>,
}

impl Table {
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// Adds a session: from now on it gets what concerns its user.
    pub fn add(&mut self, session: &Arc<Session>) {
        self.users.entry(session.user).or_default().insert(session.id, Arc::clone(session));
        self.entering.insert(session.id, HashSet::new());
    }

    /// The user of a session is in these groups and rooms, as was read after it was added.
    pub fn enter(&mut self, session: &Session, groups: impl IntoIterator<Item = (i64, MsgId)>) {
        let Some(left) = self.entering.remove(&session.id) else { return };
        for (group, joined) in groups {
            if !left.contains(&group) {
                self.join(session.user, group, joined);
            }
        }
    }

    /// A user is in a group or room from now on. Messages up to `joined` are older.
    pub fn join(&mut self, user: UserId, group: i64, joined: MsgId) {
        let Some(sessions) = self.users.get(&user) else { return };
        for id in sessions.keys() {
            if let Some(left) = self.entering.get_mut(id) {
                left.remove(&group);
            }
        }
        let known = self.members.entry(group).or_default().entry(user).or_insert(joined);
        *known = joined.max(*known);
        self.groups.entry(user).or_default().insert(group);
    }

    /// A user has left a group or room.
    pub fn leave(&mut self, user: UserId, group: i64) {
        for id in self.users.get(&user).into_iter().flat_map(HashMap::keys) {
            if let Some(left) = self.entering.get_mut(id) {
                left.insert(group);
            }
        }
        remove_member(&mut self.members, group, user);
        remove(&mut self.groups, user, &group);
    }

    /// A group or room has ended.
    pub fn end(&mut self, group: i64) {
        for user in self.members.remove(&group).unwrap_or_default().into_keys() {
            remove(&mut self.groups, user, &group);
        }
    }

    /// Removes a session.
    pub fn remove(&mut self, session: &Session) {
        let Some(of_user) = self.users.get_mut(&session.user) else { return };
        of_user.remove(&session.id);
        self.entering.remove(&session.id);
        if of_user.is_empty() {
            self.users.remove(&session.user);
            for group in self.groups.remove(&session.user).unwrap_or_default() {
                remove_member(&mut self.members, group, session.user);
            }
        }
    }

    /// The sessions that get an event.
    pub fn sessions<'a>(&'a self, of: &'a Recipients) -> Box<dyn Iterator<Item = &'a Arc<Session>> + 'a> {
        match of {
            Recipients::Nobody => Box::new(std::iter::empty()),
            Recipients::Users(users) => {
                let users: HashSet<UserId> = users.iter().copied().collect();
                Box::new(users.into_iter().flat_map(|user| self.of_user(user)))
            }
            Recipients::Members(group, without) => {
                let members = self.members.get(group).into_iter().flat_map(HashMap::keys);
                let members = members.filter(move |user| Some(**user) != *without);
                Box::new(members.flat_map(|user| self.of_user(*user)))
            }
            Recipients::MembersAnd(group, also) => {
                let members = self.members.get(group);
                let others = also.iter().filter(move |user| members.is_none_or(|members| !members.contains_key(user)));
                let all: HashSet<UserId> = members.into_iter().flat_map(HashMap::keys).chain(others).copied().collect();
                Box::new(all.into_iter().flat_map(|user| self.of_user(user)))
            }
            Recipients::Everybody => Box::new(self.users.values().flat_map(HashMap::values)),
        }
    }

    /// Whether a message of a group or room is older than the membership of that user, or of any without one.
    pub fn is_from_before(&self, user: Option<UserId>, group: i64, msg_id: MsgId) -> bool {
        let Some(members) = self.members.get(&group) else { return false };
        match user {
            Some(user) => members.get(&user).is_some_and(|joined| msg_id <= *joined),
            None => members.values().any(|joined| msg_id <= *joined),
        }
    }

    /// The sessions of a user.
    pub fn of_user(&self, user: UserId) -> impl Iterator<Item = &Arc<Session>> {
        self.users.get(&user).into_iter().flat_map(HashMap::values)
    }

    /// Every session.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Session>> {
        self.users.values().flat_map(HashMap::values)
    }
}

fn remove_member(members: &mut HashMap<i64, HashMap<UserId, MsgId>>, group: i64, user: UserId) {
    if let Entry::Occupied(mut found) = members.entry(group) {
        found.get_mut().remove(&user);
        if found.get().is_empty() {
            found.remove();
        }
    }
}

fn remove<K: std::hash::Hash + Eq, V: std::hash::Hash + Eq>(map: &mut HashMap<K, HashSet<V>>, key: K, value: &V) {
    if let Entry::Occupied(mut found) = map.entry(key) {
        found.get_mut().remove(value);
        if found.get().is_empty() {
            found.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use tidings_domain::UnixMillis;

    use super::*;

    fn new(id: u64, user: i64) -> Arc<Session> {
        Session::new(id, UserId(user), None, UnixMillis(0)).0
    }

    const fn joined(group: i64) -> (i64, MsgId) {
        (group, MsgId::ZERO)
    }

    #[test]
    fn members_with_sessions_get_what_happens_in_their_groups_and_nothing_is_left_behind() {
        let mut table = Table::default();
        let sessions = [(1, 16), (2, 16), (3, 32)].map(|(id, user)| new(id, user));
        for session in &sessions {
            table.add(session);
        }
        table.enter(&sessions[0], [joined(17), joined(33)]);
        table.enter(&sessions[1], [joined(17)]);
        table.enter(&sessions[2], [joined(17)]);
        table.join(UserId(48), 17, MsgId::ZERO);
        let ids = |table: &Table, of: Recipients| {
            let mut ids: Vec<u64> = table.sessions(&of).map(|session| session.id).collect();
            ids.sort_unstable();
            ids
        };
        assert_eq!(ids(&table, Recipients::Members(17, None)), [1, 2, 3]);
        assert_eq!(ids(&table, Recipients::Members(17, Some(UserId(16)))), [3]);
        assert_eq!(ids(&table, Recipients::Users(vec![UserId(16), UserId(48)])), [1, 2]);
        table.leave(UserId(16), 17);
        assert_eq!(ids(&table, Recipients::Members(17, None)), [3]);
        table.remove(&sessions[0]);
        assert_eq!(ids(&table, Recipients::Members(33, None)), [2]);
        table.end(33);
        for session in &sessions[1..] {
            table.remove(session);
        }
        assert!(table.users.is_empty() && table.members.is_empty() && table.groups.is_empty());
        assert!(table.entering.is_empty());
    }

    #[test]
    fn what_was_said_before_the_newest_time_that_a_user_joined_is_older_than_their_membership() {
        let mut table = Table::default();
        let sessions = [new(1, 16), new(2, 32)];
        for session in &sessions {
            table.add(session);
        }
        table.enter(&sessions[0], [(17, MsgId(100))]);
        let is_older = |table: &Table, user: i64, msg_id| table.is_from_before(Some(UserId(user)), 17, MsgId(msg_id));
        assert!(is_older(&table, 16, 100) && !is_older(&table, 16, 101) && !is_older(&table, 32, 100));
        assert!(table.is_from_before(None, 17, MsgId(100)) && !table.is_from_before(None, 17, MsgId(101)));
        table.join(UserId(16), 17, MsgId(200));
        assert!(is_older(&table, 16, 101));
        table.leave(UserId(16), 17);
        table.join(UserId(16), 17, MsgId(50));
        assert!(is_older(&table, 16, 50) && !is_older(&table, 16, 51));
    }

    #[test]
    fn a_group_that_is_left_while_its_members_are_read_is_not_entered() {
        let mut table = Table::default();
        let session = new(1, 16);
        table.add(&session);
        table.leave(UserId(16), 17);
        table.leave(UserId(16), 33);
        table.join(UserId(16), 33, MsgId::ZERO);
        table.enter(&session, [joined(17), joined(33)]);
        assert_eq!(table.sessions(&Recipients::Members(17, None)).count(), 0);
        assert_eq!(table.sessions(&Recipients::Members(33, None)).count(), 1);
    }
}
