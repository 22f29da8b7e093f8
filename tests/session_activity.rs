//! What a session tells of its renewals: one for all who wait, and what came of each.
#![allow(clippy::unwrap_used, missing_docs, reason = "a failing test may panic")]

mod support;

use electron_latchkey::Error;
use electron_latchkey::clock::Clock as _;
use electron_latchkey::session::{MOST_REFRESHES, Refresh, RefreshOutcome, Session, State};
use support::scripted::{Answer, LOST, MINUTE, REFUSED, World, token, until};

fn last(session: &Session) -> Refresh {
    session.refreshes().pop().unwrap()
}

/// What came of the last one, and the code it ended with.
fn end(session: &Session) -> (Option<RefreshOutcome>, Option<&'static str>) {
    let last = last(session);
    (last.outcome, last.code)
}

async fn under_way(world: &World, renewals: usize) {
    while world.provider.renewals() == renewals {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn one_renewal_counts_all_who_wait_for_it() {
    let world = World::new();
    let session = world.signed_in().await;
    let mut told = session.subscribe_refreshes();
    world.clock.advance(MINUTE);
    world.provider.hold();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let session = session.clone();
        callers.spawn(async move { token(&session).await });
    }
    while session.refreshes().is_empty() || last(&session).waiters < 20 {
        tokio::task::yield_now().await;
    }
    let running = last(&session);
    assert_eq!((running.ended_at_ms, running.outcome), (None, None));
    world.clock.advance(500);
    world.provider.release();
    callers.join_all().await;

    let ended = last(&session);
    assert_eq!(session.refreshes().len(), 1);
    assert_eq!((ended.number, ended.waiters), (1, 20));
    assert_eq!(ended.outcome, Some(RefreshOutcome::Renewed));
    assert_eq!(ended.code, None);
    assert_eq!(ended.ended_at_ms, Some(ended.started_at_ms + 500));
    assert_eq!(ended.token_expires_at_ms, session.snapshot().expires_at_ms);
    assert!(ended.token_expires_at_ms > Some(world.clock.now_ms()));
    let begun = told.recv().await.unwrap();
    assert_eq!((begun.number, begun.outcome), (1, None));
    assert_eq!(told.recv().await.unwrap(), ended);
}

#[tokio::test]
async fn a_renewal_that_nobody_waits_for_has_no_waiters() {
    let world = World::new();
    let session = world.signed_in().await;
    let mut told = session.subscribe_refreshes();
    world.clock.advance(MINUTE - 10_000);
    // It is due, and served all the same.
    assert_eq!(token(&session).await.as_deref(), Ok("token-0"));
    assert_eq!(told.recv().await.unwrap().outcome, None);
    let ended = told.recv().await.unwrap();
    assert_eq!(
        (ended.waiters, ended.outcome),
        (0, Some(RefreshOutcome::Renewed))
    );
}

#[tokio::test]
async fn what_another_process_renewed_is_adopted() {
    let world = World::rotating();
    let first = world.signed_in().await;
    let second = world.open_elsewhere().await;
    until(&second, State::Active).await;
    let renewals = world.provider.renewals();
    world.provider.hold();
    let renewing = tokio::spawn({
        let first = first.clone();
        async move { first.refresh(false).await }
    });
    under_way(&world, renewals).await;
    // The first has the turn; the second waits for it.
    let waiting = tokio::spawn({
        let second = second.clone();
        async move { second.refresh(false).await }
    });
    while last(&second).waiters == 0 || last(&second).outcome.is_some() {
        tokio::task::yield_now().await;
    }
    world.provider.release();
    renewing.await.unwrap().unwrap();
    waiting.await.unwrap().unwrap();
    assert_eq!(end(&first), (Some(RefreshOutcome::Renewed), None));
    assert_eq!(end(&second), (Some(RefreshOutcome::Adopted), None));
    assert_eq!(world.provider.renewals(), renewals + 1);
    assert_eq!(
        last(&first).token_expires_at_ms,
        last(&second).token_expires_at_ms
    );
}

#[tokio::test]
async fn a_sign_out_supersedes_what_is_under_way() {
    let world = World::rotating();
    let session = world.signed_in().await;
    let mut told = session.subscribe_refreshes();
    world.provider.hold();
    let renewing = tokio::spawn({
        let session = session.clone();
        async move { session.refresh(false).await }
    });
    under_way(&world, 0).await;
    let leaving = tokio::spawn(session.sign_out(None));
    until(&session, State::SignedOut).await;
    world.provider.release();
    leaving.await.unwrap().unwrap();
    renewing.await.unwrap().unwrap_err();
    told.recv().await.unwrap();
    let ended = told.recv().await.unwrap();
    assert_eq!(ended.outcome, Some(RefreshOutcome::Superseded));
    assert_eq!(ended.code, Some("ERR_SUPERSEDED"));
    assert_eq!(ended.token_expires_at_ms, None);
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_offline_with_the_code() {
    let world = World::rotating();
    let session = world.signed_in().await;
    let before = session.snapshot().expires_at_ms;
    world.provider.answer(Answer::Trouble(REFUSED));
    session.refresh(false).await.unwrap_err();
    assert_eq!(
        end(&session),
        (Some(RefreshOutcome::Offline), Some("ERR_NETWORK"))
    );
    assert_eq!(last(&session).token_expires_at_ms, before);
    until(&session, State::Active).await;
    let numbers: Vec<_> = session.refreshes().iter().map(|r| r.number).collect();
    assert_eq!(numbers, [1, 2]);
    assert_eq!(end(&session), (Some(RefreshOutcome::Renewed), None));
}

#[tokio::test]
async fn a_lost_answer_is_unanswered_and_so_is_what_is_not_sent_again() {
    let world = World::rotating();
    let session = world.signed_in().await;
    world.provider.answer(Answer::Lost);
    assert_eq!(session.refresh(false).await.unwrap_err(), LOST);
    assert_eq!(
        end(&session),
        (Some(RefreshOutcome::Unanswered), Some("ERR_NETWORK"))
    );
    let error = session.refresh(false).await.unwrap_err();
    assert_eq!(error, Error::RefreshUnanswered);
    assert_eq!(
        end(&session),
        (
            Some(RefreshOutcome::Unanswered),
            Some("ERR_REFRESH_UNANSWERED")
        )
    );
    assert_eq!(world.provider.renewals(), 1);
}

#[tokio::test]
async fn the_servers_word_that_it_is_over_ends_it() {
    let world = World::rotating();
    let session = world.signed_in().await;
    world.provider.answer(Answer::Over);
    session.refresh(false).await.unwrap();
    assert_eq!(end(&session), (Some(RefreshOutcome::Ended), None));
    assert_eq!(last(&session).token_expires_at_ms, None);
}

#[tokio::test]
async fn a_challenge_fails_with_its_code_and_is_not_tried_again() {
    let world = World::new();
    let session = world.signed_in().await;
    let challenge = Error::StepUpRequired("MFA".to_owned());
    world.provider.answer(Answer::Trouble(challenge));
    session.refresh(false).await.unwrap_err();
    assert_eq!(
        end(&session),
        (Some(RefreshOutcome::Failed), Some("ERR_STEP_UP_REQUIRED"))
    );
    assert_eq!(session.snapshot().retry_at_ms, None);
}

#[tokio::test]
async fn only_the_last_are_kept() {
    let world = World::new();
    let session = world.signed_in().await;
    for _ in 0..MOST_REFRESHES + 5 {
        session.refresh(false).await.unwrap();
    }
    let kept = session.refreshes();
    assert_eq!(kept.len(), MOST_REFRESHES);
    assert_eq!(kept.first().unwrap().number, 6);
}
