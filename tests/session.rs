//! The session engine in one process, with a provider that does as it is told.
#![allow(clippy::unwrap_used, missing_docs, reason = "a failing test may panic")]

mod support;

use electron_latchkey::Error;
use electron_latchkey::clock::Clock as _;
use electron_latchkey::session::{Reason, State};
use std::time::Duration;
use support::scripted::{Answer, MINUTE, REFUSED, World, password, token, until};

#[tokio::test]
async fn a_stored_session_is_shown_at_once_and_then_confirmed() {
    let world = World::new();
    world.signed_in().await.close().await;

    world.provider.hold();
    let session = world.open().await;
    let shown = session.snapshot();
    assert_eq!(
        (shown.state, shown.reason),
        (State::Restoring, Reason::Start)
    );
    assert_eq!(shown.user.unwrap().email.as_deref(), Some("a@example.com"));
    world.provider.release();
    assert_eq!(
        until(&session, State::Active).await.reason,
        Reason::Restored
    );
    assert_eq!(token(&session).await.as_deref(), Ok("token-1"));
    assert_eq!(world.provider.renewals(), 1);
}

#[tokio::test]
async fn a_token_of_another_provider_is_never_used() {
    let mut world = World::new();
    world.signed_in().await.close().await;
    world.move_to_another_server();
    let session = world.open().await;
    assert_eq!(session.snapshot().state, State::SignedOut);
    assert_eq!(token(&session).await, Err("ERR_NOT_SIGNED_IN"));
    assert_eq!(world.provider.renewals(), 0);
}

#[tokio::test]
async fn a_thousand_callers_share_one_renewal() {
    let world = World::new();
    let session = world.signed_in().await;
    world.clock.advance(MINUTE);
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..1000 {
        let session = session.clone();
        callers.spawn(async move { token(&session).await });
    }
    let tokens = callers.join_all().await;
    assert!(tokens.iter().all(|token| token.as_deref() == Ok("token-1")));
    assert_eq!(world.provider.renewals(), 1);
}

#[tokio::test]
async fn a_caller_that_gives_up_does_not_cancel_the_others() {
    let world = World::new();
    let session = world.signed_in().await;
    world.clock.advance(MINUTE);
    world.provider.hold();
    let patient = tokio::spawn({
        let session = session.clone();
        async move { token(&session).await }
    });
    let hasty = tokio::time::timeout(Duration::from_millis(20), token(&session)).await;
    assert!(hasty.is_err());
    world.provider.release();
    assert_eq!(patient.await.unwrap().as_deref(), Ok("token-1"));
    assert_eq!(world.provider.renewals(), 1);
}

#[tokio::test]
async fn a_due_token_is_served_while_it_is_renewed() {
    let world = World::new();
    let session = world.signed_in().await;
    world.clock.advance(MINUTE - 10_000);
    world.provider.hold();
    for _ in 0..50 {
        assert_eq!(token(&session).await.as_deref(), Ok("token-0"));
    }
    world.provider.release();
    session.refresh(false).await.unwrap();
    assert_eq!(token(&session).await.as_deref(), Ok("token-1"));
    assert_eq!(world.provider.renewals(), 1);
}

#[tokio::test]
async fn trouble_keeps_everything_and_is_over_by_itself() {
    let world = World::new();
    let session = world.signed_in().await;
    world.provider.answer(Answer::Trouble(REFUSED));
    world
        .provider
        .answer(Answer::Trouble(Error::Server { status: 500 }));
    let error = session.refresh(false).await.unwrap_err();
    assert_eq!(error.code(), "ERR_NETWORK");
    let offline = session.snapshot();
    assert_eq!(
        (offline.state, offline.reason),
        (State::Offline, Reason::Network)
    );
    assert!(offline.user.is_some() && offline.retry_at_ms > Some(world.clock.now_ms()));
    // The token lives on, so it is served.
    assert_eq!(token(&session).await.as_deref(), Ok("token-0"));
    // Tried again after about 1 s, and again after about 2 s more.
    let back = until(&session, State::Active).await;
    assert_eq!((back.reason, back.retry_at_ms), (Reason::Refreshed, None));
    assert_eq!(world.provider.renewals(), 3);
}

#[tokio::test]
async fn a_dead_token_is_not_served_when_the_server_cannot_be_asked() {
    let world = World::new();
    let session = world.signed_in().await;
    world.clock.advance(2 * MINUTE);
    world.provider.answer(Answer::Trouble(REFUSED));
    assert_eq!(token(&session).await, Err("ERR_NETWORK"));
    assert_eq!(session.snapshot().state, State::Offline);
    assert_eq!(token(&session).await.as_deref(), Ok("token-2"));
}

