//! A provider that does as it is told, and the world its sessions live in: a real vault, and a clock that stands still.

use async_trait::async_trait;
use electron_latchkey::clock::{Clock, ManualClock};
use electron_latchkey::http::Url;
use electron_latchkey::keychain::MemoryKeychain;
use electron_latchkey::provider::{
    self, Awaits, Context, Credentials, Factor, Grant, Identifier, Pending, Provider, Renewal,
    SignIn, Spending, Step, Switch, User,
};
use electron_latchkey::secret::SecretString;
use electron_latchkey::session::{Session, SessionOptions, Snapshot, State};
use electron_latchkey::vault::{KeySource, Vault, VaultOptions};
use electron_latchkey::{Error, Result};
use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::Semaphore;

pub(crate) const MINUTE: u64 = 60_000;

/// What the server is told to answer to a renewal.
#[derive(Debug)]
pub(crate) enum Answer {
    Renewed,
    Over,
    Trouble(Error),
    /// The server renews, and its answer is lost.
    Lost,
}

/// A provider that rotates its tokens with each renewal, and renews only when let.
#[derive(Debug)]
pub(crate) struct Scripted {
    base_url: Url,
    spending: Spending,
    answers: Mutex<VecDeque<Answer>>,
    renewals: AtomicUsize,
    pub(crate) unreachable: AtomicBool,
    pub(crate) revoked: Mutex<BTreeSet<String>>,
    /// Refresh tokens that were sent and taken.
    spent: Mutex<BTreeSet<String>>,
    /// Refresh tokens that were sent after they had been taken.
    pub(crate) reused: AtomicUsize,
    gate: Semaphore,
    begun: AtomicUsize,
    pub(crate) switches: Mutex<Vec<Switch>>,
}

/// Where the browser comes back to.
pub(crate) const APP_CALLBACK: &str = "com.example.app:/callback";

fn code_awaited() -> Awaits {
    let factor = Factor {
        strategy: "totp".to_owned(),
        hint: None,
        sent: true,
        first: false,
    };
    Awaits::Code {
        factors: vec![factor],
    }
}

impl Scripted {
    fn at(base_url: &str, spending: Spending) -> Arc<Self> {
        Arc::new(Self {
            base_url: Url::parse(base_url).unwrap(),
            spending,
            answers: Mutex::default(),
            renewals: AtomicUsize::new(0),
            unreachable: AtomicBool::new(false),
            revoked: Mutex::default(),
            spent: Mutex::default(),
            reused: AtomicUsize::new(0),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
            begun: AtomicUsize::new(0),
            switches: Mutex::default(),
        })
    }

    pub(crate) fn answer(&self, answer: Answer) {
        self.answers.lock().unwrap().push_back(answer);
    }

    pub(crate) fn renewals(&self) -> usize {
        self.renewals.load(Ordering::SeqCst)
    }

    pub(crate) fn revoked(&self) -> Vec<String> {
        self.revoked.lock().unwrap().iter().cloned().collect()
    }

    pub(crate) fn hold(&self) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub(crate) fn release(&self) {
        self.gate.add_permits(Semaphore::MAX_PERMITS);
    }

    fn grant(number: usize, now_ms: u64) -> Grant {
        Grant {
            credentials: Credentials {
                access_token: SecretString::new(format!("token-{number}")),
                refresh_token: Some(SecretString::new(format!("refresh-{number}"))),
                expires_at_ms: Some(now_ms + MINUTE),
                confirmed_at_ms: now_ms,
                sliding: true,
                private: None,
            },
            user: User {
                id: "u1".to_owned(),
                email: Some("a@example.com".to_owned()),
                name: None,
                image: None,
                email_verified: None,
            },
        }
    }

    fn pending(cx: &Context<'_>, awaits: Awaits) -> Step {
        Step::Pending(Pending {
            awaits,
            state: SecretString::new("what the provider noted".to_owned()),
            expires_at_ms: cx.now_ms + 10 * MINUTE,
        })
    }

