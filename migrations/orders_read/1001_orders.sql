-- The read model of orders: a fold of their events, which can be rebuilt from the log at any time.
CREATE TABLE orders (
    order_id             uuid        PRIMARY KEY,
    version              bigint      NOT NULL CHECK (version > 0),
    status               text        NOT NULL CHECK (status IN ('placed', 'cancelled')),
    customer_id          text        NOT NULL,
    currency             text        NOT NULL,
    total_minor          bigint      NOT NULL,
    delivery_name        text        NOT NULL,
    delivery_street      text        NOT NULL,
    delivery_postal_code text        NOT NULL,
    delivery_city        text        NOT NULL,
    delivery_country     text        NOT NULL,
    cancellation_reason  text,
    placed_at            timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,
    cancelled_at         timestamptz,
    CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL)),
    CHECK ((status = 'cancelled') = (cancellation_reason IS NOT NULL))
)
-- Most updates change no indexed column; free space on the page keeps them in place (HOT).
WITH (fillfactor = 90);

-- Lists go from the newest to the oldest order and continue after (placed_at, order_id): every page is an index scan.
CREATE INDEX orders_by_time ON orders (placed_at, order_id);
CREATE INDEX orders_by_customer ON orders (customer_id, placed_at, order_id);
-- Most orders are 'placed', so an index on the status would be as large as the table and of no use. The few cancelled
-- ones have an index of their own, which placing an order does not touch.
CREATE INDEX orders_cancelled ON orders (placed_at, order_id) WHERE status = 'cancelled';

-- No foreign key: it would cost a look-up for every line, and an order and its lines are written in one transaction.
CREATE TABLE order_lines (
    order_id         uuid    NOT NULL,
    line_number      integer NOT NULL CHECK (line_number > 0),
    sku              text    NOT NULL,
    quantity         integer NOT NULL CHECK (quantity > 0),
    unit_price_minor bigint  NOT NULL,
    PRIMARY KEY (order_id, line_number)
);

COMMENT ON TABLE orders IS 'One row per order, folded from its events up to the checkpoint';
COMMENT ON COLUMN orders.order_id IS 'The order''s id: the key of its events';
COMMENT ON COLUMN orders.version IS 'The number of events applied: 1, 2, 3 without gaps';
COMMENT ON COLUMN orders.status IS 'placed or cancelled';
COMMENT ON COLUMN orders.customer_id IS 'Who ordered';
COMMENT ON COLUMN orders.currency IS 'The currency of every amount (ISO 4217)';
COMMENT ON COLUMN orders.total_minor IS 'The sum over all lines, in minor units of the currency';
COMMENT ON COLUMN orders.delivery_name IS 'Who receives it. Personal data';
COMMENT ON COLUMN orders.delivery_street IS 'Street and house number. Personal data';
COMMENT ON COLUMN orders.delivery_postal_code IS 'The postal code as the country writes it. Personal data';
COMMENT ON COLUMN orders.delivery_city IS 'City or town. Personal data';
COMMENT ON COLUMN orders.delivery_country IS 'Country (ISO 3166-1 alpha-2)';
COMMENT ON COLUMN orders.cancellation_reason IS 'Why it was cancelled, in the words of who cancelled it. It may hold personal data';
COMMENT ON COLUMN orders.placed_at IS 'When it was placed: ce_time of its first event';
COMMENT ON COLUMN orders.updated_at IS 'When it last changed: ce_time of its last event';
COMMENT ON COLUMN orders.cancelled_at IS 'When it was cancelled: ce_time of that event';
COMMENT ON TABLE order_lines IS 'What was ordered; written once, together with the order';
COMMENT ON COLUMN order_lines.order_id IS 'The order';
COMMENT ON COLUMN order_lines.line_number IS 'The number of the line in the order, from 1';
COMMENT ON COLUMN order_lines.sku IS 'The product (stock keeping unit)';
COMMENT ON COLUMN order_lines.quantity IS 'How many of it';
COMMENT ON COLUMN order_lines.unit_price_minor IS 'The price of one unit, in minor units of the order''s currency';

SELECT open_to_analysts('orders');
SELECT open_to_analysts('order_lines');
