//! A compiled JSON Schema (draft 2020-12) of a store, with the formats that ajv-formats checks.

use super::formats;
use super::violation;
use crate::{Error, Result};
use boon::{Compiler, Draft, SchemaIndex, Schemas, SchemeUrlLoader};
use serde_json::Value;
use std::fmt;

/// What the schema is called while it is compiled. References in it lead nowhere else.
const NAME: &str = "https://store.invalid/schema.json";

/// A compiled JSON Schema.
pub struct Schema {
    schemas: Schemas,
    root: SchemaIndex,
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Schema(…)")
    }
}

impl Schema {
    /// Compiles a schema of draft 2020-12. Formats are checked; one that is not known is refused, for it would check
    /// nothing. Patterns are linear in time, so they know no look-around and no references back. `$ref` leads into the
    /// schema itself: nothing is fetched.
    ///
    /// # Errors
    /// `ERR_INVALID_ARGUMENT` for what is no JSON or no schema.
    pub fn compile(json: &str) -> Result<Self> {
        let refused =
            |why: String| Error::InvalidArgument(format!("The schema is refused: {why}."));
        let schema: Value =
            serde_json::from_str(json).map_err(|_| refused("it is not JSON".to_owned()))?;
        formats::refuse_unknown(&schema).map_err(refused)?;
        let mut compiler = Compiler::new();
        compiler.set_default_draft(Draft::V2020_12);
        compiler.enable_format_assertions();
        compiler.use_loader(Box::new(SchemeUrlLoader::new()));
        for format in formats::of_ajv() {
            compiler.register_format(format);
        }
        let mut schemas = Schemas::new();
        // The text of the error is of the schema, which comes with the app.
        let unfit = |error: boon::CompileError| refused(error.to_string().replace(NAME, ""));
        compiler.add_resource(NAME, schema).map_err(unfit)?;
        let root = compiler.compile(NAME, &mut schemas).map_err(unfit)?;
        Ok(Self { schemas, root })
    }

    /// What in `json` breaks the schema: a path and a rule each, never a value.
    ///
    /// # Errors
    /// `ERR_INVALID_ARGUMENT` for what is no JSON.
    pub fn violations(&self, json: &str) -> Result<Vec<String>> {
        let instance: Value = serde_json::from_str(json)
            .map_err(|_| Error::InvalidArgument("The value is not JSON.".to_owned()))?;
        let validated = self.schemas.validate(&instance, self.root);
        Ok(match validated {
            Ok(()) => Vec::new(),
            Err(error) => violation::describe(&error),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violations(schema: &str, instance: &str) -> Vec<String> {
        let schema = Schema::compile(schema).unwrap_or_else(|e| panic!("{e}"));
        schema
            .violations(instance)
            .unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn says_which_rule_is_broken_where_and_never_by_what() {
        let schema = r#"{
            "properties": {
                "text": { "type": "string", "maxLength": 3, "pattern": "^[def]+$" },
                "list": { "items": { "type": "integer" }, "uniqueItems": true, "maxItems": 3 },
                "kind": { "enum": ["a", "b"] },
                "port": { "type": ["integer", "null"], "minimum": 1, "exclusiveMaximum": 65536 },
                "a/b~c": { "const": 1 },
                "home": { "format": "uri" }
            },
            "required": ["text"],
            "additionalProperties": false
        }"#;
        let cases: [(&str, &[&str]); 9] = [
            (r#"{"text":"def"}"#, &[]),
            (r#"{"text":1}"#, &["`text` must be string"]),
            (
                r#"{"text":"secret"}"#,
                &[
                    "`text` must NOT have more than 3 characters",
                    "`text` must match pattern \"^[def]+$\"",
                ],
            ),
            (
                r#"{"text":"d","list":[1,1,2,"secret"]}"#,
                &[
                    "`list/3` must be integer",
                    "`list` must NOT have duplicate items (items ## 1 and 0 are identical)",
                    "`list` must NOT have more than 3 items",
                ],
            ),
            (
                r#"{"text":"d","kind":"secret"}"#,
                &["`kind` must be equal to one of the allowed values"],
            ),
            (r#"{"text":"d","port":65536}"#, &["`port` must be < 65536"]),
            (
                r#"{"text":"d","a/b~c":2}"#,
                &["`a/b~c` must be equal to constant"],
            ),
            (
                r#"{"text":"d","home":"secret"}"#,
                &["`home` must match format \"uri\""],
            ),
            (
                r#"{"more":1}"#,
                &[
                    "`` must have required property 'text'",
                    "`more` must NOT have additional properties",
                ],
            ),
        ];
        for (instance, expected) in cases {
            let mut found = violations(schema, instance);
            found.sort();
            let mut expected = expected.to_vec();
            expected.sort_unstable();
            assert_eq!(found, expected, "{instance}");
        }
    }

    #[test]
    fn knows_the_formats_of_ajv() {
        let cases = [
            ("url", "https://example.com/a", "example.com"),
            ("url", "ftp://example.com", "mailto:a@example.com"),
            ("uri", "urn:isbn:1", "no scheme"),
            ("email", "a@example.com", "a@"),
            ("date", "2026-02-28", "2026-02-30"),
            ("date-time", "2026-02-28T10:00:00Z", "2026-02-28T10:00:00"),
            ("iso-date-time", "2026-02-28T10:00:00", "2026-02-28"),
            ("iso-time", "10:00:00", "25:00:00"),
            ("byte", "aGFsbG8=", "a"),
            ("ipv4", "127.0.0.1", "256.0.0.1"),
            ("ipv6", "::1", "::g"),
            ("hostname", "example.com", "-example"),
            ("uuid", "2eb8aa08-aa98-11ea-b4aa-73b441d16380", "2eb8"),
            ("regex", "^a$", "("),
            ("json-pointer", "/a~1b", "a"),
            ("json-pointer-uri-fragment", "#/a%20b", "/a"),
            ("duration", "P1D", "1D"),
        ];
        for (format, good, bad) in cases {
            let schema = format!(r#"{{"format":"{format}"}}"#);
            let check =
                |text: &str| violations(&schema, &Value::String(text.to_owned()).to_string());
            assert_eq!(check(good), Vec::<String>::new(), "{format} {good}");
            assert_eq!(check(bad).len(), 1, "{format} {bad}");
        }
        let int32 = r#"{"format":"int32"}"#;
        assert_eq!(violations(int32, "2147483647"), Vec::<String>::new());
        assert_eq!(violations(int32, "2147483648").len(), 1);
        assert_eq!(violations(r#"{"format":"int64"}"#, "0.5").len(), 1);
    }

    #[test]
    fn a_property_may_be_called_format() {
        let schema = r#"{"properties":{"format":{"type":"string"}},"default":{"format":"any"}}"#;
        assert!(Schema::compile(schema).is_ok());
    }

    #[test]
    fn refuses_a_schema_that_would_check_less_than_it_says() {
        for schema in [
            "{",
            "1",
            r#"{"type":"text"}"#,
            r#"{"properties":{"a":{"items":{"format":"colour"}}}}"#,
            r#"{"$ref":"https://example.com/schema.json"}"#,
            r##"{"$ref":"#/$defs/missing"}"##,
            r#"{"pattern":"("}"#,
        ] {
            let refused = Schema::compile(schema).map(|_| ());
            assert!(
                matches!(&refused, Err(error) if error.code() == "ERR_INVALID_ARGUMENT"),
                "{schema}: {refused:?}"
            );
        }
    }
}