#[tokio::test]
async fn only_the_servers_word_ends_a_session_and_its_user_stays() {
    let world = World::new();
    let session = world.signed_in().await;
    world.provider.answer(Answer::Over);
    let ended = session.refresh(false).await.unwrap();
    assert_eq!((ended.state, ended.reason), (State::Expired, Reason::Ended));
    assert!(ended.user.is_some() && ended.expires_at_ms.is_none());
    assert_eq!(token(&session).await, Err("ERR_SESSION_EXPIRED"));
    session.close().await;

    let again = world.open().await;
    assert_eq!(again.snapshot().state, State::Expired);
    assert!(again.snapshot().user.is_some());
    let failed = again.sign_in(password("wrong")).await.unwrap_err();
    assert_eq!(failed.code(), "ERR_INVALID_CREDENTIALS");
    let back = again.snapshot();
    assert_eq!(
        (back.state, back.reason),
        (State::Expired, Reason::SignInFailed)
    );
    assert!(back.user.is_some());
    again.sign_in(password("right")).await.unwrap();
    assert_eq!(again.snapshot().state, State::Active);
}

#[tokio::test]
async fn a_sign_out_beats_a_renewal_in_flight() {
    for _ in 0..50 {
        let world = World::new();
        let session = world.signed_in().await;
        world.provider.hold();
        let renewing = tokio::spawn({
            let session = session.clone();
            async move { session.refresh(false).await.map_err(|error| error.code()) }
        });
        tokio::task::yield_now().await;
        let leaving = tokio::spawn({
            let session = session.clone();
            async move { session.sign_out(None).await }
        });
        world.provider.release();
        leaving.await.unwrap().unwrap();
        if let Err(code) = renewing.await.unwrap() {
            assert!(
                ["ERR_SUPERSEDED", "ERR_NOT_SIGNED_IN"].contains(&code),
                "{code}"
            );
        }
        assert_eq!(session.snapshot().state, State::SignedOut);
        assert_eq!(token(&session).await, Err("ERR_NOT_SIGNED_IN"));
        assert!(world.provider.revoked().contains(&"token-0".to_owned()));
        session.close().await;
        assert_eq!(world.open().await.snapshot().state, State::SignedOut);
    }
}

#[tokio::test]
async fn every_change_is_told_once_and_in_order() {
    let world = World::new();
    let session = world.open().await;
    let mut changes = session.subscribe();
    session.sign_in(password("wrong")).await.unwrap_err();
    session.sign_in(password("right")).await.unwrap();
    session.refresh(false).await.unwrap();
    session.sign_out(None).await.unwrap();
    session.close().await;
    let mut told = Vec::new();
    while let Some(snapshot) = changes.recv().await {
        told.push((snapshot.revision, snapshot.state));
    }
    use State::{Active, SignedOut, SigningIn};
    let states = [SigningIn, SignedOut, SigningIn, Active, Active, SignedOut];
    assert_eq!(told, (1..).zip(states).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_closed_session_does_nothing_more_and_keeps_what_is_stored() {
    let world = World::new();
    let session = world.signed_in().await;
    session.close().await;
    assert_eq!(token(&session).await, Err("ERR_SESSION_CLOSED"));
    assert_eq!(
        session.sign_out(None).await.unwrap_err().code(),
        "ERR_SESSION_CLOSED"
    );
    assert_eq!(
        session.refresh(false).await.unwrap_err().code(),
        "ERR_SESSION_CLOSED"
    );
    assert_eq!(world.open().await.snapshot().state, State::Restoring);
}

#[tokio::test]
async fn a_token_that_could_not_be_stored_is_shown_to_nobody() {
    let world = World::new();
    let session = world.signed_in().await;
    world.vault.close();
    assert_eq!(
        session.refresh(false).await.unwrap_err().code(),
        "ERR_VAULT_CLOSED"
    );
    assert_eq!(token(&session).await.as_deref(), Ok("token-0"));
    assert_eq!(session.snapshot().state, State::Active);
}

#[tokio::test]
async fn callers_who_try_early_do_not_put_off_the_next_try() {
    let world = World::new();
    let session = world.signed_in().await;
    for _ in 0..5 {
        world.provider.answer(Answer::Trouble(REFUSED));
        session.refresh(false).await.unwrap_err();
        let wait = session.snapshot().retry_at_ms.unwrap() - world.clock.now_ms();
        assert!((1..=1_000).contains(&wait), "{wait} ms");
    }
    until(&session, State::Active).await;
}
