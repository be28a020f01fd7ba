//! How many connections of a pool are in use.

use sqlx::{Database, Pool};

/// The connections of one pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolUse {
    /// What the pool is for.
    pub name: &'static str,
    /// Open connections in use.
    pub used: u32,
    /// Idle open connections.
    pub idle: u32,
    /// Maximum number of open connections.
    pub most: u32,
}

impl PoolUse {
    /// The state of a pool. Others keep `rested` of its connections for the next caller: they are idle, too.
    pub(crate) fn of<D: Database>(name: &'static str, pool: &Pool<D>, rested: usize) -> Self {
        let open = pool.size();
        // Read one after the other, while they change.
        let idle = u32::try_from(pool.num_idle() + rested).unwrap_or(u32::MAX).min(open);
        Self { name, used: open - idle, idle, most: pool.options().get_max_connections() }
    }
}
