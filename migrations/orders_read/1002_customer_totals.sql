-- What each customer has ordered, by currency: a fold of the orders' events, which can be rebuilt from the log at any time.
-- A customer's orders are in several partitions. Projectors only ever add to these rows, so the order in which they do
-- does not matter.
CREATE TABLE customer_totals (
    customer_id      text        NOT NULL,
    currency         text        NOT NULL,
    orders_placed    bigint      NOT NULL CHECK (orders_placed >= 0),
    orders_cancelled bigint      NOT NULL CHECK (orders_cancelled >= 0),
    placed_minor     bigint      NOT NULL,
    cancelled_minor  bigint      NOT NULL,
    first_order_at   timestamptz NOT NULL,
    last_order_at    timestamptz NOT NULL,
    PRIMARY KEY (customer_id, currency)
)
-- No update changes an indexed column; free space on the page keeps them in place (HOT).
WITH (fillfactor = 90);

-- A cancellation names neither the customer nor the amount; they are looked up here. The row of a cancelled order is deleted.
CREATE TABLE customer_open_orders (
    order_id    uuid        PRIMARY KEY,
    customer_id text        NOT NULL,
    currency    text        NOT NULL,
    total_minor bigint      NOT NULL,
    placed_at   timestamptz NOT NULL
);

COMMENT ON TABLE customer_totals IS 'One row per customer and currency: what they have ordered up to the checkpoints';
COMMENT ON COLUMN customer_totals.customer_id IS 'Who ordered';
COMMENT ON COLUMN customer_totals.currency IS 'The currency of every amount (ISO 4217)';
COMMENT ON COLUMN customer_totals.orders_placed IS 'How many orders were placed, cancelled ones too';
COMMENT ON COLUMN customer_totals.orders_cancelled IS 'How many of them were cancelled';
COMMENT ON COLUMN customer_totals.placed_minor IS 'The sum of all orders placed, cancelled ones too, in minor units of the currency';
COMMENT ON COLUMN customer_totals.cancelled_minor IS 'The sum of all orders cancelled, in minor units of the currency';
COMMENT ON COLUMN customer_totals.first_order_at IS 'When the first order was placed: ce_time of that event';
COMMENT ON COLUMN customer_totals.last_order_at IS 'When the last order was placed: ce_time of that event';
COMMENT ON TABLE customer_open_orders IS 'Orders that count for a customer and can still be cancelled; customer_totals looks them up';
COMMENT ON COLUMN customer_open_orders.order_id IS 'The order''s id: the key of its events';
COMMENT ON COLUMN customer_open_orders.customer_id IS 'Who ordered';
COMMENT ON COLUMN customer_open_orders.currency IS 'The currency of the amount (ISO 4217)';
COMMENT ON COLUMN customer_open_orders.total_minor IS 'The sum over all lines, in minor units of the currency';
COMMENT ON COLUMN customer_open_orders.placed_at IS 'When it was placed: ce_time of that event';

SELECT open_to_analysts('customer_totals');
SELECT open_to_analysts('customer_open_orders');
