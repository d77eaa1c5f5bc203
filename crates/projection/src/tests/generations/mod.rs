//! Generations from begin to end, on a real Postgres, with tables that the tests fill themselves.

mod beginning;
mod comparing;
mod promoting;
mod shelf;
mod swapping;

use self::shelf::{Filler, Shelf};
