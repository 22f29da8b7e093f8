//! JSON whose values stay as they were written, so that numbers, escapes and the order of members survive.
#![forbid(unsafe_code)]

use crate::secret::SecretString;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// How deep a value is looked into. What lies deeper is moved as it is.
const MAX_DEPTH: usize = 64;

/// The members of an object in their order; a repeated name has its last value, as in JavaScript.
#[derive(Debug)]
pub(crate) struct Members<'a>(pub(crate) Vec<(String, &'a RawValue)>);

/// The members of the object that `json` is; `None` when it is none.
pub(crate) fn parse(json: &str) -> Option<Members<'_>> {
    serde_json::from_str(json).ok()
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members: Vec<(String, &RawValue)> = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    match members.iter_mut().find(|(other, _)| *other == name) {
                        Some(before) => before.1 = value,
                        None => members.push((name, value)),
                    }
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// What is put in the place of a value.
pub(crate) enum Verdict {
    /// It stays as it is.
    Same,
    /// This string.
    Text(SecretString),
    /// This JSON.
    Json(SecretString),
    /// Nothing: it cannot be read.
    Unreadable(&'static str),
}

/// A string, or a Buffer as `JSON.stringify` writes one.
pub(crate) enum Leaf<'a> {
    Text(&'a str),
    Buffer(&'a [u8]),
}

/// Goes through a value and asks about each string and Buffer in it.
pub(crate) struct Walk<'a> {
    pub(crate) judge: &'a mut dyn FnMut(&Leaf<'_>) -> Verdict,
    /// The places that could not be read, and why.
    pub(crate) unreadable: Vec<(String, &'static str)>,
}

pub(crate) enum Rewritten {
    Same,
    /// Other JSON.
    Json(SecretString),
    /// The whole value cannot be read.
    Gone,
}

impl Walk<'_> {
    /// What becomes of `value`, which stands at `path`. An unreadable member of an object is left out; one of an array
    /// becomes `null`, so that the others keep their places.
    pub(crate) fn rewrite(&mut self, path: &str, value: &RawValue, depth: usize) -> Rewritten {
        if depth > MAX_DEPTH {
            return Rewritten::Same;
        }
        match value.get().as_bytes().first() {
            Some(b'"') => match serde_json::from_str::<String>(value.get()) {
                // Half a surrogate pair is a string in JavaScript only.
                Err(_) => Rewritten::Same,
                Ok(text) => self.ask(path, &Leaf::Text(&text)),
            },
            Some(b'{') => self.rewrite_object(path, value.get(), depth),
            Some(b'[') => self.rewrite_array(path, value.get(), depth),
            _ => Rewritten::Same,
        }
    }

    fn ask(&mut self, path: &str, leaf: &Leaf<'_>) -> Rewritten {
        match (self.judge)(leaf) {
            Verdict::Same => Rewritten::Same,
            Verdict::Text(text) => Rewritten::Json(to_json(text.expose())),
            Verdict::Json(json) => Rewritten::Json(json),
            Verdict::Unreadable(why) => {
                self.unreadable.push((path.to_owned(), why));
                Rewritten::Gone
            }
        }
    }

    fn rewrite_object(&mut self, path: &str, json: &str, depth: usize) -> Rewritten {
        let Some(Members(members)) = parse(json) else {
            return Rewritten::Same;
        };
        if let Some(bytes) = buffer(&members) {
            return self.ask(path, &Leaf::Buffer(&bytes));
        }
        let mut out = String::with_capacity(json.len());
        let mut is_changed = false;
        for (name, value) in &members {
            let text = match self.rewrite(&format!("{path}.{name}"), value, depth + 1) {
                Rewritten::Same => value.get().to_owned(),
                Rewritten::Json(json) => {
                    is_changed = true;
                    json.expose().to_owned()
                }
                Rewritten::Gone => {
                    is_changed = true;
                    continue;
                }
            };
            out.push(if out.is_empty() { '{' } else { ',' });
            out.push_str(to_json(name).expose());
            out.push(':');
            out.push_str(&text);
        }
        if out.is_empty() {
            out.push('{');
        }
        out.push('}');
        changed(is_changed, out)
    }

