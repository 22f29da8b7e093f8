//! What `/user_management/authenticate` grants.
#![forbid(unsafe_code)]

use super::{Claims, Secret};
use crate::provider::token_answer::{claims_of, lifetime_ms};
use crate::provider::{Credentials, Grant, User};
use crate::secret::SecretString;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An answer that grants tokens.
#[derive(Deserialize)]
pub(super) struct Authenticated {
    user: UserAnswer,
    access_token: Secret,
    refresh_token: Secret,
    #[serde(flatten)]
    told: Told,
}

#[derive(Deserialize)]
struct UserAnswer {
    id: String,
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    profile_picture_url: Option<String>,
    email_verified: Option<bool>,
}

/// What the answer tells of the sign-in and the tokens do not.
#[derive(Default, Serialize, Deserialize)]
struct Told {
    #[serde(skip_serializing_if = "Option::is_none")]
    authentication_method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    impersonator: Option<Value>,
}

impl Authenticated {
    /// # Errors
    /// `ERR_UNEXPECTED_RESPONSE` for anything without a user and two tokens.
    pub(super) fn parse(body: &[u8]) -> Result<Self> {
        let is_whole = |answer: &Self| {
            let texts = [
                &answer.user.id,
                &*answer.access_token,
                &*answer.refresh_token,
            ];
            texts.iter().all(|text| !text.is_empty())
        };
        serde_json::from_slice(body)
            .ok()
            .filter(is_whole)
            .ok_or(Error::UnexpectedResponse(
                "no user and tokens in the answer",
            ))
    }

    /// Whose tokens they are.
    pub(super) fn user_id(&self) -> &str {
        &self.user.id
    }

    pub(super) fn into_grant(self, now_ms: u64) -> Grant {
        let take = |mut token: Secret| SecretString::new(std::mem::take(&mut *token));
        Grant {
            credentials: Credentials {
                // A difference of two of the server's times: no clock here matters.
                expires_at_ms: lifetime_ms(&self.access_token)
                    .map(|lifetime_ms| now_ms.saturating_add(lifetime_ms)),
                access_token: take(self.access_token),
                refresh_token: Some(take(self.refresh_token)),
                confirmed_at_ms: now_ms,
                sliding: true,
                private: self.told.sealed(),
            },
            user: self.user.into(),
        }
    }

    /// The grant that renews `before`, the session of `known`.
    ///
    /// # Errors
    /// `ERR_UNEXPECTED_RESPONSE` when it is somebody else's.
    pub(super) fn into_renewed(
        mut self,
        before: &Credentials,
        known: &User,
        now_ms: u64,
    ) -> Result<Grant> {
        if self.user.id != known.id {
            return Err(Error::UnexpectedResponse("a refresh for somebody else"));
        }
        let told = Told::of(before);
        let Told {
            authentication_method,
            impersonator,
        } = &mut self.told;
        *authentication_method = authentication_method.take().or(told.authentication_method);
        *impersonator = impersonator.take().or(told.impersonator);
        Ok(self.into_grant(now_ms))
    }
}

impl From<UserAnswer> for User {
    fn from(user: UserAnswer) -> Self {
        let names = [user.first_name, user.last_name];
        let names: Vec<String> = names
            .into_iter()
            .flatten()
            .filter(|name| !name.is_empty())
            .collect();
        Self {
            id: user.id,
            email: user.email,
            name: (!names.is_empty()).then(|| names.join(" ")),
            image: user.profile_picture_url,
            email_verified: user.email_verified,
        }
    }
}

impl Told {
    fn of(credentials: &Credentials) -> Self {
        let told = credentials.private.as_ref();
        told.and_then(|told| serde_json::from_str(told.expose()).ok())
            .unwrap_or_default()
    }

    fn sealed(&self) -> Option<SecretString> {
        serde_json::to_string(self).ok().map(SecretString::new)
    }
}

/// The claims of the access token, and with them what the answer told beside it.
pub(super) fn claims(credentials: &Credentials) -> Option<Value> {
    let mut claims: Map<String, Value> = claims_of(credentials.access_token.expose())?;
    if let Ok(Value::Object(told)) = serde_json::to_value(Told::of(credentials)) {
        for (name, value) in told {
            claims.entry(name).or_insert(value);
        }
    }
    Some(Value::Object(claims))
}

/// The session on the server that the access token is of.
pub(super) fn session_id(credentials: &Credentials) -> Option<String> {
    Claims::of(credentials)?.sid
}

