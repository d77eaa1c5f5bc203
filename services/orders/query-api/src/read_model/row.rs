use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    document::{Cancellation, DeliveryAddress, Order, OrderLine, Status},
    parked::Parked,
};

/// A row beside which the checkpoints stand, so that there is a row also where there is no order.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) partitions: Vec<i32>,
    pub(super) next_offsets: Vec<i64>,
    /// Beside each partition, its first parked offset.
    pub(super) parked: Vec<Option<i64>>,
    pub(super) order_id: Option<Uuid>,
    pub(super) version: Option<i64>,
    pub(super) status: Option<Status>,
    pub(super) customer_id: Option<String>,
    pub(super) currency: Option<String>,
    pub(super) total_minor: Option<i64>,
    pub(super) lines: Option<Json<Vec<OrderLine>>>,
    pub(super) delivery_name: Option<String>,
    pub(super) delivery_street: Option<String>,
    pub(super) delivery_postal_code: Option<String>,
    pub(super) delivery_city: Option<String>,
    pub(super) delivery_country: Option<String>,
    pub(super) cancellation_reason: Option<String>,
    pub(super) placed_at: Option<OffsetDateTime>,
    pub(super) updated_at: Option<OffsetDateTime>,
    pub(super) cancelled_at: Option<OffsetDateTime>,
}

impl Row {
    /// The checkpoints: partitions and their next offsets.
    pub(super) fn offsets(&self) -> projection::PartitionOffsets {
        self.partitions.iter().copied().zip(self.next_offsets.iter().copied()).collect()
    }

    /// What is parked in those partitions.
    pub(super) fn parked(&self) -> Parked {
        let first = self.partitions.iter().zip(&self.parked);
        Parked(first.filter_map(|(partition, offset)| Some((*partition, (*offset)?))).collect())
    }

    /// The order, if this row has one: then all of its columns are there.
    pub(super) fn into_order(self) -> Option<Order> {
        Some(Order {
            order_id: self.order_id?,
            version: self.version?,
            status: self.status?,
            customer_id: self.customer_id?,
            currency: self.currency?,
            total_minor: self.total_minor?,
            lines: self.lines.map(|lines| lines.0).unwrap_or_default(),
            delivery_address: DeliveryAddress {
                name: self.delivery_name?,
                street: self.delivery_street?,
                postal_code: self.delivery_postal_code?,
                city: self.delivery_city?,
                country: self.delivery_country?,
            },
            placed_at: self.placed_at?,
            updated_at: self.updated_at?,
            cancellation: self
                .cancellation_reason
                .zip(self.cancelled_at)
                .map(|(reason, cancelled_at)| Cancellation { reason, cancelled_at }),
        })
    }
}
