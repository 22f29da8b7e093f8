//! Several processes of one application with one session: one renewal, and a sign-out anywhere holds everywhere.
#![allow(clippy::unwrap_used, missing_docs, reason = "a failing test may panic")]

mod support;

use electron_latchkey::session::{Reason, State};
use std::sync::atomic::Ordering;
use support::scripted::{MINUTE, World, password, token, until, until_it};

#[tokio::test]
async fn one_renewal_serves_every_process() {
    let world = World::rotating();
    let first = world.signed_in().await;
    let second = world.open_elsewhere().await;
    until(&second, State::Active).await;
    let before = world.provider.renewals();
    for round in 1..=3 {
        world.clock.advance(MINUTE);
        let (one, two) = tokio::join!(token(&first), token(&second));
        assert_eq!(one, Ok(format!("token-{}", before + round)));
        assert_eq!(one, two);
        assert_eq!(world.provider.renewals(), before + round);
    }
    assert_eq!(world.provider.reused.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn what_one_process_renewed_the_others_have_at_once() {
    let world = World::rotating();
    let first = world.signed_in().await;
    let second = world.open_elsewhere().await;
    until(&second, State::Active).await;
    first.refresh(false).await.unwrap();
    assert_eq!(token(&first).await, token(&second).await);
    let told = until_it(&second, |snapshot| snapshot.reason == Reason::Elsewhere).await;
    assert_eq!(told.state, State::Active);
}

#[tokio::test]
async fn a_sign_out_in_one_process_holds_in_all() {
    let world = World::rotating();
    let first = world.signed_in().await;
    let second = world.open_elsewhere().await;
    until(&second, State::Active).await;
    first.sign_out(None).await.unwrap();
    let told = until(&second, State::SignedOut).await;
    assert_eq!((told.reason, told.user), (Reason::Elsewhere, None));
    assert_eq!(token(&second).await, Err("ERR_NOT_SIGNED_IN"));
}

#[tokio::test]
async fn a_sign_in_in_one_process_is_everybodys() {
    let world = World::rotating();
    let (first, second) = (world.open().await, world.open_elsewhere().await);
    first.sign_in(password("right")).await.unwrap();
    let told = until(&second, State::Active).await;
    assert_eq!(told.reason, Reason::Elsewhere);
    assert_eq!(token(&second).await.as_deref(), Ok("token-0"));
}

#[tokio::test]
async fn a_sign_out_beats_a_renewal_of_another_process() {
    for _ in 0..30 {
        let world = World::rotating();
        let first = world.signed_in().await;
        let second = world.open_elsewhere().await;
        until(&second, State::Active).await;
        let renewals = world.provider.renewals();
        world.provider.hold();
        let renewing = tokio::spawn({
            let second = second.clone();
            async move { second.refresh(false).await.map_err(|error| error.code()) }
        });
        while world.provider.renewals() == renewals {
            tokio::task::yield_now().await;
        }
        first.sign_out(None).await.unwrap();
        world.provider.release();
        assert_eq!(renewing.await.unwrap().err(), Some("ERR_SUPERSEDED"));
        assert_eq!(until(&second, State::SignedOut).await.user, None);
        assert_eq!(token(&second).await, Err("ERR_NOT_SIGNED_IN"));
        // What the renewal brought too late is ended on the server.
        let late = format!("token-{}", renewals + 1);
        while !world.provider.revoked().contains(&late) {
            tokio::task::yield_now().await;
        }
        assert_eq!(
            world.open_elsewhere().await.snapshot().state,
            State::SignedOut
        );
    }
}

#[tokio::test]
async fn a_lock_in_one_process_holds_in_all_and_after_a_restart() {
    let world = World::rotating();
    let first = world.signed_in().await;
    let second = world.open_elsewhere().await;
    until(&second, State::Active).await;
    first.lock().await.unwrap();
    assert_eq!(token(&first).await, Err("ERR_SESSION_LOCKED"));
    until(&second, State::Locked).await;
    assert_eq!(token(&second).await, Err("ERR_SESSION_LOCKED"));
    let third = world.open_elsewhere().await;
    assert_eq!(third.snapshot().state, State::Locked);
    assert_eq!(token(&third).await, Err("ERR_SESSION_LOCKED"));
    third.unlock().await.unwrap();
    // It was locked when it was opened: now the server is asked, without anybody's doing.
    until(&third, State::Active).await;
    assert!(token(&third).await.is_ok());
    until(&first, State::Active).await;
    assert!(token(&first).await.is_ok());
}
