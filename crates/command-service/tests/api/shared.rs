//! Instances that the tests share. Each test uses its own aggregates and does not change the instances.

use std::sync::LazyLock;

use event_log::{ClientSettings, Owners, Topics, follow_owners, partition_of};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use test_kit::eventually;
use tokio::{
    runtime::Runtime,
    sync::{OnceCell, watch},
    task::spawn_blocking,
};
use uuid::Uuid;

use crate::{
    account::{ACCOUNTS, routes},
    environment::{PARTITIONS, prepared, shards},
    instance::Instance,
};

/// A runtime that outlives the tests. The runtime of a test ends with it.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// The metrics of this process, available once an instance has started.
pub(crate) static METRICS: LazyLock<PrometheusHandle> =
    LazyLock::new(|| PrometheusBuilder::new().install_recorder().unwrap());

async fn on_shared_runtime<F: Future<Output: Send + 'static> + 'static>(start: fn() -> F) -> F::Output {
    LazyLock::force(&METRICS);
    spawn_blocking(move || RUNTIME.block_on(start())).await.unwrap()
}

/// A single instance of the accounts.
pub(crate) async fn api() -> &'static Instance {
    static API: OnceCell<Instance> = OnceCell::const_new();
    API.get_or_init(|| on_shared_runtime(|| Instance::ready(&ACCOUNTS, routes()))).await
}

/// Two instances of the accounts, each of which owns one shard.
pub(crate) struct Pair {
    pub(crate) instances: [Instance; 2],
    owners: watch::Receiver<Owners>,
}

/// Two instances that share the shards.
pub(crate) async fn pair() -> &'static Pair {
    static PAIR: OnceCell<Pair> = OnceCell::const_new();
    PAIR.get_or_init(|| on_shared_runtime(Pair::ready)).await
}

impl Pair {
    pub(crate) async fn ready() -> Self {
        let environment = prepared(&ACCOUNTS).await;
        let one = Instance::start(environment.clone(), &ACCOUNTS, routes()).await;
        let other = Instance::start(environment.clone(), &ACCOUNTS, routes()).await;
        for instance in [&one, &other] {
            instance.until_ready().await;
        }
        let client = ClientSettings { brokers: environment.servers.brokers.clone() };
        let topics = Topics::new(&environment.topic_prefix, ACCOUNTS.name);
        let owners = follow_owners(&client, &topics).unwrap();
        eventually("each instance owns a shard", || async {
            let owners = owners.borrow();
            let is_owner =
                |instance: &Instance| owners.iter().any(|(_, owner)| owner.address == instance.address);
            is_owner(&one) && is_owner(&other)
        })
        .await;
        Self { instances: [one, other], owners }
    }

    /// A new id of an account whose shard this instance owns.
    pub(crate) fn id_owned_by(&self, instance: &Instance) -> Uuid {
        self.id(|owner| owner == instance.address)
    }

    /// A new id of an account whose shard the other instance owns.
    pub(crate) fn id_not_owned_by(&self, instance: &Instance) -> Uuid {
        self.id(|owner| owner != instance.address)
    }

    fn id(&self, is_wanted: impl Fn(&str) -> bool) -> Uuid {
        let owners = self.owners.borrow();
        let shard = |id: Uuid| shards().shard_of(partition_of(&id.into(), PARTITIONS));
        let owner = |id: &Uuid| &owners.get(shard(*id)).unwrap().address;
        std::iter::repeat_with(Uuid::now_v7).find(|id| is_wanted(owner(id))).unwrap()
    }
}
