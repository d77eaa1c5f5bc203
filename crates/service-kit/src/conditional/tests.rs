use aggregate::Version;
use axum::http::{HeaderMap, HeaderName, StatusCode};

use super::{Conditions, EntityTags, etag};
use crate::Problem;

fn conditions(lines: &[(&'static str, &'static str)]) -> Result<Conditions, Problem> {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(HeaderName::from_static(name), value.parse().unwrap());
    }
    Conditions::of(&headers)
}

fn hold(name: &'static str, value: &'static str, current: u64) -> bool {
    conditions(&[(name, value)]).unwrap().hold(Version(current))
}

#[test]
fn without_conditions_everything_holds() {
    let none = conditions(&[]).unwrap();
    assert_eq!(none, Conditions::default());
    assert!(none.hold(Version::NONE) && none.hold(Version(3)) && !none.is_not_modified(Version(3)));
}

#[test]
fn if_match_holds_at_the_versions_it_lists_alone() {
    assert!(hold("if-match", "\"3\"", 3));
    assert!(!hold("if-match", "\"3\"", 4));
    assert!(hold("if-match", " \"2\" ,\"3\"", 3));
    let lines = conditions(&[("if-match", "\"2\""), ("if-match", "\"3\"")]).unwrap();
    assert!(lines.hold(Version(2)) && lines.hold(Version(3)) && !lines.hold(Version(1)));
}

#[test]
fn if_match_with_a_star_needs_something_to_be_there() {
    assert!(hold("if-match", "*", 1));
    assert!(!hold("if-match", "*", 0));
}

#[test]
fn a_star_stands_alone() {
    for lines in [["*", "*"], ["\"1\"", "*"], ["*", "\"1\""]] {
        let problem = conditions(&lines.map(|line| ("if-match", line))).unwrap_err();
        assert_eq!(problem.code(), "invalid-header", "{lines:?}");
    }
}

#[test]
fn a_weak_tag_never_matches_where_the_comparison_is_strong() {
    assert!(!hold("if-match", "W/\"3\"", 3));
    assert!(conditions(&[("if-none-match", "W/\"3\"")]).unwrap().is_not_modified(Version(3)));
}

#[test]
fn if_none_match_with_a_star_holds_only_where_there_is_nothing() {
    assert!(hold("if-none-match", "*", 0));
    assert!(!hold("if-none-match", "*", 1));
}

#[test]
fn a_tag_that_is_no_version_matches_nothing() {
    for tag in ["\"abc\"", "\"03\"", "\"+3\"", "\"\"", "\"a,b\", \"c\"", "\"-1\"", "\"99999999999999999999\""]
    {
        let conditions = conditions(&[("if-match", tag)]).unwrap();
        assert_eq!(conditions.if_match, Some(EntityTags::Versions(vec![])), "{tag}");
    }
    assert!(!hold("if-match", "\"0\"", 0), "what does not exist has no tag");
}

#[test]
fn a_malformed_condition_is_a_problem_and_not_passed_over() {
    for value in ["3", "", "\"3", "\"3\" \"4\"", "\"3\",", "w/\"3\"", "* , \"3\""] {
        let problem = conditions(&[("if-match", value)]).unwrap_err();
        assert_eq!(
            (problem.code(), problem.status()),
            ("invalid-header", StatusCode::BAD_REQUEST),
            "{value}"
        );
    }
}

#[test]
fn the_tag_of_a_version_is_read_back_as_that_version() {
    let mut headers = HeaderMap::new();
    headers.insert("if-match", etag(Version(42)));
    assert!(Conditions::of(&headers).unwrap().hold(Version(42)));
}
