use anyhow::Error;

/// An error with a hint.
#[derive(Debug, thiserror::Error)]
#[error("{}", causes(.error))]
struct Hinted {
    error: Error,
    hint: String,
}

/// Adds a hint to an error: the command to run next, with all values filled in, so that it can be pasted.
pub(crate) fn hinted(error: impl Into<Error>, hint: impl Into<String>) -> Error {
    Hinted { error: error.into(), hint: hint.into() }.into()
}

/// Prints an error with its causes, then its hint.
pub(crate) fn report(error: &Error) {
    eprintln!("error: {}", causes(error));
    if let Some(Hinted { hint, .. }) = error.chain().find_map(|cause| cause.downcast_ref()) {
        eprintln!("hint: {hint}");
    }
}

/// The error and its causes. A cause that the error already quotes is not repeated.
fn causes(error: &Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_cause_that_is_already_quoted_is_not_repeated() {
        assert_eq!(causes(&anyhow!("broken pipe").context("cannot write")), "cannot write: broken pipe");
        assert_eq!(causes(&anyhow!("refused").context("postgres: refused")), "postgres: refused");
    }

    #[test]
    fn a_hint_is_not_part_of_the_message() {
        let error = hinted(anyhow!("no topic"), "run it").context("cannot read");
        assert_eq!(causes(&error), "cannot read: no topic");
    }
}
