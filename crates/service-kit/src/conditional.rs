//! Conditional requests (RFC 9110, section 13) on versions: the entity tag of version 3 is `"3"`.

use aggregate::Version;
use axum::{
    extract::FromRequestParts,
    http::{
        HeaderMap, HeaderName, HeaderValue,
        header::{IF_MATCH, IF_NONE_MATCH},
        request::Parts,
    },
};

use crate::{Problem, problem::kinds};

/// The `ETag` of a version.
pub fn etag(version: Version) -> HeaderValue {
    HeaderValue::try_from(format!("\"{version}\"")).expect("quoted digits are a valid header value")
}

/// The conditions that a request sets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    /// `If-Match`: proceed only if the aggregate is at one of these versions.
    pub if_match: Option<EntityTags>,
    /// `If-None-Match`: proceed only if the aggregate is at none of these versions; `*`: only if it does not exist.
    pub if_none_match: Option<EntityTags>,
}

/// The value of `If-Match` or `If-None-Match`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntityTags {
    /// `*`: any version, if the aggregate exists.
    Any,
    /// These versions. Tags that no version can have are left out, so the list may be empty.
    Versions(Vec<Version>),
}

impl Conditions {
    /// Whether the conditions hold for an aggregate at this version; [`Version::NONE`] means that it does not exist.
    pub fn hold(&self, current: Version) -> bool {
        self.if_match.as_ref().is_none_or(|tags| tags.contain(current)) && !self.is_not_modified(current)
    }

    /// Whether the client already has the current version, so that a query responds with 304.
    pub fn is_not_modified(&self, current: Version) -> bool {
        self.if_none_match.as_ref().is_some_and(|tags| tags.contain(current))
    }

    /// Reads the conditions from the headers of a request.
    pub fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        Ok(Self {
            // `If-Match` uses strong comparison: a weak tag never matches. `If-None-Match` uses weak comparison.
            if_match: parse(headers, &IF_MATCH, |tag| !tag.is_weak)?,
            if_none_match: parse(headers, &IF_NONE_MATCH, |_| true)?,
        })
    }
}

impl EntityTags {
    /// Whether an aggregate at this version matches.
    pub fn contain(&self, current: Version) -> bool {
        match self {
            Self::Any => current != Version::NONE,
            Self::Versions(versions) => versions.contains(&current),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Conditions {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of(&parts.headers)
    }
}

/// `"3"` or `W/"3"`.
struct EntityTag<'a> {
    is_weak: bool,
    opaque: &'a str,
}

fn parse(
    headers: &HeaderMap,
    name: &HeaderName,
    may_match: fn(&EntityTag<'_>) -> bool,
) -> Result<Option<EntityTags>, Problem> {
    let malformed = || {
        Problem::new(kinds::INVALID_HEADER)
            .detail(format!("{name}: expected * or versions in quotes, such as \"3\""))
    };
    let lines: Vec<_> = headers.get_all(name).iter().collect();
    match lines[..] {
        [] => return Ok(None),
        [only] if only.as_bytes().trim_ascii() == b"*" => return Ok(Some(EntityTags::Any)),
        _ => {}
    }
    let mut versions = Vec::new();
    for line in lines {
        let line = line.to_str().map_err(|_| malformed())?.trim();
        let tags = entity_tags(line).ok_or_else(malformed)?;
        versions.extend(tags.iter().filter(|tag| may_match(tag)).filter_map(EntityTag::version));
    }
    Ok(Some(EntityTags::Versions(versions)))
}

/// Parses from left to right instead of splitting at commas, because a tag may contain a comma.
fn entity_tags(mut rest: &str) -> Option<Vec<EntityTag<'_>>> {
    let mut tags = Vec::new();
    loop {
        let (is_weak, quoted) = match rest.strip_prefix("W/") {
            Some(quoted) => (true, quoted),
            None => (false, rest),
        };
        let (opaque, after) = quoted.strip_prefix('"')?.split_once('"')?;
        tags.push(EntityTag { is_weak, opaque });
        match after.trim_start().strip_prefix(',') {
            Some(more) => rest = more.trim_start(),
            None => return after.trim().is_empty().then_some(tags),
        }
    }
}

impl EntityTag<'_> {
    /// The version that has this tag. Tags are compared as text, so only the canonical form of a number matches.
    fn version(&self) -> Option<Version> {
        let version = Version(self.opaque.parse().ok()?);
        (version.to_string() == self.opaque && version != Version::NONE).then_some(version)
    }
}

#[cfg(test)]
mod tests;