/// Whose the access token is, as far as it tells.
///
/// # Errors
/// `ERR_INVALID_ARGUMENT` when it is no JWT of somebody.
pub(super) fn subject_of(credentials: &Credentials) -> Result<User> {
    let claims = Claims::of(credentials).filter(|claims| !claims.sub.is_empty());
    let claims = claims.ok_or_else(|| {
        Error::InvalidArgument("user is missing, and accessToken does not tell it.".to_owned())
    })?;
    Ok(User {
        id: claims.sub,
        email: None,
        name: None,
        image: None,
        email_verified: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use serde_json::json;

    fn token(claims: &Value) -> String {
        let payload = BASE64_URL_SAFE_NO_PAD.encode(claims.to_string());
        format!("e30.{payload}.c2ln")
    }

    fn answer(changes: &Value) -> Authenticated {
        let mut body = json!({
            "user": { "object": "user", "id": "user_1", "email": "ada@example.com", "first_name": "Ada",
                "last_name": "Lovelace", "email_verified": true, "profile_picture_url": null, "metadata": {} },
            "access_token": token(&json!({ "sub": "user_1", "sid": "session_1", "iat": 100, "exp": 400 })),
            "refresh_token": "r",
            "organization_id": "org_1",
        });
        for (name, value) in changes.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        Authenticated::parse(body.to_string().as_bytes()).unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn an_answer_is_a_grant_for_as_long_as_its_token_lives() {
        let grant = answer(&Value::Null).into_grant(5_000);
        assert_eq!(grant.credentials.expires_at_ms, Some(305_000));
        let ada = User {
            id: "user_1".to_owned(),
            email: Some("ada@example.com".to_owned()),
            name: Some("Ada Lovelace".to_owned()),
            image: None,
            email_verified: Some(true),
        };
        assert_eq!(grant.user, ada);
        assert_eq!(session_id(&grant.credentials).as_deref(), Some("session_1"));
    }

    #[test]
    fn a_name_is_what_there_is_of_it() {
        let name = |first: Value, last: Value| {
            let user = json!({ "id": "u", "first_name": first, "last_name": last });
            answer(&json!({ "user": user })).into_grant(0).user.name
        };
        assert_eq!(name(json!("Ada"), Value::Null).as_deref(), Some("Ada"));
        assert_eq!(
            name(json!(""), json!("Lovelace")).as_deref(),
            Some("Lovelace")
        );
        assert_eq!(name(Value::Null, Value::Null), None);
    }

    #[test]
    fn how_somebody_signed_in_is_known_after_a_refresh_that_does_not_say_it() {
        let impersonator = json!({ "email": "admin@example.com", "reason": "support" });
        let first = answer(
            &json!({ "authentication_method": "Impersonation", "impersonator": impersonator }),
        );
        let first = first.into_grant(0);
        let renewed = answer(&Value::Null).into_renewed(&first.credentials, &first.user, 0);
        let renewed = renewed.unwrap_or_else(|e| panic!("{e}"));
        let claims = claims(&renewed.credentials).unwrap_or_default();
        assert_eq!(claims["authentication_method"], "Impersonation");
        assert_eq!(claims["impersonator"], impersonator);
        assert_eq!(claims["sid"], "session_1");
    }

    #[test]
    fn a_refresh_for_somebody_else_is_none() {
        let first = answer(&Value::Null).into_grant(0);
        let other = answer(&json!({ "user": { "id": "user_2" } }));
        let renewed = other.into_renewed(&first.credentials, &first.user, 0);
        let code = renewed.map_err(|error| error.code()).err();
        assert_eq!(code, Some("ERR_UNEXPECTED_RESPONSE"));
    }

    #[test]
    fn what_is_no_grant_is_an_error() {
        for wrong in [
            "",
            "{}",
            "null",
            "<html>",
            r#"{"access_token":"a","refresh_token":"r"}"#,
            r#"{"access_token":"a","user":{"id":"u"}}"#,
            r#"{"access_token":"","refresh_token":"r","user":{"id":"u"}}"#,
            r#"{"access_token":"a","refresh_token":"r","user":{"id":""}}"#,
        ] {
            let code = Authenticated::parse(wrong.as_bytes()).map_err(|error| error.code());
            assert_eq!(code.err(), Some("ERR_UNEXPECTED_RESPONSE"), "{wrong}");
        }
    }
}
