use apache_avro::schema_compatibility::{Compatibility, SchemaCompatibility};

use crate::{InvalidSchemaFile, SchemaFile, schema_file::by_message};

/// Two versions of a schema are not compatible.
#[derive(Debug, thiserror::Error)]
pub enum IncompatibleSchemas {
    /// A schema file is invalid.
    #[error(transparent)]
    Invalid(#[from] InvalidSchemaFile),
    /// One version cannot read what the other writes.
    #[error("{name}: a reader of one of the versions {one} and {other} cannot read the other: {reason}")]
    Unreadable {
        /// The full name of the message.
        name: String,
        /// The older version.
        one: usize,
        /// The newer version.
        other: usize,
        /// Why one cannot read the other.
        reason: String,
    },
}

/// Checks that every version of a message can read every other, as `FULL_TRANSITIVE` in the registry does.
pub fn check_compatibility(files: &[SchemaFile]) -> Result<(), IncompatibleSchemas> {
    for (name, versions) in by_message(files)? {
        for (other, (_, later)) in (1..).zip(&versions) {
            for (one, (_, earlier)) in (1..other).zip(&versions) {
                let reason = match SchemaCompatibility::mutual_read(earlier, later) {
                    Ok(Compatibility::Full) => continue,
                    Ok(Compatibility::Partial) => "not every value".to_owned(),
                    Err(error) => error.to_string(),
                };
                return Err(IncompatibleSchemas::Unreadable { name, one, other, reason });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(version: u32, more: &str) -> SchemaFile {
        let text = format!(
            r#"{{"type": "record", "name": "Paid", "fields": [{{"name": "minor", "type": "long"}}{more}]}}"#
        );
        SchemaFile { version, text: text.leak() }
    }

    #[test]
    fn incompatible_versions_are_named() {
        let noted = version(2, r#", {"name": "note", "type": "string", "default": ""}"#);
        check_compatibility(&[version(1, ""), noted]).unwrap();
        // Versions 2 and 3 are compatible with each other, versions 1 and 3 are not.
        let demanding = version(3, r#", {"name": "note", "type": "string"}"#);
        let refused = check_compatibility(&[version(1, ""), noted, demanding]).unwrap_err();
        assert!(
            matches!(&refused, IncompatibleSchemas::Unreadable { name, one: 1, other: 3, .. } if name == "Paid"),
            "{refused}"
        );
    }
}