    fn spend(&self, credentials: &Credentials) {
        let token = credentials.refresh_token.as_ref().unwrap().expose();
        if !self.spent.lock().unwrap().insert(token.to_owned()) {
            self.reused.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[async_trait]
impl Provider for Scripted {
    fn identity(&self) -> String {
        format!("scripted {}", self.base_url)
    }

    fn base_url(&self) -> &Url {
        &self.base_url
    }

    async fn sign_in(&self, cx: &Context<'_>, how: SignIn) -> Result<Step> {
        match how {
            SignIn::Password { password, .. } if password.expose() == "right" => {
                Ok(Step::Complete(Self::grant(0, cx.now_ms)))
            }
            SignIn::Browser(browser) => {
                let callback_state = format!("state-{}", self.begun.fetch_add(1, Ordering::SeqCst));
                let redirect_uri = browser.redirect_uri.unwrap_or(APP_CALLBACK.to_owned());
                Ok(Self::pending(
                    cx,
                    Awaits::Browser {
                        url: format!("https://auth.example.com/authorize?state={callback_state}"),
                        redirect_uri,
                        callback_state,
                    },
                ))
            }
            SignIn::Device { .. } => Ok(Self::pending(
                cx,
                Awaits::Device {
                    user_code: "ABCD-EFGH".to_owned(),
                    verification_uri: "https://auth.example.com/device".to_owned(),
                    verification_uri_complete: None,
                    interval_ms: 1,
                },
            )),
            SignIn::Code { .. } => Ok(Self::pending(cx, code_awaited())),
            SignIn::StepUp { .. } => Ok(Step::SteppedUp(Self::grant(0, cx.now_ms))),
            _ => Err(Error::InvalidCredentials),
        }
    }

    async fn proceed(
        &self,
        cx: &Context<'_>,
        state: &SecretString,
        answer: provider::Answer,
    ) -> Result<Step> {
        assert_eq!(state.expose(), "what the provider noted");
        let complete = || Ok(Step::Complete(Self::grant(0, cx.now_ms)));
        match answer {
            provider::Answer::Callback(callback) => match callback.get("code") {
                Some("right") => complete(),
                Some("factor") => Ok(Self::pending(cx, code_awaited())),
                Some("unreachable") if self.unreachable.load(Ordering::SeqCst) => Err(REFUSED),
                Some("unreachable") => complete(),
                _ => Err(Error::AccessDenied("ACCESS_DENIED".to_owned())),
            },
            provider::Answer::Code { code, .. } if code.expose() == "123456" => complete(),
            provider::Answer::Code { code, .. } if code.expose() == "too many" => {
                Err(Error::SignInExpired)
            }
            provider::Answer::Code { .. } => Err(Error::InvalidCode),
            provider::Answer::SendCode { .. } => Ok(Self::pending(cx, code_awaited())),
            provider::Answer::Poll => {
                let _permit = self.gate.acquire().await.unwrap();
                let answer = self.answers.lock().unwrap().pop_front();
                match answer {
                    Some(Answer::Trouble(error)) => Err(error),
                    Some(Answer::Renewed) => complete(),
                    _ => Ok(Self::pending(
                        cx,
                        Awaits::Device {
                            user_code: "ABCD-EFGH".to_owned(),
                            verification_uri: "https://auth.example.com/device".to_owned(),
                            verification_uri_complete: None,
                            interval_ms: 1,
                        },
                    )),
                }
            }
        }
    }

    fn redirect_uri(&self) -> Option<&str> {
        Some(APP_CALLBACK)
    }

    async fn renew(
        &self,
        cx: &Context<'_>,
        credentials: &Credentials,
        _: &User,
        switch: Option<&Switch>,
    ) -> Result<Renewal> {
        self.switches.lock().unwrap().extend(switch.cloned());
        let number = self.renewals.fetch_add(1, Ordering::SeqCst) + 1;
        let _permit = self.gate.acquire().await.unwrap();
        let answer = self.answers.lock().unwrap().pop_front();
        match answer.unwrap_or(Answer::Renewed) {
            Answer::Renewed => {
                self.spend(credentials);
                Ok(Renewal::Renewed(Self::grant(number, cx.now_ms)))
            }
            Answer::Lost => {
                self.spend(credentials);
                Err(LOST)
            }
            Answer::Over => Ok(Renewal::Over),
            Answer::Trouble(error) => Err(error),
        }
    }

    fn spending(&self, _: &Credentials) -> Spending {
        self.spending
    }

    async fn revoke(&self, _: &Context<'_>, credentials: &Credentials) -> Result<()> {
        if self.unreachable.load(Ordering::SeqCst) {
            return Err(REFUSED);
        }
        let token = credentials.access_token.expose().to_owned();
        self.revoked.lock().unwrap().insert(token);
        Ok(())
    }
}

/// Nothing was sent.
pub(crate) const REFUSED: Error = Error::Network {
    reason: "no connection",
    sent: false,
};

/// The request went out, and no answer came.
pub(crate) const LOST: Error = Error::Network {
    reason: "the connection broke",
    sent: true,
};

pub(crate) struct World {
    pub(crate) dir: TempDir,
    keychain: MemoryKeychain,
    pub(crate) vault: Vault,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) provider: Arc<Scripted>,
}

impl World {
    /// With a server whose question for a renewal costs nothing.
    pub(crate) fn new() -> Self {
        Self::spending(Spending::Nothing)
    }

    /// With a server whose refresh tokens serve once.
    pub(crate) fn rotating() -> Self {
        Self::spending(Spending::Once)
    }

    fn spending(spending: Spending) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let keychain = MemoryKeychain::default();
        let vault = open_vault(&dir, &keychain);
        Self {
            dir,
            keychain,
            vault,
            clock: Arc::new(ManualClock::at(1_000_000_000)),
            provider: Scripted::at("https://auth.example.com/api", spending),
        }
    }

    /// The same vault with another server.
    pub(crate) fn move_to_another_server(&mut self) {
        self.provider = Scripted::at("https://other.example.com/api", self.provider.spending);
    }

    pub(crate) fn options(&self, vault: &Vault) -> SessionOptions {
        let provider = Arc::clone(&self.provider) as Arc<dyn Provider>;
        SessionOptions {
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            ..SessionOptions::new(vault.clone(), provider)
        }
    }

    pub(crate) async fn open(&self) -> Session {
        Session::open(self.options(&self.vault)).await.unwrap()
    }

    /// What another process would open: a vault that shares nothing with the first but its file, key and lock.
    pub(crate) async fn open_elsewhere(&self) -> Session {
        let vault = open_vault(&self.dir, &self.keychain);
        Session::open(self.options(&vault)).await.unwrap()
    }

    /// Opens the vault although its file is an old copy.
    pub(crate) fn open_older_vault(&self) -> Vault {
        let mut options = vault_options(&self.dir);
        options.allow_rollback = true;
        Vault::open(options, KeySource::keychain(self.keychain.clone())).unwrap()
    }

    pub(crate) async fn signed_in(&self) -> Session {
        let session = self.open().await;
        session.sign_in(password("right")).await.unwrap();
        session
    }
}

fn open_vault(dir: &TempDir, keychain: &MemoryKeychain) -> Vault {
    Vault::open(vault_options(dir), KeySource::keychain(keychain.clone())).unwrap()
}

fn vault_options(dir: &TempDir) -> VaultOptions {
    let mut options = VaultOptions::new("com.example.test");
    options.path = Some(dir.path().to_owned());
    options
}

pub(crate) fn password(password: &str) -> SignIn {
    SignIn::Password {
        identifier: Identifier::Email("a@example.com".to_owned()),
        password: SecretString::new(password.to_owned()),
        remember_me: true,
    }
}

pub(crate) async fn token(session: &Session) -> std::result::Result<String, &'static str> {
    match session.access_token(Duration::ZERO).await {
        Ok(token) => Ok(token.expose().to_owned()),
        Err(error) => Err(error.code()),
    }
}

pub(crate) async fn until(session: &Session, state: State) -> Snapshot {
    until_it(session, |snapshot| snapshot.state == state).await
}

pub(crate) async fn until_it(session: &Session, holds: impl Fn(&Snapshot) -> bool) -> Snapshot {
    let mut changes = session.subscribe();
    let now = session.snapshot();
    if holds(&now) {
        return now;
    }
    loop {
        let next = tokio::time::timeout(Duration::from_secs(10), changes.recv());
        let snapshot = next.await.unwrap().unwrap();
        if holds(&snapshot) {
            return snapshot;
        }
    }
}
