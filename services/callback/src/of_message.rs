//! The deliveries of one message, for an operator.

use tidings_domain::{AppId, Error, MsgId, UnixMillis};
use tidings_store::Db;

use crate::{
    model::State,
    store::delivery::{self, DeliveryFilter},
};

/// Deliveries that are listed at most.
const MOST: i64 = 200;

/// A delivery of an event of the message.
#[derive(Debug)]
pub struct DeliveryOfMessage {
    /// Its id.
    pub id: i64,
    /// The endpoint.
    pub endpoint: i64,
    /// The event's name.
    pub event: String,
    /// waiting, delivered or dead.
    pub state: &'static str,
    /// When it is tried next, or was done.
    pub at: UnixMillis,
    /// When it was tried, for how many milliseconds, the status (0: no response), and the beginning of the response or
    /// why there was none.
    pub attempts: Vec<(UnixMillis, i64, u16, String)>,
}

/// The deliveries of a message, newest first.
pub async fn deliveries_of(db: &Db, app: AppId, msg_id: MsgId) -> Result<Vec<DeliveryOfMessage>, Error> {
    let filter = DeliveryFilter { msg_id: msg_id.0, ..DeliveryFilter::default() };
    let (deliveries, _) = delivery::list(db, app, filter, MOST).await?;
    let of = |delivery: crate::model::Delivery| DeliveryOfMessage {
        id: delivery.id,
        endpoint: delivery.endpoint,
        event: delivery.new.event,
        state: match delivery.state {
            State::Waiting => "waiting",
            State::Delivered => "delivered",
            State::Dead => "dead",
        },
        at: delivery.at,
        attempts: delivery.attempts.into_iter().map(|it| (UnixMillis(it.at), it.ms, it.status, it.answer)).collect(),
    };
    Ok(deliveries.into_iter().map(of).collect())
}
