//! The code quoted in the documentation matches the source files.

use std::fs;

use test_kit::repository;

/// A code block that names the file it quotes: ` ```rust services/orders/projector/src/main.rs `.
struct Excerpt {
    page: String,
    file: String,
    lines: Vec<String>,
}

impl Excerpt {
    /// Whether the file contains its parts, which are separated by lines `…`, in this order.
    fn is_in(&self, text: &str) -> bool {
        let text = unindented(text.lines());
        let parts = self.lines.split(|line| line.trim_start_matches(['/', '-', ' ']) == "…");
        let mut rest = text.as_str();
        parts.map(|part| unindented(part.iter().map(String::as_str))).all(|part| {
            let found = rest.split_once(&part);
            rest = found.map_or("", |(_, rest)| rest);
            found.is_some()
        })
    }
}

/// Removes indentation, which may be smaller in an excerpt.
fn unindented<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    lines.flat_map(|line| [line.trim(), "\n"]).collect()
}

fn excerpts(page: &str, text: &str) -> Vec<Excerpt> {
    let mut excerpts = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(fence) = line.strip_prefix("```") else { continue };
        let lines: Vec<_> = lines.by_ref().take_while(|line| *line != "```").map(str::to_owned).collect();
        if let Some((_, file)) = fence.split_once(' ') {
            excerpts.push(Excerpt { page: page.to_owned(), file: file.to_owned(), lines });
        }
    }
    excerpts
}

#[test]
fn every_excerpt_is_in_the_file_it_names() {
    let pages = fs::read_dir(repository().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let pages = pages.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let all: Vec<_> = pages
        .flat_map(|path| excerpts(&path.display().to_string(), &fs::read_to_string(&path).unwrap()))
        .collect();
    // The excerpts come from the contexts: a repository without contexts has none.
    let has_contexts = fs::read_dir(repository().join("services")).unwrap().count() > 1;
    assert!(all.len() >= 8 || !has_contexts, "there are excerpts to check");
    for excerpt in all {
        let Excerpt { page, file, lines } = &excerpt;
        let text = fs::read_to_string(repository().join(file))
            .unwrap_or_else(|error| panic!("{page}: {file}: {error}"));
        assert!(excerpt.is_in(&text), "{page} quotes code that is not in {file}:\n{}", lines.join("\n"));
    }
}

#[test]
fn an_excerpt_must_match_the_file() {
    let file = "fn one() {\n    1\n}\n\nfn two() {\n    2\n}\n";
    let is_in = |block: &str| {
        let page = format!("text\n```rust file.rs\n{block}\n```\ntext\n```sh\nnot an excerpt\n```\n");
        let [excerpt] = &excerpts("page.md", &page)[..] else { panic!("there is one excerpt") };
        excerpt.is_in(file)
    };
    assert!(is_in("fn one() {\n    1\n}"));
    assert!(is_in("2\n}"));
    assert!(is_in("fn one() {\n// …\nfn two() {"));
    assert!(!is_in("fn two() {\n// …\nfn one() {"));
    assert!(!is_in("fn one() {\n}"));
    assert!(!is_in("fn on"));
}
