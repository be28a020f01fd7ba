//! The connection to the broker. The library reconnects forever; the task ends if the library gives up.

use std::{future::Future, sync::Arc, time::Duration};

use async_nats::{Client, Event, Subscriber, connection::State};
use bytes::Bytes;
use futures_util::{StreamExt as _, future::select_all};
use tidings_runtime::{
    Bus as _, LocalBus,
    metrics::{DroppedHints, metrics},
};
use tokio::time::{sleep, timeout};

use crate::{
    Settings, Topic,
    connectivity::Connectivity,
    outbox::Outbox,
    wire::{read, written},
};

/// The pause after hints were published: those that are published meanwhile go together.
const GATHER: Duration = Duration::from_millis(3);
/// How long the library may take to accept a message, which it then writes in the background.
const ACCEPT: Duration = Duration::from_millis(100);
/// Messages that wait in the library, in each direction.
const MOST_WAITING: usize = 256;

/// The parts of one process's link.
#[derive(Debug)]
pub(crate) struct Link {
    pub settings: Settings,
    pub topics: Vec<Topic>,
    pub here: LocalBus,
    pub outbox: Arc<Outbox>,
    pub connectivity: Arc<Connectivity>,
}

/// Passes hints on in both directions until the library gives up.
pub(crate) async fn run(link: Arc<Link>) {
    let why = match connect(&link).await {
        Ok((client, subscribers)) => tokio::select! {
            () = publish(&link, &client) => "the client does not accept messages",
            () = receive(&link, subscribers) => "a subscription ended",
        },
        Err(why) => why,
    };
    link.connectivity.down(why);
}

/// Returns at once; the library connects in the background.
async fn connect(link: &Link) -> Result<(Client, Vec<(Topic, Subscriber)>), &'static str> {
    let connectivity = Arc::clone(&link.connectivity);
    let client = link
        .settings
        .options()
        .retry_on_initial_connect()
        .max_reconnects(None)
        .client_capacity(MOST_WAITING)
        .subscription_capacity(MOST_WAITING)
        .event_callback(move |event| note(Arc::clone(&connectivity), event))
        .connect(link.settings.server())
        .await
        .map_err(|_| "the client does not start")?;
    let mut subscribers = Vec::new();
    for topic in &link.topics {
        let subscriber = client.subscribe(topic.subject(&link.settings.prefix)).await;
        subscribers.push((*topic, subscriber.map_err(|_| "the client does not accept subscriptions")?));
    }
    Ok((client, subscribers))
}

fn note(connectivity: Arc<Connectivity>, event: Event) -> impl Future<Output = ()> {
    match event {
        Event::Connected => connectivity.up(),
        Event::Disconnected | Event::Closed => connectivity.down("the connection was closed"),
        Event::ClientError(error) => connectivity.down(&error.to_string()),
        Event::SlowConsumer(_) => metrics().bus.dropped(DroppedHints::Slow, 1),
        Event::ServerError(error) => connectivity.refuses(&error.to_string()),
        Event::LameDuckMode | Event::Draining => {}
    }
    std::future::ready(())
}

async fn publish(link: &Link, client: &Client) {
    loop {
        let hints = link.outbox.take().await;
        for (topic, text, count) in written(&hints) {
            // In an outage they would only wait, and be old.
            if client.connection_state() != State::Connected {
                metrics().bus.dropped(DroppedHints::Disconnected, count);
                continue;
            }
            let accepted = client.publish(topic.subject(&link.settings.prefix), Bytes::from(text));
            match timeout(ACCEPT, accepted).await {
                Ok(Ok(())) => metrics().bus.published(count),
                Ok(Err(_)) => return,
                Err(_) => metrics().bus.dropped(DroppedHints::Slow, count),
            }
        }
        sleep(GATHER).await;
    }
}

async fn receive(link: &Link, subscribers: Vec<(Topic, Subscriber)>) {
    let each = subscribers.into_iter().map(|(topic, mut subscriber)| {
        Box::pin(async move {
            while let Some(message) = subscriber.next().await {
                let Some(hints) = read(topic, &message.payload) else {
                    metrics().bus.dropped(DroppedHints::Invalid, 1);
                    continue;
                };
                metrics().bus.received(hints.len() as u64);
                for hint in hints {
                    link.here.publish(hint);
                }
            }
        })
    });
    select_all(each).await;
}
