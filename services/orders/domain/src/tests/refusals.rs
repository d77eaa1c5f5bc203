//! The codes, messages and fields of refusals.

use aggregate::Refusal as _;
use serde_json::json;

use crate::Refusal;

#[test]
fn a_refusal_has_a_code_and_a_message_but_no_fields() {
    for (refusal, code, message) in [
        (Refusal::OrderAlreadyPlaced {}, "order-already-placed", "the order has already been placed"),
        (Refusal::OrderNotFound {}, "order-not-found", "there is no such order"),
        (
            Refusal::OrderAlreadyCancelled {},
            "order-already-cancelled",
            "the order has already been cancelled",
        ),
    ] {
        assert_eq!((refusal.code(), refusal.to_string().as_str()), (code, message));
        assert_eq!(serde_json::to_value(&refusal).unwrap(), json!({}), "{code}");
    }
}
