//! The person's sessions. The server ends one by its token; here each goes by its identifier, and no token leaves.

use super::BetterAuth;
use super::answers::{check_accepted, parse_time};
use crate::http::{Method, Request};
use crate::provider::{Context, Credentials, RemoteSession};
use crate::{Error, Result};
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SessionAnswer {
    id: String,
    token: Zeroizing<String>,
    created_at: Option<String>,
    updated_at: Option<String>,
    expires_at: Option<String>,
    ip_address: Option<String>,
    user_agent: Option<String>,
}

impl BetterAuth {
    async fn listed(
        &self,
        cx: &Context<'_>,
        credentials: &Credentials,
    ) -> Result<Vec<SessionAnswer>> {
        let mut request = Request::new(Method::GET, self.route("/list-sessions"));
        request.authorize(credentials.access_token.expose())?;
        let response = cx.http.send(request).await?;
        check_accepted(&response)?;
        let unexpected = |_| Error::UnexpectedResponse("a list of sessions that is none");
        serde_json::from_slice(&response.body).map_err(unexpected)
    }

    pub(super) async fn list_sessions(
        &self,
        cx: &Context<'_>,
        credentials: &Credentials,
    ) -> Result<Vec<RemoteSession>> {
        // The token in the list is the part before the signature.
        let own = credentials.access_token.expose();
        let own = own.split_once('.').map_or(own, |(key, _)| key);
        let time = |text: &Option<String>| text.as_deref().and_then(parse_time);
        let text = |text: Option<String>| text.filter(|text| !text.is_empty());
        let listed = self.listed(cx, credentials).await?.into_iter();
        Ok(listed
            .map(|session| RemoteSession {
                current: *session.token == own,
                created_at_ms: time(&session.created_at),
                active_at_ms: time(&session.updated_at),
                expires_at_ms: time(&session.expires_at),
                ip_address: text(session.ip_address),
                user_agent: text(session.user_agent),
                id: session.id,
            })
            .collect())
    }

    pub(super) async fn revoke_session(
        &self,
        cx: &Context<'_>,
        credentials: &Credentials,
        id: &str,
    ) -> Result<()> {
        let listed = self.listed(cx, credentials).await?.into_iter();
        // One that is not there any more has ended already.
        let Some(session) = listed.into_iter().find(|session| session.id == id) else {
            return Ok(());
        };
        let body = json!({ "token": *session.token });
        let mut request = self.post("/revoke-session", &body);
        request.authorize(credentials.access_token.expose())?;
        check_accepted(&cx.http.send(request).await?)
    }
}
