//! Signing in on another device (RFC 8628).
#![forbid(unsafe_code)]

use super::Oidc;
use super::browser::asks_for;
use super::exchange::{Wanted, error_code, rejected};
use super::private::{Begun, BegunOnDevice, restore_key, stored_key};
use crate::oauth::{DEVICE_GRANT, DeviceAuthorization, Refusal, slower};
use crate::provider::{Awaits, Context, Pending, Step};
use crate::{Error, Result};

impl Oidc {
    pub(super) async fn begin_on_device(
        &self,
        cx: &Context<'_>,
        scope: Option<&str>,
    ) -> Result<Step> {
        let metadata = self.metadata(cx.http).await?;
        let endpoint = metadata.device_authorization.as_ref();
        let endpoint = endpoint.ok_or(Error::NotSupported("sign-in on another device"))?;
        let scope = scope.unwrap_or(&self.scope);
        let mut fields = vec![("scope", scope)];
        fields.extend(
            self.audience
                .as_deref()
                .map(|audience| ("audience", audience)),
        );
        let response = self.post(cx, endpoint, &fields, None).await?;
        if !response.status.is_success() {
            return Err(rejected(&response)?);
        }
        let device = DeviceAuthorization::parse(&response.body)?;
        let key = self.new_key()?;
        pending(BegunOnDevice {
            expires_at_ms: cx.now_ms.saturating_add(device.expires_in_ms),
            device_code: device.device_code,
            user_code: device.user_code,
            verification_uri: device.verification_uri,
            verification_uri_complete: device.verification_uri_complete,
            interval_ms: device.interval_ms,
            openid: asks_for(scope, "openid"),
            dpop_key: stored_key(key.as_ref()),
        })
    }

    /// Asks once.
    pub(super) async fn poll_device(
        &self,
        cx: &Context<'_>,
        mut begun: BegunOnDevice,
    ) -> Result<Step> {
        let token = &self.metadata(cx.http).await?.token;
        let key = restore_key(begun.dpop_key.as_ref())?;
        let fields = [
            ("grant_type", DEVICE_GRANT),
            ("device_code", begun.device_code.as_str()),
        ];
        let response = self.post(cx, token, &fields, key.as_ref()).await?;
        if !response.status.is_success() {
            return match Refusal::of(&error_code(&response)?) {
                Refusal::NotYet => pending(begun),
                Refusal::TooFast => {
                    begun.interval_ms = slower(begun.interval_ms);
                    pending(begun)
                }
                Refusal::Denied => Err(Error::AccessDenied("ACCESS_DENIED".to_owned())),
                Refusal::Expired => Err(Error::SignInExpired),
                Refusal::Other => Err(rejected(&response)?),
            };
        }
        let wanted = Wanted {
            key: key.as_ref(),
            openid: begun.openid,
            ..Wanted::default()
        };
        let grant = self.granted(cx, &response, &wanted).await?;
        Ok(Step::Complete(grant))
    }
}

fn pending(begun: BegunOnDevice) -> Result<Step> {
    Ok(Step::Pending(Pending {
        awaits: Awaits::Device {
            user_code: begun.user_code.clone(),
            verification_uri: begun.verification_uri.clone(),
            verification_uri_complete: begun.verification_uri_complete.clone(),
            interval_ms: begun.interval_ms,
        },
        expires_at_ms: begun.expires_at_ms,
        state: Begun::Device(begun).seal()?,
    }))
}
