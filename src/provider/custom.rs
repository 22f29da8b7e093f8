//! Tokens from the application itself: whatever signs people in there, the session around it is the same.
#![forbid(unsafe_code)]

use super::token_answer::{Claims, claims_of, end_ms};
use super::{
    Context, Credentials, Grant, Provider, Renewal, SignIn, Step, Switch, User, check_no_switch,
};
use crate::http::{Origin, Url, parse_url};
use crate::secret::SecretString;
use crate::{Error, Result};
use async_trait::async_trait;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

/// How long the application may take to bring a token.
pub const SOURCE_TIMEOUT: Duration = Duration::from_secs(30);
/// Longer ones are a mistake: it is part of a key in the vault.
const MAX_ID_BYTES: usize = 256;
/// Where nothing is (RFC 2606 section 2): the address of a provider that has none.
const NOWHERE: &str = "https://custom.invalid/";

/// Where the application's tokens come from.
#[async_trait]
pub trait TokenSource: Debug + Send + Sync + 'static {
    /// A token that is good now. `None`: nobody is signed in there, or not any more.
    ///
    /// # Errors
    /// Whatever kept it from saying: the session stands then, offline.
    async fn token(&self, why: TokenReason, user: Option<&User>) -> Result<Option<SourceToken>>;
}

/// What a token is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenReason {
    /// Somebody signs in.
    SignIn,
    /// The token at hand is due.
    Renew,
}

/// A token of the application's.
#[derive(Debug)]
pub struct SourceToken {
    /// The token.
    pub access_token: SecretString,
    /// When it ends, in milliseconds since 1970 by the local clock. `None`: as a JWT says of itself, or unknown.
    pub expires_at_ms: Option<u64>,
    /// Whose it is. `None`: as a JWT says of itself, or whose it was before.
    pub user: Option<User>,
}

/// A provider of the application's own.
#[derive(Debug)]
pub struct Custom {
    id: String,
    base_url: Url,
    source: Arc<dyn TokenSource>,
}

impl Custom {
    /// `id` names the kind of token: a stored session is used with no other. `base_url`: whose origin may receive the token.
    ///
    /// # Errors
    /// `ERR_INVALID_ARGUMENT` for an empty or very long identifier, and a URL that is neither https nor http on loopback.
    pub fn new(id: String, base_url: Option<&str>, source: Arc<dyn TokenSource>) -> Result<Self> {
        if !(1..=MAX_ID_BYTES).contains(&id.len()) {
            return Err(Error::InvalidArgument(format!(
                "provider.id must have 1 to {MAX_ID_BYTES} bytes."
            )));
        }
        let base_url = parse_url(base_url.unwrap_or(NOWHERE))?;
        Origin::of(&base_url)?;
        Ok(Self {
            id,
            base_url,
            source,
        })
    }

    async fn ask(&self, why: TokenReason, user: Option<&User>) -> Result<Option<SourceToken>> {
        let asking = self.source.token(why, user);
        match tokio::time::timeout(SOURCE_TIMEOUT, asking).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::Timeout {
                timeout_ms: u64::try_from(SOURCE_TIMEOUT.as_millis()).unwrap_or(u64::MAX),
                sent: true,
            }),
        }
    }
}

impl SourceToken {
    fn into_grant(self, known: Option<&User>, now_ms: u64) -> Result<Grant> {
        let token = self.access_token.expose();
        if token.is_empty() {
            return Err(Error::UnexpectedResponse("getToken gave no access token"));
        }
        let user = self
            .user
            .or_else(|| known.cloned())
            .or_else(|| claims_of::<Claims>(token).map(User::from))
            .ok_or_else(|| {
                Error::InvalidArgument(
                    "getToken must say whose the token is: it is no JWT that does.".to_owned(),
                )
            })?;
        Ok(Grant {
            credentials: Credentials {
                expires_at_ms: self.expires_at_ms.or_else(|| end_ms(token)),
                access_token: self.access_token,
                refresh_token: None,
                confirmed_at_ms: now_ms,
                sliding: true,
                private: None,
            },
            user,
        })
    }
}

#[async_trait]
impl Provider for Custom {
    fn identity(&self) -> String {
        format!("custom {}", self.id)
    }

    fn base_url(&self) -> &Url {
        &self.base_url
    }

    async fn sign_in(&self, cx: &Context<'_>, how: SignIn) -> Result<Step> {
        if !matches!(how, SignIn::Custom) {
            return Err(Error::NotSupported("any method but 'custom'"));
        }
        let token = self.ask(TokenReason::SignIn, None).await?;
        let token = token.ok_or(Error::NotSignedIn)?;
        token.into_grant(None, cx.now_ms).map(Step::Complete)
    }

    async fn renew(
        &self,
        cx: &Context<'_>,
        credentials: &Credentials,
        user: &User,
        switch: Option<&Switch>,
    ) -> Result<Renewal> {
        check_no_switch(switch)?;
        let Some(token) = self.ask(TokenReason::Renew, Some(user)).await? else {
            return Ok(Renewal::Over);
        };
        let is_other = match &token.user {
            Some(said) => said.id != user.id,
            // Of a JWT the subject says it, which need not be what the application calls the person.
            None => {
                let before = subject(credentials.access_token.expose());
                let now = subject(token.access_token.expose());
                before.is_some() && now.is_some() && before != now
            }
        };
        // Somebody else is signed in there now: this person is not.
        if is_other {
            return Ok(Renewal::Over);
        }
        token
            .into_grant(Some(user), cx.now_ms)
            .map(Renewal::Renewed)
    }

    /// Signing out where the tokens come from is the application's own affair.
    async fn revoke(&self, _cx: &Context<'_>, _credentials: &Credentials) -> Result<()> {
        Ok(())
    }
}

fn subject(token: &str) -> Option<String> {
    claims_of::<Claims>(token).map(Claims::into_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;

    fn token(access_token: &str) -> SourceToken {
        SourceToken {
            access_token: SecretString::new(access_token.to_owned()),
            expires_at_ms: None,
            user: None,
        }
    }

    #[test]
    fn what_the_application_does_not_say_a_jwt_says_of_itself() {
        let claims = BASE64_URL_SAFE_NO_PAD.encode(r#"{"sub":"u1","exp":60,"iat":0}"#);
        let grant = token(&format!("e30.{claims}.c2ln")).into_grant(None, 1_000);
        let grant = grant.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(grant.user.id, "u1");
        assert_eq!(grant.credentials.expires_at_ms, Some(60_000));
    }

    #[test]
    fn an_opaque_token_needs_to_be_somebodys() {
        let code = |token: SourceToken, known: Option<&User>| {
            token
                .into_grant(known, 0)
                .map_err(|error| error.code())
                .err()
        };
        assert_eq!(code(token("opaque"), None), Some("ERR_INVALID_ARGUMENT"));
        assert_eq!(code(token(""), None), Some("ERR_UNEXPECTED_RESPONSE"));
        let known = User {
            id: "u1".to_owned(),
            email: None,
            name: None,
            image: None,
            email_verified: None,
        };
        assert_eq!(code(token("opaque"), Some(&known)), None);
    }
}
