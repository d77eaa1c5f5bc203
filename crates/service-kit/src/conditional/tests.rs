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
fn a_request_without_conditions_always_proceeds() {
    let none = conditions(&[]).unwrap();
    assert_eq!(none, Conditions::default());
    assert!(none.hold(Version::NONE) && none.hold(Version(3)) && !none.is_not_modified(Version(3)));
}

#[test]
fn if_match_holds_only_at_the_versions_it_lists() {
    assert!(hold("if-match", "\"3\"", 3));
    assert!(!hold("if-match", "\"3\"", 4));
    assert!(hold("if-match", " \"2\" ,\"3\"", 3));
    let lines = conditions(&[("if-match", "\"2\""), ("if-match", "\"3\"")]).unwrap();
    assert!(lines.hold(Version(2)) && lines.hold(Version(3)) && !lines.hold(Version(1)));
}

#[test]
fn if_match_with_a_star_holds_only_if_the_aggregate_exists() {
    assert!(hold("if-match", "*", 1));
    assert!(!hold("if-match", "*", 0));
}

#[test]
fn a_star_must_be_the_only_value() {
    for lines in [["*", "*"], ["\"1\"", "*"], ["*", "\"1\""]] {
        let problem = conditions(&lines.map(|line| ("if-match", line))).unwrap_err();
        assert_eq!(problem.code(), "invalid-header", "{lines:?}");
    }
}

#[test]
fn a_weak_tag_matches_if_none_match_but_never_if_match() {
    assert!(!hold("if-match", "W/\"3\"", 3));
    assert!(conditions(&[("if-none-match", "W/\"3\"")]).unwrap().is_not_modified(Version(3)));
}

#[test]
fn if_none_match_with_a_star_holds_only_if_the_aggregate_does_not_exist() {
    assert!(hold("if-none-match", "*", 0));
    assert!(!hold("if-none-match", "*", 1));
}

#[test]
fn a_tag_that_is_not_a_version_matches_nothing() {
    for tag in ["\"abc\"", "\"03\"", "\"+3\"", "\"\"", "\"a,b\", \"c\"", "\"-1\"", "\"99999999999999999999\""]
    {
        let conditions = conditions(&[("if-match", tag)]).unwrap();
        assert_eq!(conditions.if_match, Some(EntityTags::Versions(vec![])), "{tag}");
    }
    assert!(!hold("if-match", "\"0\"", 0), "an aggregate that does not exist has no tag");
}

#[test]
fn a_malformed_condition_is_refused_rather_than_ignored() {
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
fn the_tag_of_a_version_matches_that_version() {
    let mut headers = HeaderMap::new();
    headers.insert("if-match", etag(Version(42)));
    assert!(Conditions::of(&headers).unwrap().hold(Version(42)));
}
