//! Pages of lists (keyset pagination): a limit, a cursor for where the next page begins, and the link to that page.

mod cursor;
mod limit;

pub(crate) use self::cursor::InvalidCursor;
pub use self::limit::Limit;

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, Request, Uri, request::Parts},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use service_kit::{Problem, Query};
use utoipa::IntoParams;

use crate::problems;

/// The requested page of a list. `F` holds the filters, which are all other query parameters; `K` is the key by which
/// the list is sorted.
#[derive(Debug, Clone)]
pub struct List<F, K> {
    /// Which rows are requested.
    pub filters: F,
    /// The key of the last row of the previous page; `None` for the first page.
    pub after: Option<K>,
    limit: Limit,
    /// The path.
    path: String,
    /// The filters as a query string, sorted by name.
    query: String,
}

/// The filters of a list that has none.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoFilters {}

/// The query parameters that select a page.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageParameters {
    /// The maximum number of entries on the page: 1 to 200.
    #[serde(default)]
    #[param(value_type = u32, minimum = 1, maximum = 200, default = 50)]
    limit: Limit,
    /// Where the previous page ended, from its `Link` header.
    cursor: Option<String>,
}

impl<F, K> List<F, K> {
    /// How many rows to select: one more than fits on the page, to find out whether there is a next page.
    pub const fn rows(&self) -> i64 {
        self.limit.rows()
    }

    /// Truncates the rows to a page, and returns whether there are more.
    pub(crate) fn cut<T>(&self, rows: &mut Vec<T>) -> bool {
        self.limit.cut(rows)
    }

    /// Identifies the list that a cursor belongs to.
    fn name(path: &str, query: &str) -> String {
        format!("{path}?{query}")
    }
}

impl<F, K: Serialize> List<F, K> {
    /// The link to the page after this key (RFC 8288), relative to this service.
    pub(crate) fn next(&self, after: &K) -> Option<HeaderValue> {
        let cursor = cursor::encode(&Self::name(&self.path, &self.query), after);
        let page = [("limit", u32::from(self.limit).to_string()), ("cursor", cursor)];
        let page = serde_urlencoded::to_string(page).ok()?;
        let query = if self.query.is_empty() { page } else { format!("{}&{page}", self.query) };
        HeaderValue::try_from(format!("<{}?{query}>; rel=\"next\"", self.path)).ok()
    }
}

impl<F, K, S> FromRequestParts<S> for List<F, K>
where
    F: DeserializeOwned + Send,
    K: DeserializeOwned,
    S: Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let path = parts.uri.path().to_owned();
        let Query(mut pairs) = parse::<Vec<(String, String)>>(parts.uri.query().unwrap_or_default()).await?;
        // The order of the parameters does not matter.
        pairs.sort();
        let (page, filters): (Vec<_>, Vec<_>) =
            pairs.into_iter().partition(|(name, _)| name == "limit" || name == "cursor");
        let query = encode(&filters);
        let Query(filters) = parse(&query).await?;
        let Query(PageParameters { limit, cursor }) = parse(&encode(&page)).await?;
        let after = cursor.map(|cursor| cursor::decode(&cursor, &Self::name(&path, &query))).transpose();
        Ok(Self { filters, after: after.map_err(problems::invalid_cursor)?, limit, path, query })
    }
}

/// Parses a query string as [`Query`] does, with the same problems.
async fn parse<T: DeserializeOwned>(query: &str) -> Result<Query<T>, Problem> {
    let uri = Uri::builder().path_and_query(format!("/?{query}")).build();
    let uri = uri.expect("a query that was received or encoded is part of a URI");
    let (mut parts, ()) = Request::builder().uri(uri).body(()).expect("the URI is valid").into_parts();
    Query::from_request_parts(&mut parts, &()).await
}

fn encode(pairs: &[(String, String)]) -> String {
    serde_urlencoded::to_string(pairs).expect("pairs of texts can be encoded")
}

#[cfg(test)]
mod tests;