    fn rewrite_array(&mut self, path: &str, json: &str, depth: usize) -> Rewritten {
        let Ok(values) = serde_json::from_str::<Vec<&RawValue>>(json) else {
            return Rewritten::Same;
        };
        let mut is_changed = false;
        let texts: Vec<String> = values
            .iter()
            .enumerate()
            .map(
                |(at, value)| match self.rewrite(&format!("{path}.{at}"), value, depth + 1) {
                    Rewritten::Same => value.get().to_owned(),
                    Rewritten::Json(json) => {
                        is_changed = true;
                        json.expose().to_owned()
                    }
                    Rewritten::Gone => {
                        is_changed = true;
                        "null".to_owned()
                    }
                },
            )
            .collect();
        changed(is_changed, format!("[{}]", texts.join(",")))
    }
}

fn changed(is_changed: bool, json: String) -> Rewritten {
    let json = SecretString::new(json);
    if is_changed {
        Rewritten::Json(json)
    } else {
        Rewritten::Same
    }
}

/// `text` as a JSON string.
fn to_json(text: &str) -> SecretString {
    SecretString::new(serde_json::Value::String(text.to_owned()).to_string())
}

/// `{"type":"Buffer","data":[…]}`, which is what `JSON.stringify` makes of a Buffer.
fn buffer(members: &[(String, &RawValue)]) -> Option<Vec<u8>> {
    let [(kind, is_buffer), (data, bytes)] = members else {
        return None;
    };
    if kind != "type" || is_buffer.get() != "\"Buffer\"" || data != "data" {
        return None;
    }
    serde_json::from_str(bytes.get()).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failing test may panic")]
mod tests {
    use super::*;

    fn rewritten(json: &str) -> (Option<String>, Vec<String>) {
        let mut judge = |leaf: &Leaf<'_>| match leaf {
            Leaf::Text("sealed") => Verdict::Text(SecretString::new("pl\"ain".into())),
            Leaf::Buffer([1, 2]) => Verdict::Text(SecretString::new("bytes".into())),
            Leaf::Text("bad") => Verdict::Unreadable("damaged"),
            _ => Verdict::Same,
        };
        let mut walk = Walk {
            judge: &mut judge,
            unreadable: Vec::new(),
        };
        let value: &RawValue = serde_json::from_str(json).unwrap();
        let json = match walk.rewrite("top", value, 0) {
            Rewritten::Same => None,
            Rewritten::Json(json) => Some(json.expose().to_owned()),
            Rewritten::Gone => Some("gone".to_owned()),
        };
        let places = walk.unreadable.into_iter().map(|(path, _)| path).collect();
        (json, places)
    }

    #[test]
    fn what_is_not_sealed_keeps_every_byte() {
        for json in [
            "1.0e400",
            "\"\\ud800\"",
            "{ \"b\" : 12345678901234567890, \"a\":[ ] }",
            "[1.10,\"x\"]",
        ] {
            assert_eq!(rewritten(json), (None, vec![]), "{json}");
        }
    }

    #[test]
    fn sealed_strings_are_found_at_any_depth_and_the_rest_stays() {
        let json = r#"{"z":1.10,"a":{"deep":["x","sealed"]},"b":{"type":"Buffer","data":[1,2]}}"#;
        let expected = r#"{"z":1.10,"a":{"deep":["x","pl\"ain"]},"b":"bytes"}"#;
        assert_eq!(rewritten(json), (Some(expected.to_owned()), vec![]));
    }

    #[test]
    fn what_cannot_be_read_is_left_out_and_named() {
        let json = r#"{"a":"bad","b":["bad",2],"c":3}"#;
        let expected = Some(r#"{"b":[null,2],"c":3}"#.to_owned());
        let places = vec!["top.a".to_owned(), "top.b.0".to_owned()];
        assert_eq!(rewritten(json), (expected, places));
        let none = rewritten(r#"{"a":"bad"}"#).0;
        assert_eq!(none, Some("{}".to_owned()));
    }

    #[test]
    fn a_value_that_is_nested_without_end_is_moved_as_it_is() {
        let deep = format!("{}\"sealed\"{}", "[".repeat(100), "]".repeat(100));
        assert_eq!(rewritten(&deep), (None, vec![]));
    }

    #[test]
    fn a_repeated_name_has_its_last_value_as_in_javascript() {
        let members = parse(r#"{"a":1,"b":2,"a":3}"#).unwrap().0;
        let shown: Vec<_> = members.iter().map(|(n, v)| (n.as_str(), v.get())).collect();
        assert_eq!(shown, [("a", "3"), ("b", "2")]);
        assert!(parse("[1]").is_none() && parse("null").is_none() && parse("").is_none());
    }
}
