//! Stand-ins for tokens: what a page sees in place of each token in an answer, and may send back.
#![forbid(unsafe_code)]

use crate::secret::{SecretString, fill_random};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// How many tokens are remembered: more than any list of sessions a person looks at.
const MAX_HANDLES: usize = 512;
/// Field names under which providers send tokens.
const TOKEN_FIELDS: [&str; 9] = [
    "token",
    "accessToken",
    "access_token",
    "refreshToken",
    "refresh_token",
    "idToken",
    "id_token",
    "sessionToken",
    "jwt",
];

/// Tokens and their handles, the oldest forgotten first.
#[derive(Debug, Default)]
pub(crate) struct Handles(Mutex<VecDeque<(String, SecretString)>>);

impl Handles {
    /// Replaces every token in a JSON value by its handle.
    pub(crate) fn cut(&self, value: &mut Value) {
        visit_tokens(value, &mut |text| {
            if !text.is_empty() && !text.starts_with(PREFIX) {
                let token = SecretString::new(std::mem::take(text));
                *text = self.handle(token);
            }
        });
    }

    /// Replaces every known handle in a JSON value by its token. Says whether there was one.
    pub(crate) fn restore(&self, value: &mut Value) -> bool {
        let mut restored = false;
        visit_tokens(value, &mut |text| {
            let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, token)) = table.iter().find(|(handle, _)| handle == text) {
                *text = token.expose().to_owned();
                restored = true;
            }
        });
        restored
    }

    fn handle(&self, token: SecretString) -> String {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((handle, _)) = table.iter().find(|(_, known)| *known == token) {
            return handle.clone();
        }
        let mut random = [0; 16];
        if fill_random(&mut random).is_err() {
            // Without a handle the token is still cut; it only cannot be sent back.
            return PREFIX.to_owned();
        }
        let handle = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
        if table.len() == MAX_HANDLES {
            table.pop_front();
        }
        table.push_back((handle.clone(), token));
        handle
    }
}

const PREFIX: &str = "latchkey:";

fn visit_tokens(value: &mut Value, visit: &mut impl FnMut(&mut String)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| visit_tokens(item, visit)),
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::String(text) if TOKEN_FIELDS.contains(&name.as_str()) => visit(text),
                    other => visit_tokens(other, visit),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tokens_are_cut_wherever_they_stand_and_come_back() {
        let handles = Handles::default();
        let original = json!({
            "token": "secret-1",
            "user": { "name": "secret-less", "token": null },
            "session": { "token": "secret-2", "id": "s" },
            "list": [{ "token": "secret-1" }, { "accessToken": "secret-3" }],
        });
        let mut cut = original.clone();
        handles.cut(&mut cut);
        assert!(!cut.to_string().contains("secret-1"), "{cut}");
        assert!(!cut.to_string().contains("secret-2"), "{cut}");
        assert!(!cut.to_string().contains("secret-3"), "{cut}");
        assert_eq!(cut["token"], cut["list"][0]["token"]);
        assert_eq!(cut["user"], original["user"]);
        let again = cut.clone();
        handles.cut(&mut cut);
        assert_eq!(cut, again, "handles are not cut again");
        assert!(handles.restore(&mut cut));
        assert_eq!(cut, original);
    }

    #[test]
    fn a_handle_nobody_gave_is_left_alone() {
        let mut value = json!({ "token": "latchkey:invented" });
        assert!(!Handles::default().restore(&mut value));
        assert_eq!(value, json!({ "token": "latchkey:invented" }));
    }

    #[test]
    fn only_so_many_are_remembered() {
        let handles = Handles::default();
        for number in 0..MAX_HANDLES + 10 {
            handles.cut(&mut json!({ "token": number.to_string() }));
        }
        let table = handles.0.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(table.len(), MAX_HANDLES);
    }
}
