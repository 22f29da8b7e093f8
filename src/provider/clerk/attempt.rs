//! A sign-in, a sign-up or a step-up under way: what each of its states asks of the person.
#![forbid(unsafe_code)]

use super::answers::{AttemptAnswer, FactorAnswer, SignUpAnswer};
use crate::provider::{Awaits, Factor, Pending};
use crate::secret::SecretString;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// How long a person may take over one step. Clerk's codes live as long.
const STEP_LIFETIME_MS: u64 = 10 * 60_000;
/// The ways to prove who one is that are carried by something to type.
const TYPED: [&str; 5] = [
    "password",
    "email_code",
    "phone_code",
    "totp",
    "backup_code",
];
/// Of these, those that have to be sent first.
const SENT: [&str; 2] = ["email_code", "phone_code"];

/// What has to be known for the next step.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Attempt {
    pub(super) kind: Kind,
    /// The device it is made on.
    pub(super) device: String,
    pub(super) id: String,
    factors: Vec<Known>,
    expires_at_ms: u64,
}

/// What it is an attempt at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    SignIn,
    SignUp,
    /// The person of this session is to be proven anew.
    Verification {
        session: String,
    },
}

/// A factor, and the address that its code goes to.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Known {
    factor: Factor,
    email_address: Option<String>,
    phone_number: Option<String>,
}

impl Attempt {
    /// An attempt that waits for a factor of either kind.
    ///
    /// # Errors
    /// `ERR_SECOND_FACTOR_REQUIRED` when none of those it could have can be typed.
    pub(super) fn awaiting(
        kind: Kind,
        device: &str,
        answer: AttemptAnswer,
        now_ms: u64,
    ) -> Result<Self> {
        let first = answer.status == "needs_first_factor";
        let offered = if first {
            answer.supported_first_factors
        } else {
            answer.supported_second_factors
        };
        let factors: Vec<Known> = offered
            .into_iter()
            .flatten()
            .filter(|offered| TYPED.contains(&offered.strategy.as_str()))
            .map(|offered| Known::of(offered, first))
            .collect();
        if factors.is_empty() {
            return Err(Error::SecondFactorRequired);
        }
        Ok(Self {
            kind,
            device: device.to_owned(),
            id: answer.id,
            factors,
            expires_at_ms: now_ms.saturating_add(STEP_LIFETIME_MS),
        })
    }

    /// A sign-in that the browser brings to its end.
    pub(super) fn in_browser(device: &str, id: String, now_ms: u64) -> Self {
        Self {
            kind: Kind::SignIn,
            device: device.to_owned(),
            id,
            factors: Vec::new(),
            expires_at_ms: now_ms.saturating_add(STEP_LIFETIME_MS),
        }
    }

    /// A sign-up whose e-mail address is to be verified.
    pub(super) fn of_sign_up(device: &str, answer: SignUpAnswer, now_ms: u64) -> Self {
        let factor = Factor {
            strategy: "email_code".to_owned(),
            hint: answer.email_address,
            sent: false,
            first: true,
        };
        Self {
            kind: Kind::SignUp,
            device: device.to_owned(),
            id: answer.id,
            factors: vec![Known {
                factor,
                email_address: None,
                phone_number: None,
            }],
            expires_at_ms: now_ms.saturating_add(STEP_LIFETIME_MS),
        }
    }

    pub(super) fn parse(state: &SecretString) -> Result<Self> {
        serde_json::from_str(state.expose()).map_err(|_| Error::SignInExpired)
    }

    /// Waits for what this attempt awaits: a code, or the browser.
    pub(super) fn pending(self, browser: Option<Awaits>) -> Result<Pending> {
        let state = serde_json::to_string(&self)
            .map_err(|_| Error::Internal("a sign-in of Clerk's is not writable"))?;
        Ok(Pending {
            expires_at_ms: self.expires_at_ms,
            awaits: browser.unwrap_or_else(|| Awaits::Code {
                factors: self.factors.into_iter().map(|known| known.factor).collect(),
            }),
            state: SecretString::new(state),
        })
    }

    /// Where its steps are sent to.
    pub(super) fn path(&self) -> String {
        match &self.kind {
            Kind::SignIn => format!("/client/sign_ins/{}", self.id),
            Kind::SignUp => format!("/client/sign_ups/{}", self.id),
            Kind::Verification { session } => format!("/client/sessions/{session}/verify"),
        }
    }

    /// The step that `prepare`s or `attempt`s this factor.
    pub(super) fn step(&self, verb: &str, strategy: &str) -> Result<String> {
        let path = self.path();
        let known = self.known(strategy)?;
        Ok(match (&self.kind, known.factor.first) {
            (Kind::SignUp, _) => format!("{path}/{verb}_verification"),
            (_, true) => format!("{path}/{verb}_first_factor"),
            (_, false) => format!("{path}/{verb}_second_factor"),
        })
    }

    /// What is sent to have this factor's code sent.
    ///
    /// # Errors
    /// `ERR_INVALID_ARGUMENT` for a factor that sends none.
    pub(super) fn preparation(&self, strategy: &str) -> Result<Vec<(&'static str, String)>> {
        let known = self.known(strategy)?;
        if !SENT.contains(&strategy) {
            return Err(Error::InvalidArgument(
                "No code is sent for this strategy.".to_owned(),
            ));
        }
        let mut fields = vec![("strategy", strategy.to_owned())];
        if let Some(id) = &known.email_address {
            fields.push(("email_address_id", id.clone()));
        }
        if let Some(id) = &known.phone_number {
            fields.push(("phone_number_id", id.clone()));
        }
        Ok(fields)
    }

    /// A code is on its way.
    pub(super) fn sent(&mut self, strategy: &str, now_ms: u64) {
        self.expires_at_ms = now_ms.saturating_add(STEP_LIFETIME_MS);
        for known in &mut self.factors {
            if known.factor.strategy == strategy {
                known.factor.sent = true;
            }
        }
    }

    /// The factor to have a code sent for without asking: the first that can be sent.
    pub(super) fn first_sent(&self) -> Option<String> {
        let sent = |known: &&Known| SENT.contains(&known.factor.strategy.as_str());
        let known = self.factors.iter().find(sent)?;
        Some(known.factor.strategy.clone())
    }

    fn known(&self, strategy: &str) -> Result<&Known> {
        let found = self
            .factors
            .iter()
            .find(|known| known.factor.strategy == strategy);
        found.ok_or_else(|| {
            Error::InvalidArgument(
                "strategy must be one of the factors that the sign-in waits for.".to_owned(),
            )
        })
    }
}

impl Known {
    fn of(offered: FactorAnswer, first: bool) -> Self {
        Self {
            factor: Factor {
                sent: !SENT.contains(&offered.strategy.as_str()),
                strategy: offered.strategy,
                hint: offered.safe_identifier,
                first,
            },
            email_address: offered.email_address_id,
            phone_number: offered.phone_number_id,
        }
    }
}
