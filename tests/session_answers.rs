//! Refresh tokens that serve once, and answers that never come.
#![allow(clippy::unwrap_used, missing_docs, reason = "a failing test may panic")]

mod support;

use electron_latchkey::http::{Method, Origin, Url};
use electron_latchkey::session::{FetchRequest, Reason, Session, SessionOptions, Snapshot, State};
use electron_latchkey::{Error, TlsFault};
use std::sync::atomic::Ordering;
use std::time::Duration;
use support::scripted::{Answer, LOST, MINUTE, REFUSED, World, password, token, until, until_it};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedReceiver;

#[tokio::test]
async fn a_token_that_may_be_spent_is_not_sent_again_by_itself() {
    let world = World::rotating();
    let session = world.signed_in().await;
    world.provider.answer(Answer::Lost);
    let error = session.refresh(false).await.unwrap_err();
    assert_eq!(error.code(), "ERR_NETWORK");
    let snapshot = session.snapshot();
    assert_eq!(
        (snapshot.state, snapshot.reason, snapshot.retry_at_ms),
        (State::Offline, Reason::Unanswered, None)
    );
    // The access token lives on.
    assert_eq!(token(&session).await.as_deref(), Ok("token-0"));
    world.clock.advance(MINUTE);
    for _ in 0..3 {
        assert_eq!(token(&session).await, Err("ERR_REFRESH_UNANSWERED"));
    }
    assert_eq!(world.provider.renewals(), 1);
    assert!(session.snapshot().user.is_some());
}

#[tokio::test]
async fn a_restart_keeps_the_doubt_and_the_access_token() {
    let world = World::rotating();
    let session = world.signed_in().await;
    world.provider.answer(Answer::Lost);
    session.refresh(false).await.unwrap_err();
    session.close().await;
    let again = world.open_elsewhere().await;
    let told = until(&again, State::Offline).await;
    assert_eq!(told.reason, Reason::Unanswered);
    assert_eq!(token(&again).await.as_deref(), Ok("token-0"));
    assert_eq!(world.provider.renewals(), 1);
}

#[tokio::test]
async fn a_process_that_dies_before_the_answer_leaves_the_doubt() {
    let world = World::rotating();
    let session = world.signed_in().await;
    world.provider.hold();
    let doomed = tokio::spawn({
        let session = session.clone();
        async move { session.refresh(false).await }
    });
    while world.provider.renewals() == 0 {
        tokio::task::yield_now().await;
    }
    // What a kill leaves on disk at this moment, seen by the next start: the first process is still alive here, so the
    // second waits for its turn, which a kill would free.
    let copy = copy_of(&world);
    world.provider.release();
    doomed.await.unwrap().unwrap();
    std::fs::write(world.dir.path().join("vault.latchkey"), copy).unwrap();
    let again = world.open_elsewhere().await;
    assert_eq!(
        until(&again, State::Offline).await.reason,
        Reason::Unanswered
    );
    assert_eq!(world.provider.renewals(), 1);
}

fn copy_of(world: &World) -> Vec<u8> {
    std::fs::read(world.dir.path().join("vault.latchkey")).unwrap()
}

#[tokio::test]
async fn the_person_may_try_the_token_once_more() {
    let world = World::rotating();
    let session = world.signed_in().await;
    // The request was lost on its way: the server never saw it.
    world.provider.answer(Answer::Trouble(LOST));
    session.refresh(false).await.unwrap_err();
    let error = session.refresh(false).await.unwrap_err();
    assert_eq!(error.code(), "ERR_REFRESH_UNANSWERED");
    // Trouble while trying takes nothing away from the doubt.
    world.provider.answer(Answer::Trouble(REFUSED));
    session.refresh(true).await.unwrap_err();
    assert_eq!(session.snapshot().reason, Reason::Unanswered);
    let back = session.refresh(true).await.unwrap();
    assert_eq!(
        (back.state, back.reason),
        (State::Active, Reason::Refreshed)
    );
    assert_eq!(token(&session).await.as_deref(), Ok("token-3"));
    assert_eq!(world.provider.reused.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_token_that_was_spent_ends_the_session_when_the_person_tries_it() {
    let world = World::rotating();
    let session = world.signed_in().await;
    world.provider.answer(Answer::Lost);
    session.refresh(false).await.unwrap_err();
    world.provider.answer(Answer::Over);
    let ended = session.refresh(true).await.unwrap();
    assert_eq!((ended.state, ended.reason), (State::Expired, Reason::Ended));
}

#[tokio::test]
async fn a_401_at_the_end_of_a_token_that_nothing_renews_is_told_as_what_it_is() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let refusal =
                b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            let _ = stream.write_all(refusal).await;
        }
    });
    let world = World::rotating();
    let session = Session::open(SessionOptions {
        allowed_origins: vec![Origin::parse(&origin).unwrap()],
        ..world.options(&world.vault)
    });
    let session = session.await.unwrap();
    session.sign_in(password("right")).await.unwrap();
    world.provider.answer(Answer::Lost);
    session.refresh(false).await.unwrap_err();
    let fetch = async || {
        let request = FetchRequest::new(Method::GET, Url::parse(&origin).unwrap());
        let answered = session.fetch(request).await;
        answered.map(|answer| answer.status.as_u16())
    };
    assert_eq!(
        fetch().await,
        Ok(401),
        "the API's own word, long before the end"
    );
    // The server counts in whole seconds, so there it has ended.
    world.clock.advance(MINUTE - 500);
    assert_eq!(fetch().await, Err(Error::RefreshUnanswered));
}

