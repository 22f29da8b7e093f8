//! The formats that ajv-formats checks beside those that JSON Schema names.

use boon::Format;
use serde_json::Value;
use std::error::Error;

/// The names that JSON Schema gives, and the validator knows by itself.
const STANDARD: [&str; 19] = [
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "idn-email",
    "idn-hostname",
    "ipv4",
    "ipv6",
    "iri",
    "iri-reference",
    "json-pointer",
    "regex",
    "relative-json-pointer",
    "time",
    "uri",
    "uri-reference",
    "uri-template",
    "uuid",
];

/// Those of ajv-formats.
pub(super) fn of_ajv() -> [Format; 11] {
    let format = |name, func| Format { name, func };
    [
        format("url", |value| text(value, is_url)),
        format("byte", |value| text(value, is_base64)),
        format("iso-time", |value| text(value, is_iso_time)),
        format("iso-date-time", |value| text(value, is_iso_date_time)),
        format("json-pointer-uri-fragment", |value| {
            text(value, is_pointer_fragment)
        }),
        format("int32", |value| number(value, |n| i32::try_from(n).is_ok())),
        format("int64", |value| number(value, |_| true)),
        // ajv-formats takes every number and every text for these.
        format("float", |_| Ok(())),
        format("double", |_| Ok(())),
        format("password", |_| Ok(())),
        format("binary", |_| Ok(())),
    ]
}

/// The validator skips a format that it does not know; a schema that names one would check less than it says.
pub(super) fn refuse_unknown(schema: &Value) -> Result<(), String> {
    let Value::Object(keywords) = schema else {
        return Ok(());
    };
    for (keyword, value) in keywords {
        match (keyword.as_str(), value) {
            ("format", Value::String(name)) => {
                let known = STANDARD.contains(&name.as_str())
                    || of_ajv().iter().any(|format| format.name == name);
                if !known {
                    return Err(format!("the format \"{name}\" is not known"));
                }
            }
            (
                "$defs" | "definitions" | "properties" | "patternProperties" | "dependentSchemas",
                Value::Object(schemas),
            ) => schemas.values().try_for_each(refuse_unknown)?,
            ("allOf" | "anyOf" | "oneOf" | "prefixItems", Value::Array(schemas)) => {
                schemas.iter().try_for_each(refuse_unknown)?;
            }
            (
                "additionalProperties"
                | "contains"
                | "else"
                | "if"
                | "items"
                | "not"
                | "propertyNames"
                | "then"
                | "unevaluatedItems"
                | "unevaluatedProperties",
                schema,
            ) => refuse_unknown(schema)?,
            _ => {}
        }
    }
    Ok(())
}

type Checked = Result<(), Box<dyn Error>>;

/// What is no text has every format of text.
fn text(value: &Value, is_right: impl FnOnce(&str) -> bool) -> Checked {
    match value {
        Value::String(text) if !is_right(text) => Err("not of the format".into()),
        _ => Ok(()),
    }
}

/// A whole number; what is no number has every format of numbers.
fn number(value: &Value, is_right: impl FnOnce(i64) -> bool) -> Checked {
    match value {
        Value::Number(number) if !number.as_i64().is_some_and(is_right) => {
            Err("not of the format".into())
        }
        _ => Ok(()),
    }
}

/// `http`, `https` or `ftp`, with a host.
fn is_url(text: &str) -> bool {
    text.contains("://")
        && url::Url::parse(text).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https" | "ftp") && url.host_str().is_some()
        })
}

fn is_base64(text: &str) -> bool {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    BASE64_STANDARD.decode(text).is_ok()
}

/// A time whose zone may be missing.
fn is_iso_time(text: &str) -> bool {
    let zone = text.find(['Z', 'z', '+', '-']).unwrap_or(text.len());
    text[..zone].parse::<jiff::civil::Time>().is_ok()
        && text.as_bytes().get(2) == Some(&b':')
        && text.as_bytes().get(5) == Some(&b':')
        && is_zone(&text[zone..])
}

fn is_zone(text: &str) -> bool {
    let digits = |text: &str, most: u8| {
        text.len() == 2
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && text.parse::<u8>().is_ok_and(|number| number <= most)
    };
    match text.strip_prefix(['+', '-']) {
        None => matches!(text, "" | "Z" | "z"),
        Some(offset) => match offset.split_once(':') {
            Some((hours, minutes)) => digits(hours, 23) && digits(minutes, 59),
            None => digits(offset, 23),
        },
    }
}

/// A date, `T` or a space, and a time whose zone may be missing.
fn is_iso_date_time(text: &str) -> bool {
    text.split_once(['T', 't', ' '])
        .is_some_and(|(date, time)| {
            date.len() == 10 && date.parse::<jiff::civil::Date>().is_ok() && is_iso_time(time)
        })
}

/// `#` and a JSON pointer (RFC 6901 section 6).
fn is_pointer_fragment(text: &str) -> bool {
    let Some(pointer) = text.strip_prefix('#') else {
        return false;
    };
    let escapes = pointer.split('~').skip(1);
    let percents = pointer.split('%').skip(1);
    (pointer.is_empty() || pointer.starts_with('/'))
        && escapes.into_iter().all(|rest| rest.starts_with(['0', '1']))
        && percents.into_iter().all(|rest| {
            rest.get(..2)
                .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
        })
}
