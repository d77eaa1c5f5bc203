//! `GET /problems/{code}`: what a kind of problem means, and what to do about it. The problems of the platform are in
//! `docs/problems.md`; a service has its own text for its refusals.

use axum::{Router, extract::Path, http::header::CONTENT_TYPE, response::IntoResponse, routing::get};

use super::{Problem, kinds};

pub(super) const PROBLEMS: &str = include_str!("../../../../docs/problems.md");

/// The route to which the `type` of every problem of the platform links.
pub fn router() -> Router {
    Router::new().route("/problems/{code}", get(page))
}

/// The routes of a service's own problems: one for each heading `### some-code` in `text`, with the section below it.
pub fn own(text: &'static str) -> Router {
    sections(text).fold(Router::new(), |router, section| {
        let code = section.lines().next().unwrap_or_default();
        router.route(&format!("/problems/{code}"), get(move || async move { markdown(section) }))
    })
}

/// The section of `docs/problems.md` whose heading is this code.
pub fn section(code: &str) -> Option<&'static str> {
    sections(PROBLEMS).find(|section| section.lines().next() == Some(code)).map(str::trim_end)
}

async fn page(Path(code): Path<String>) -> Result<impl IntoResponse, Problem> {
    section(&code).map(markdown).ok_or(Problem::new(kinds::NOT_FOUND))
}

fn markdown(section: &str) -> impl IntoResponse + use<> {
    ([(CONTENT_TYPE, "text/markdown; charset=utf-8")], format!("# {}\n", section.trim_end()))
}

/// The text after each `### `, up to the next heading of any level.
fn sections(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.split("\n### ").skip(1).map(|section| section.split("\n#").next().unwrap_or(section))
}