#[tokio::test]
async fn a_401_that_comes_after_somebody_else_signed_in_is_not_said_of_their_session() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let world = World::rotating();
    let session = Session::open(SessionOptions {
        allowed_origins: vec![Origin::parse(&origin).unwrap()],
        ..world.options(&world.vault)
    });
    let session = session.await.unwrap();
    session.sign_in(password("right")).await.unwrap();
    let fetch = tokio::spawn({
        let session = session.clone();
        async move {
            let request = FetchRequest::new(Method::GET, Url::parse(&origin).unwrap());
            let answered = session.fetch(request).await;
            answered.map(|answer| answer.status.as_u16())
        }
    });
    let (mut stream, _) = listener.accept().await.unwrap();
    let _ = stream.read(&mut [0; 4096]).await.unwrap();
    session.sign_in(password("right")).await.unwrap();
    let refusal = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    stream.write_all(refusal).await.unwrap();
    assert_eq!(fetch.await.unwrap(), Err(Error::Superseded));
    assert_eq!(session.snapshot().state, State::Active);
}

#[tokio::test]
async fn signing_in_again_ends_the_doubt() {
    let world = World::rotating();
    let session = world.signed_in().await;
    world.provider.answer(Answer::Lost);
    session.refresh(false).await.unwrap_err();
    session.sign_in(password("right")).await.unwrap();
    assert_eq!(session.snapshot().state, State::Active);
    session.refresh(false).await.unwrap();
}

#[tokio::test]
async fn what_was_never_sent_or_not_handled_is_tried_again_by_itself() {
    for trouble in [
        REFUSED,
        Error::Tls(TlsFault::Handshake),
        Error::Server { status: 503 },
        Error::RateLimited {
            retry_after_ms: Some(10),
        },
    ] {
        let world = World::rotating();
        let session = world.signed_in().await;
        world.provider.answer(Answer::Trouble(trouble.clone()));
        session.refresh(false).await.unwrap_err();
        let offline = session.snapshot();
        assert_eq!(offline.state, State::Offline, "{trouble:?}");
        assert!(offline.retry_at_ms.is_some(), "{trouble:?}");
        until(&session, State::Active).await;
        assert_eq!(world.provider.renewals(), 2, "{trouble:?}");
    }
}

#[tokio::test]
async fn answers_that_say_nothing_leave_the_doubt() {
    for trouble in [
        LOST,
        Error::Timeout {
            timeout_ms: 1,
            sent: true,
        },
        Error::Server { status: 500 },
        Error::Server { status: 502 },
        Error::UnexpectedResponse("no access token in the answer"),
    ] {
        let world = World::rotating();
        let session = world.signed_in().await;
        world.provider.answer(Answer::Trouble(trouble.clone()));
        session.refresh(false).await.unwrap_err();
        let snapshot = session.snapshot();
        assert_eq!(snapshot.reason, Reason::Unanswered, "{trouble:?}");
        assert_eq!(snapshot.retry_at_ms, None, "{trouble:?}");
    }
}

#[tokio::test]
async fn a_revocation_is_delivered_when_the_server_is_back() {
    let world = World::rotating();
    let session = world.signed_in().await;
    world.provider.unreachable.store(true, Ordering::SeqCst);
    session.sign_out(None).await.unwrap();
    assert_eq!(session.snapshot().state, State::SignedOut);
    session.close().await;
    assert_eq!(world.provider.revoked(), Vec::<String>::new());

    world.provider.unreachable.store(false, Ordering::SeqCst);
    let again = world.open_elsewhere().await;
    assert_eq!(again.snapshot().state, State::SignedOut);
    let heard = async {
        while world.provider.revoked().is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), heard)
        .await
        .unwrap();
    assert_eq!(world.provider.revoked(), ["token-0"]);
}

