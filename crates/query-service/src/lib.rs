//! A query API but for its routes and SQL.
//!
//! A context brings one function for each query: the route, and one SQL statement that selects what was found together
//! with `read_position(…)`, the place in the log up to which its projection has read. This crate does the rest: it waits
//! for consistency tokens, sets the headers of the answer, cuts lists into pages, and answers history, earlier states and
//! change streams from the journal. It must never show rows as fresher than they are: rows and position are always of one
//! snapshot.

mod answer;
mod changes;
mod docs;
mod document;
mod journal;
mod list;
pub mod openapi;
mod position_body;
mod problems;
mod projection;
mod read_model;
mod read_position;
mod request;
mod settings;

pub use self::{
    answer::Answer,
    changes::{Change, Changes, ChangesFilter, ChangesRequest},
    docs::docs,
    document::Document,
    journal::{
        Fold, HistoryPage, JOURNAL, Journal, JournalEntry, PastEvent, PointInTime, PointInTimeParameters,
    },
    list::{Limit, List, NoFilters, PageParameters},
    position_body::PositionBody,
    projection::{Found, Projection, ReadScope},
    read_model::ReadModel,
    read_position::ReadPosition,
    request::ReadRequest,
    settings::{ChangesSettings, DatabaseSettings, Settings, WaitLimits},
};
