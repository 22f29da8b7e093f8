//! What an application allows a session: idleness, lifetime, the lock, and several accounts.
#![allow(clippy::unwrap_used, missing_docs, reason = "a failing test may panic")]

mod support;

use electron_latchkey::session::audit::{AnomalyKind, anomalies};
use electron_latchkey::session::{PolicyOptions, Reason, Session, SessionOptions, State, accounts};
use std::time::Duration;
use support::scripted::{Answer, MINUTE, World, password, token, until};

async fn with_policy(world: &World, policy: PolicyOptions) -> Session {
    let session = Session::open(SessionOptions {
        policy,
        ..world.options(&world.vault)
    });
    let session = session.await.unwrap();
    session.sign_in(password("right")).await.unwrap();
    session
}

#[tokio::test]
async fn an_idle_session_locks_and_use_keeps_it_open() {
    let world = World::new();
    let idle_timeout = Some(Duration::from_millis(10 * MINUTE));
    let policy = PolicyOptions {
        idle_timeout,
        ..PolicyOptions::default()
    };
    let session = with_policy(&world, policy).await;
    for _ in 0..5 {
        world.clock.advance(9 * MINUTE);
        session.touch();
    }
    world.clock.advance(9 * MINUTE);
    assert!(token(&session).await.is_ok());
    world.clock.advance(10 * MINUTE);
    assert_eq!(token(&session).await, Err("ERR_SESSION_LOCKED"));
    let locked = session.snapshot();
    assert_eq!((locked.state, locked.reason), (State::Locked, Reason::Idle));
    assert!(locked.user.is_some());
    session.unlock().await.unwrap();
    assert!(token(&session).await.is_ok());
}

#[tokio::test]
async fn a_session_ends_with_its_lifetime_however_it_is_used() {
    let world = World::new();
    let max_lifetime = Some(Duration::from_millis(60 * MINUTE));
    let policy = PolicyOptions {
        max_lifetime,
        ..PolicyOptions::default()
    };
    let session = with_policy(&world, policy).await;
    for _ in 0..59 {
        world.clock.advance(MINUTE);
        assert!(token(&session).await.is_ok());
    }
    world.clock.advance(MINUTE);
    assert_eq!(token(&session).await, Err("ERR_SESSION_EXPIRED"));
    let ended = session.snapshot();
    assert_eq!(
        (ended.state, ended.reason),
        (State::Expired, Reason::Lifetime)
    );
    assert!(ended.user.is_some());
    let revoked = async {
        while world.provider.revoked().is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), revoked)
        .await
        .unwrap();
    session.close().await;
    assert_eq!(world.open().await.snapshot().state, State::Expired);
}

#[tokio::test]
async fn a_renewal_under_the_lock_is_kept_and_shown_to_nobody() {
    for _ in 0..30 {
        let world = World::rotating();
        let session = world.signed_in().await;
        world.provider.hold();
        let renewing = tokio::spawn({
            let session = session.clone();
            async move { token(&session).await }
        });
        let refreshing = tokio::spawn({
            let session = session.clone();
            async move { session.refresh(false).await.map(|_| ()) }
        });
        while world.provider.renewals() == 0 {
            tokio::task::yield_now().await;
        }
        let locking = session.lock();
        assert_eq!(session.snapshot().state, State::Locked);
        world.provider.release();
        locking.await.unwrap();
        refreshing.await.unwrap().unwrap();
        assert_eq!(session.snapshot().state, State::Locked);
        let served_before = renewing.await.unwrap();
        assert!(
            matches!(served_before.as_deref(), Ok("token-0") | Err(_)),
            "{served_before:?}"
        );
        assert_eq!(token(&session).await, Err("ERR_SESSION_LOCKED"));
        assert_eq!(
            session.refresh(false).await.unwrap_err().code(),
            "ERR_SESSION_LOCKED"
        );
        session.unlock().await.unwrap();
        assert_eq!(token(&session).await.as_deref(), Ok("token-1"));
        assert_eq!(world.provider.renewals(), 1);
    }
}

#[tokio::test]
async fn there_is_nothing_to_lock_without_a_session() {
    let world = World::new();
    let session = world.open().await;
    session.lock().await.unwrap();
    assert_eq!(session.snapshot().state, State::SignedOut);
    session.sign_in(password("right")).await.unwrap();
    assert!(token(&session).await.is_ok());
}

#[tokio::test]
async fn accounts_do_not_touch_each_other() {
    let world = World::rotating();
    let open = async |account: &str| {
        let session = Session::open(SessionOptions {
            account: Some(account.to_owned()),
            ..world.options(&world.vault)
        });
        session.await.unwrap()
    };
    let (work, home) = (open("work").await, open("home").await);
    work.sign_in(password("right")).await.unwrap();
    home.sign_in(password("right")).await.unwrap();
    accounts::activate(&world.vault, "home").unwrap();
    work.lock().await.unwrap();
    assert!(token(&home).await.is_ok());
    work.sign_out(None).await.unwrap();
    assert!(token(&home).await.is_ok());
    let found = accounts::accounts(&world.vault).unwrap();
    let names: Vec<_> = found.iter().map(|account| &*account.name).collect();
    assert_eq!(names, ["home"]);
    assert!(found[0].active && found[0].signed_in);
    assert_eq!(found[0].user.id, "u1");
    home.close().await;
    until(&open("home").await, State::Active).await;
    for wrong in ["", &"x".repeat(257)] {
        let options = SessionOptions {
            account: Some(wrong.to_owned()),
            ..world.options(&world.vault)
        };
        let code = Session::open(options).await.map_err(|error| error.code());
        assert_eq!(code.err(), Some("ERR_INVALID_ARGUMENT"));
    }
}

#[tokio::test]
async fn what_should_not_happen_is_told_and_kept() {
    let world = World::rotating();
    let session = world.signed_in().await;
    let mut told = session.anomalies();
    world.provider.answer(Answer::Over);
    session.refresh(false).await.unwrap();
    for _ in 0..1_000 {
        session.report(AnomalyKind::UnknownSender);
    }
    let first = told.recv().await.unwrap();
    assert_eq!(first.kind, AnomalyKind::RefreshRejected);
    assert_eq!(told.recv().await.unwrap().kind, AnomalyKind::UnknownSender);
    let written = async {
        loop {
            let kept = anomalies(&world.vault).unwrap();
            if kept.len() == 2 {
                return kept;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let kept = tokio::time::timeout(Duration::from_secs(10), written).await;
    let mut kinds: Vec<_> = kept.unwrap().iter().map(|kept| kept.kind.name()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["refreshRejected", "unknownSender"]);
}

#[tokio::test]
async fn an_old_copy_that_the_application_took_is_told_of() {
    let world = World::rotating();
    let file = world.dir.path().join("vault.latchkey");
    let session = world.signed_in().await;
    let old = std::fs::read(&file).unwrap();
    session.sign_out(None).await.unwrap();
    session.close().await;
    world.vault.close();
    std::fs::write(&file, old).unwrap();

    let vault = world.open_older_vault();
    assert!(vault.accepted_rollback());
    let session = Session::open(world.options(&vault)).await.unwrap();
    let written = async {
        loop {
            if let Some(kept) = anomalies(&vault).unwrap().first() {
                return kept.kind;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let kind = tokio::time::timeout(Duration::from_secs(10), written).await;
    assert_eq!(kind.unwrap(), AnomalyKind::RolledBack);
    session.close().await;
}
