//! The links, anchors and paths in the documentation exist, and every page can be reached from the README.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Component, Path, PathBuf},
};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use test_kit::{files_in, repository};

/// Inline code that starts with one of these is a path from the root of the repository.
const FOLDERS: [&str; 7] = ["crates/", "services/", "schemas/", "migrations/", "deploy/", "docs/", ".ci/"];

/// The README and every page of `docs/`, by their paths from the root of the repository.
struct Documentation {
    root: PathBuf,
    pages: BTreeMap<PathBuf, Page>,
}

#[derive(Debug, Default)]
struct Page {
    /// The targets of its links, as written.
    links: Vec<String>,
    /// The paths in its inline code.
    paths: Vec<String>,
    /// The anchors of its headings.
    anchors: BTreeSet<String>,
}

impl Documentation {
    fn read(root: &Path) -> Self {
        let docs = files_in(&root.join("docs")).into_iter();
        let docs = docs.map(|file| file.strip_prefix(root).expect("a file in the folder").to_owned());
        let files = [PathBuf::from("README.md")].into_iter();
        let files = files.chain(docs.filter(|file| file.extension().is_some_and(|kind| kind == "md")));
        let page = |file: PathBuf| {
            let text = fs::read_to_string(root.join(&file)).expect("a page can be read");
            (file, Page::parse(&text))
        };
        Self { root: root.to_owned(), pages: files.map(page).collect() }
    }

    /// Relative links whose file or anchor does not exist.
    fn broken_links(&self) -> Vec<String> {
        self.all(|page| &page.links, |page, link| !self.resolves(page, link))
    }

    /// Paths in inline code that do not exist.
    fn missing_paths(&self) -> Vec<String> {
        self.all(|page| &page.paths, |_, path| !exists(&self.root, path))
    }

    /// Pages that cannot be reached from the README.
    fn unreachable_pages(&self) -> Vec<String> {
        let mut reached = BTreeSet::new();
        let mut next = vec![PathBuf::from("README.md")];
        while let Some(path) = next.pop() {
            let Some(page) = self.pages.get(&path) else { continue };
            if reached.insert(path.clone()) {
                next.extend(page.links.iter().map(|link| self.target(&path, link).0));
            }
        }
        let unreached = self.pages.keys().filter(|path| !reached.contains(*path));
        unreached.map(|path| path.display().to_string()).collect()
    }

    fn all(
        &self,
        part: impl Fn(&Page) -> &Vec<String>,
        is_wrong: impl Fn(&Path, &str) -> bool,
    ) -> Vec<String> {
        let mut wrong = Vec::new();
        for (path, page) in &self.pages {
            let texts = part(page).iter().filter(|text| is_wrong(path, text));
            wrong.extend(texts.map(|text| format!("{}: {text}", path.display())));
        }
        wrong
    }

    fn resolves(&self, page: &Path, link: &str) -> bool {
        let (path, anchor) = self.target(page, link);
        match anchor {
            None => self.root.join(path).exists(),
            Some(anchor) => self.pages.get(&path).is_some_and(|page| page.anchors.contains(anchor)),
        }
    }

    /// The file that a link points to, and the anchor in it. A folder stands for the README that GitHub and GitLab show
    /// with it.
    fn target<'a>(&self, page: &Path, link: &'a str) -> (PathBuf, Option<&'a str>) {
        let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
        let path = match file {
            "" => page.to_owned(),
            file => normalized(&page.parent().unwrap_or(Path::new("")).join(file)),
        };
        let index = path.join("README.md");
        (if self.root.join(&index).exists() { index } else { path }, anchor)
    }
}

