//! `GET /problems/{code}`: what a kind of problem means and what to do. The platform's are in `docs/problems.md`; a
//! service brings a text of its own for what its rules refuse.

use axum::{Router, extract::Path, http::header::CONTENT_TYPE, response::IntoResponse, routing::get};

use super::{Problem, kinds};

pub(super) const PROBLEMS: &str = include_str!("../../../../docs/problems.md");

/// The route that the `type` of every problem of the platform leads to.
pub fn router() -> Router {
    Router::new().route("/problems/{code}", get(page))
}

/// The routes of a service's own problems: each heading `### some-code` of `text` and what follows it.
pub fn own(text: &'static str) -> Router {
    sections(text).fold(Router::new(), |router, section| {
        let code = section.lines().next().unwrap_or_default();
        router.route(&format!("/problems/{code}"), get(move || async move { markdown(section) }))
    })
}

/// The paragraph under the heading that is this code.
pub fn paragraph(code: &str) -> Option<&'static str> {
    sections(PROBLEMS).find(|section| section.lines().next() == Some(code)).map(str::trim_end)
}

async fn page(Path(code): Path<String>) -> Result<impl IntoResponse, Problem> {
    paragraph(&code).map(markdown).ok_or(Problem::new(kinds::NOT_FOUND))
}

fn markdown(section: &str) -> impl IntoResponse + use<> {
    ([(CONTENT_TYPE, "text/markdown; charset=utf-8")], format!("# {}\n", section.trim_end()))
}

/// What follows each `### `, up to the next heading of any level.
fn sections(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.split("\n### ").skip(1).map(|section| section.split("\n#").next().unwrap_or(section))
}