#[tokio::test]
async fn what_the_server_could_not_hear_of_is_told_until_it_has_heard() {
    let world = World::rotating();
    let session = world.signed_in().await;
    let mut changes = session.subscribe();
    world.provider.unreachable.store(true, Ordering::SeqCst);
    session.sign_out(None).await.unwrap();
    let owed_when_told = async |changes: &mut UnboundedReceiver<Snapshot>, owed: usize| {
        let told = async { while changes.recv().await.unwrap().revocations_owed != owed {} };
        tokio::time::timeout(Duration::from_secs(10), told).await
    };
    owed_when_told(&mut changes, 1).await.unwrap();
    world.provider.unreachable.store(false, Ordering::SeqCst);
    owed_when_told(&mut changes, 0).await.unwrap();
    assert_eq!(world.provider.revoked(), ["token-0"]);
}

#[tokio::test]
async fn a_renewal_that_could_not_be_stored_is_stored_later_and_not_repeated() {
    let world = World::rotating();
    let session = world.signed_in().await;
    world.provider.hold();
    let renewing = tokio::spawn({
        let session = session.clone();
        async move { session.refresh(false).await.map_err(|error| error.code()) }
    });
    while world.provider.renewals() == 0 {
        tokio::task::yield_now().await;
    }
    // A vault that cannot be locked cannot be written.
    let lock = std::fs::File::open(world.dir.path().join("vault.lock")).unwrap();
    lock.lock().unwrap();
    world.provider.release();
    assert_eq!(renewing.await.unwrap().err(), Some("ERR_VAULT_BUSY"));
    let snapshot = session.snapshot();
    assert_eq!(
        (snapshot.state, snapshot.reason),
        (State::Offline, Reason::NotStored)
    );
    // Not on disk, so nobody sees it.
    assert_eq!(token(&session).await.as_deref(), Ok("token-0"));
    lock.unlock().unwrap();
    until_it(&session, |snapshot| snapshot.state == State::Active).await;
    assert_eq!(token(&session).await.as_deref(), Ok("token-1"));
    assert_eq!(world.provider.renewals(), 1);
}

#[tokio::test]
async fn the_persons_try_is_not_lost_among_others() {
    let world = World::rotating();
    let session = world.signed_in().await;
    world.provider.answer(Answer::Trouble(LOST));
    session.refresh(false).await.unwrap_err();
    world.clock.advance(MINUTE);
    let others = tokio::spawn({
        let session = session.clone();
        async move { while token(&session).await.is_err() {} }
    });
    tokio::task::yield_now().await;
    let back = session.refresh(true).await.unwrap();
    assert_eq!(back.state, State::Active);
    others.await.unwrap();
    assert_eq!(world.provider.renewals(), 2);
}

#[tokio::test]
async fn closing_waits_for_the_answer_that_is_under_way() {
    let world = World::rotating();
    let session = world.signed_in().await;
    world.provider.hold();
    let renewing = tokio::spawn({
        let session = session.clone();
        async move { session.refresh(false).await.map(|_| ()) }
    });
    while world.provider.renewals() == 0 {
        tokio::task::yield_now().await;
    }
    let closing = tokio::spawn(session.close());
    tokio::task::yield_now().await;
    assert!(!closing.is_finished());
    world.provider.release();
    closing.await.unwrap();
    renewing.await.unwrap().unwrap();
    let again = world.open_elsewhere().await;
    assert_eq!(until(&again, State::Active).await.reason, Reason::Restored);
}

#[tokio::test]
async fn a_session_that_a_sign_in_replaces_is_ended_on_the_server() {
    let world = World::rotating();
    let session = world.signed_in().await;
    session.refresh(false).await.unwrap();
    session.sign_in(password("right")).await.unwrap();
    let ended = async {
        while world.provider.revoked() != ["token-1"] {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ended)
        .await
        .unwrap();
    // The same tokens again are the same session.
    session.sign_in(password("right")).await.unwrap();
    session.refresh(false).await.unwrap();
    assert_eq!(world.provider.revoked(), ["token-1"]);
}

#[tokio::test]
async fn a_sign_out_does_not_wait_for_one_that_the_server_could_not_hear() {
    let world = World::rotating();
    let session = world.signed_in().await;
    world.provider.unreachable.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let leaving = tokio::time::timeout(Duration::from_secs(3), session.sign_out(None));
        leaving.await.unwrap().unwrap();
        session.sign_in(password("right")).await.unwrap();
    }
    world.provider.unreachable.store(false, Ordering::SeqCst);
    let heard = async {
        while world.provider.revoked().is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), heard)
        .await
        .unwrap();
}
