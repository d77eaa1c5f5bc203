//! The names of a context and its aggregate, in every form that the files need.

use anyhow::{bail, ensure};

/// The longest name, so that names of topics, databases and users stay within Postgres' 63 characters.
const MAX_LENGTH: usize = 30;

/// The name of a context, in the forms that differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContextName {
    /// In topics, databases, folders and crates: `seat_maps`.
    pub(crate) snake: String,
    /// In packages and programs: `seat-maps`.
    pub(crate) kebab: String,
}

/// The placeholders of the template and their replacements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) context: ContextName,
    replacements: Vec<(&'static str, String)>,
}

impl Names {
    /// The names of a context (`seat_maps` or `seat-maps`) and its aggregate (`SeatMap`).
    pub(crate) fn new(context: &str, aggregate: &str) -> anyhow::Result<Self> {
        let context = self::context(context)?;
        check_aggregate(aggregate)?;
        let singular = snake_case(aggregate);
        let plural_name = plural(&singular);
        for name in [&singular, &plural_name] {
            ensure!(
                !is_reserved(name),
                "AGGREGATE={aggregate}: \"{name}\" has another meaning in Rust, SQL or the generated code; choose another name"
            );
        }
        let article = if singular.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
        let replacements = vec![
            ("{{context}}", context.snake.clone()),
            ("{{package}}", context.kebab.clone()),
            ("{{Title}}", capitalized(&spaced(&context.snake))),
            ("{{Aggregate}}", aggregate.to_owned()),
            ("{{aggregate}}", singular.clone()),
            ("{{code}}", singular.replace('_', "-")),
            ("{{words}}", spaced(&singular)),
            ("{{an}}", article.to_owned()),
            ("{{An}}", capitalized(article)),
            ("{{Plural}}", pascal_case(&plural_name)),
            ("{{plural}}", plural_name.clone()),
            ("{{path}}", plural_name.replace('_', "-")),
            ("{{plural_words}}", spaced(&plural_name)),
        ];
        Ok(Self { context, replacements })
    }

    /// Adds a port.
    pub(crate) fn with(mut self, placeholder: &'static str, port: u16) -> Self {
        self.replacements.push((placeholder, port.to_string()));
        self
    }

    /// Replaces every placeholder in a path or a text.
    pub(crate) fn apply(&self, text: &str) -> String {
        self.replacements.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    }
}

/// Parses the name of a context: words of lower-case letters and digits, joined by `_` or `-`.
pub(crate) fn context(name: &str) -> anyhow::Result<ContextName> {
    let snake = name.replace('-', "_");
    let is_word = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_lowercase())
            && word.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
    };
    ensure!(
        snake.split('_').all(is_word) && snake.len() <= MAX_LENGTH,
        "NAME={name}: the name of a context consists of lower-case letters and digits, at most {MAX_LENGTH}, such as bookings or seat_maps"
    );
    ensure!(
        !is_reserved(&snake),
        "NAME={name}: \"{snake}\" has another meaning in Rust, SQL or the generated code; choose another name"
    );
    Ok(ContextName { kebab: snake.replace('_', "-"), snake })
}

fn check_aggregate(name: &str) -> anyhow::Result<()> {
    let is_pascal_case = name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric())
        && !name.as_bytes().windows(2).any(|pair| pair.iter().all(u8::is_ascii_uppercase));
    if !is_pascal_case || name.len() > MAX_LENGTH {
        bail!(
            "AGGREGATE={name}: the name of an aggregate is singular and in PascalCase, at most {MAX_LENGTH} letters, such as Booking or SeatMap"
        );
    }
    Ok(())
}

/// Whether a name is a keyword of Rust or SQL, or is used for something else in the generated code.
fn is_reserved(name: &str) -> bool {
    const RUST: &str = "as async await break const continue crate dyn else enum extern false fn for if impl in let loop \
        match mod move mut pub ref return self static struct super trait true type unsafe use where while abstract become \
        box do final gen macro override priv try typeof unsized virtual yield str bool char";
    const SQL: &str = "all analyse analyze and any array asc both case cast check collate column constraint create current_date \
        default deferrable desc distinct end except fetch foreign from full grant group having initially inner intersect into \
        is join lateral leading left like limit natural not null offset on only or order outer placing primary references \
        returning right select some symmetric table tablesample then to trailing union unique user using values variadic \
        verbose when window with";
    const GENERATED: &str = "aggregate aggregates change changes checkpoint command commands document documents event events foldline \
        found history journal json list main message name option page path present problem projection query reads refusal \
        response result routes sqlx state std string test tests time update uuid value vec version";
    [RUST, SQL, GENERATED].iter().flat_map(|words| words.split_whitespace()).any(|word| word == name)
}

/// `SeatMap` becomes `seat_map`.
fn snake_case(pascal: &str) -> String {
    let mut snake = String::new();
    for letter in pascal.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// `seat_maps` becomes `SeatMaps`.
fn pascal_case(snake: &str) -> String {
    snake.split('_').map(capitalized).collect()
}

fn capitalized(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    format!("{}{rest}", first.to_ascii_uppercase())
}

fn spaced(snake: &str) -> String {
    snake.replace('_', " ")
}

/// The regular English plural. Irregular plurals must be corrected by hand.
fn plural(word: &str) -> String {
    let is_vowel = |letter: char| "aeiou".contains(letter);
    match word.strip_suffix('y') {
        Some(stem) if !stem.ends_with(is_vowel) => format!("{stem}ies"),
        _ if ["s", "x", "z", "ch", "sh"].iter().any(|end| word.ends_with(end)) => format!("{word}es"),
        _ => format!("{word}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Names, context};

    #[test]
    fn every_placeholder_is_replaced_by_its_form_of_the_name() {
        let names = Names::new("box-offices", "ExitSurvey").unwrap();
        let text = "{{context}} {{package}} {{Title}}, {{an}} {{words}}: {{Aggregate}} {{aggregate}} {{code}}, {{Plural}} {{plural}} {{path}}";
        assert_eq!(
            names.apply(text),
            "box_offices box-offices Box offices, an exit survey: ExitSurvey exit_survey exit-survey, ExitSurveys exit_surveys exit-surveys"
        );
    }

    #[test]
    fn plurals_are_formed_as_for_regular_nouns() {
        for (singular, plural_name) in
            [("Booking", "bookings"), ("Entry", "entries"), ("Tax", "taxes"), ("Batch", "batches")]
        {
            assert_eq!(Names::new("things", singular).unwrap().apply("{{plural}}"), plural_name);
        }
    }

    #[test]
    fn names_that_cannot_be_used_are_refused() {
        for name in ["", "Bookings", "2nd", "a__b", "-a", "type", "events", &"a".repeat(31), "a.b", "ä"] {
            assert!(context(name).is_err(), "{name}");
        }
        for aggregate in
            ["", "booking", "Booking_2", "HTTPCall", "Event", "Order", "Reference", "Buchung ", "É"]
        {
            assert!(Names::new("bookings", aggregate).is_err(), "{aggregate}");
        }
    }
}
