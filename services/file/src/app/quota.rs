//! Daily upload quotas, per user and for the app with all of its users.
//!
//! Quotas are enforced in the transaction that publishes a file, so concurrent uploads, restarts and other processes
//! make no difference. What is known before the first byte is checked before the first byte.

use tidings_domain::{App, Error, Policy, Reason, UnixMillis, UserId};
use tidings_store::Tx;

use super::Core;
use crate::store::upload_count::{self, Uploaded, Which};

const DAY: i64 = 24 * 3_600_000;

/// A quota: the names and values of its policy; 0 is unlimited.
#[derive(Debug, Clone, Copy)]
struct Quota {
    /// The owner; [`UserId::ADMIN`] is the app with all its users together.
    user: UserId,
    files: (&'static str, u64),
    bytes: (&'static str, u64),
}

/// The quotas of an upload of that owner: a user's own, then the app's. Rows are locked in this order.
fn quotas(policy: &Policy, owner: UserId) -> impl Iterator<Item = Quota> {
    let of_user = Quota {
        user: owner,
        files: ("user_upload_files_per_day", policy.user_upload_files_per_day),
        bytes: ("user_upload_bytes_per_day", policy.user_upload_bytes_per_day),
    };
    let of_app = Quota {
        user: UserId::ADMIN,
        files: ("app_upload_files_per_day", policy.app_upload_files_per_day),
        bytes: ("app_upload_bytes_per_day", policy.app_upload_bytes_per_day),
    };
    (owner != UserId::ADMIN).then_some(of_user).into_iter().chain([of_app]).filter(Quota::is_limited)
}

impl Quota {
    const fn is_limited(&self) -> bool {
        self.files.1 > 0 || self.bytes.1 > 0
    }

    /// Refuses more than it allows.
    fn check(&self, uploaded: Uploaded) -> Result<(), Error> {
        for ((name, most), used) in [(self.files, uploaded.files), (self.bytes, uploaded.bytes)] {
            if most > 0 && used > most {
                return Err(Error::new(Reason::UploadQuotaReached, name));
            }
        }
        Ok(())
    }
}

/// The UTC day.
pub const fn day(now: UnixMillis) -> i64 {
    now.0.div_euclid(DAY)
}

const fn which(app: &App, quota: &Quota, now: UnixMillis) -> Which {
    Which { day: day(now), app: app.id, user: quota.user }
}

/// Refuses an upload that certainly exceeds the quota, before its bytes arrive. The minimum is a file of no bytes.
pub async fn check(core: &Core, app: &App, owner: UserId) -> Result<(), Error> {
    for quota in quotas(&app.policy, owner) {
        let uploaded = upload_count::find(&core.deps.db, which(app, &quota, core.deps.clock.now())).await?;
        quota.check(Uploaded { files: uploaded.files + 1, ..uploaded })?;
        if quota.bytes.1 > 0 && uploaded.bytes >= quota.bytes.1 {
            return Err(Error::new(Reason::UploadQuotaReached, quota.bytes.0));
        }
    }
    Ok(())
}

/// Counts a file; an error if it exceeds the quota, and the transaction must not be committed then.
pub async fn count(tx: &mut Tx, app: &App, owner: UserId, bytes: u64, now: UnixMillis) -> Result<(), Error> {
    for quota in quotas(&app.policy, owner) {
        quota.check(upload_count::add(tx, which(app, &quota, now), bytes).await?)?;
    }
    Ok(())
}