impl Page {
    fn parse(text: &str) -> Self {
        let mut page = Self::default();
        let mut heading: Option<String> = None;
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            if let (Some(heading), Event::Text(text) | Event::Code(text)) = (&mut heading, &event) {
                heading.push_str(text);
            }
            match event {
                Event::Start(Tag::Link { dest_url, .. }) if !dest_url.contains(':') => {
                    page.links.push(dest_url.into_string());
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => page.add_anchor(&heading.take().unwrap_or_default()),
                Event::Code(code) => page.paths.extend(path_in(&code)),
                _ => {}
            }
        }
        page
    }

    /// Names the anchor as GitHub and GitLab do: lower case, hyphens for spaces, no punctuation, and a number if it
    /// repeats.
    fn add_anchor(&mut self, heading: &str) {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let anchor = kept.collect::<String>().to_lowercase().replace(' ', "-");
        let numbered = (1..).map(|number| format!("{anchor}-{number}"));
        let mut names = std::iter::once(anchor.clone()).chain(numbered);
        let free = names.find(|name| !self.anchors.contains(name));
        self.anchors.extend(free);
    }
}

/// The path at the start of inline code. One with a placeholder (`<context>`) names no specific file.
fn path_in(code: &str) -> Option<String> {
    let path = code.split_whitespace().next()?;
    let is_path = FOLDERS.iter().any(|folder| path.starts_with(folder)) && !path.contains('<');
    is_path.then(|| path.to_owned())
}

/// Whether a path exists; `*` stands for any part of one name.
fn exists(folder: &Path, path: &str) -> bool {
    let (name, rest) = path.split_once('/').unwrap_or((path, ""));
    let Some((start, end)) = name.split_once('*') else {
        let found = folder.join(name);
        return found.exists() && (rest.is_empty() || exists(&found, rest));
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|found| {
        let name = found.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(start) && name.ends_with(end) && (rest.is_empty() || exists(&found, rest))
    })
}

/// A path without `..`.
fn normalized(path: &Path) -> PathBuf {
    let mut normalized = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(normalized.pop()),
            part => normalized.push(part),
        }
    }
    normalized
}

#[test]
fn every_link_and_anchor_in_the_documentation_exists() {
    let documentation = Documentation::read(repository());
    let links: usize = documentation.pages.values().map(|page| page.links.len()).sum();
    assert!(links > 50, "there are links to check");
    assert_eq!(documentation.broken_links(), [""; 0]);
}

#[test]
fn every_path_named_in_the_documentation_exists() {
    let documentation = Documentation::read(repository());
    let paths: usize = documentation.pages.values().map(|page| page.paths.len()).sum();
    assert!(paths > 20, "there are paths to check");
    assert_eq!(documentation.missing_paths(), [""; 0]);
}

#[test]
fn every_page_is_reachable_from_the_readme() {
    assert_eq!(Documentation::read(repository()).unreachable_pages(), [""; 0]);
}

#[test]
fn a_broken_link_a_missing_path_and_an_unreachable_page_are_found() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("links");
    fs::create_dir_all(root.join("docs/topics")).unwrap();
    let write = |file: &str, text: &str| fs::write(root.join(file), text).unwrap();
    write(
        "README.md",
        "[one](docs/one.md) [gone](docs/gone.md) [web](https://example.org)\n```\n[no](link)\n```\n",
    );
    write(
        "docs/one.md",
        "# What `it` is\n\n# What it is\n\n[a](#what-it-is-1) [b](#what-it-was) [c](topics/)\n",
    );
    write(
        "docs/topics/README.md",
        "`docs/one.md` `docs/two.md` `docs/*/README.md` `docs/*/gone` `docs/<page>`\n",
    );
    write("docs/alone.md", "[up](../README.md)\n");

    let documentation = Documentation::read(&root);
    assert_eq!(documentation.broken_links(), ["README.md: docs/gone.md", "docs/one.md: #what-it-was"]);
    assert_eq!(
        documentation.missing_paths(),
        ["docs/topics/README.md: docs/two.md", "docs/topics/README.md: docs/*/gone"]
    );
    assert_eq!(documentation.unreachable_pages(), ["docs/alone.md"]);
}
