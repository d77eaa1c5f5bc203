//! Two instances that are restarted one after the other, under load.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures_util::future::join_all;
use test_kit::eventually;
use tokio::{sync::mpsc, time::sleep};
use uuid::Uuid;

use crate::support::{Answer, Api, order, try_send};

/// Where a caller may send its requests: the instances' addresses stay the same when they are restarted.
struct Door {
    http: reqwest::Client,
    urls: [String; 2],
}

impl Door {
    /// Places an order as a caller does who wants it done: whatever may be tried again is, at the other instance.
    async fn place(&self, caller: usize) -> Answer {
        let key = Uuid::new_v4().to_string();
        for attempt in caller.. {
            let url = format!("{}/orders", self.urls[attempt % 2]);
            match try_send(self.http.post(url).json(&order()).header("idempotency-key", &key)).await {
                Ok(answer) if answer.status == 201 => return answer,
                Ok(answer) => assert_eq!(
                    (answer.status.as_u16(), answer.header("retry-after")),
                    (503, "1"),
                    "{}",
                    answer.text
                ),
                // The instance is gone, or was while it had the request.
                Err(_) => {}
            }
            sleep(Duration::from_millis(20)).await;
        }
        unreachable!("it is tried for ever");
    }
}

async fn place_until(
    door: &Door,
    caller: usize,
    enough: &AtomicBool,
    done: mpsc::UnboundedSender<()>,
) -> Vec<Answer> {
    let mut placed = Vec::new();
    while !enough.load(Ordering::Relaxed) {
        placed.push(door.place(caller).await);
        done.send(()).unwrap();
    }
    placed
}

#[tokio::test]
async fn a_rolling_restart_loses_and_doubles_nothing_and_fails_nobody_who_tries_again() {
    let mut both = Api::two().await;
    let door =
        Door { http: reqwest::Client::new(), urls: both.each_ref().map(|api| api.service.url.clone()) };
    let (done, mut is_done) = mpsc::unbounded_channel();
    let enough = AtomicBool::new(false);
    let callers = join_all((0..16).map(|caller| place_until(&door, caller, &enough, done.clone())));
    let restarts = async {
        for index in [0, 1, 0, 1] {
            for _ in 0..200 {
                is_done.recv().await.unwrap();
            }
            both[index].service.signal("TERM");
            assert!(both[index].service.ended().await.success(), "{}", both[index].service.log());
            both[index].service.restart();
            both[index].service.until_ready().await;
            while is_done.try_recv().is_ok() {}
        }
        enough.store(true, Ordering::Relaxed);
    };
    let (placed, ()) = tokio::join!(callers, restarts);
    let mut placed: Vec<_> = placed.iter().flatten().map(|answer| answer.order_id().to_string()).collect();
    let mut seen: Vec<_> = both[0].seen().into_iter().map(|event| event.key).collect();
    placed.sort();
    seen.sort();
    assert_eq!(seen, placed);
    both[0].assert_no_version_is_missing();
    eventually("every instance is ready", || async {
        both[0].service.is_ready().await && both[1].service.is_ready().await
    })
    .await;
}
