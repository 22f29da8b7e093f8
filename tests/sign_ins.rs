//! Sign-ins that wait for the person: in the browser, on another device, for a code.
#![allow(clippy::unwrap_used, missing_docs, reason = "a failing test may panic")]

mod support;

use electron_latchkey::Error;
use electron_latchkey::provider::{Awaits, BrowserSignIn, Identifier, SignIn, Switch};
use electron_latchkey::secret::SecretString;
use electron_latchkey::session::{PendingSignIn, Reason, Session, SignInOutcome, State};
use std::sync::atomic::Ordering;
use std::time::Duration;
use support::scripted::{
    APP_CALLBACK, Answer, MINUTE, REFUSED, World, password, token, until, until_it,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

async fn begin(session: &Session, how: SignIn) -> PendingSignIn {
    match session.sign_in(how).await.unwrap() {
        SignInOutcome::Pending(pending) => pending,
        SignInOutcome::Complete(_) => panic!("complete at once"),
    }
}

async fn in_browser(session: &Session) -> PendingSignIn {
    begin(session, SignIn::Browser(BrowserSignIn::default())).await
}

async fn by_code(session: &Session) -> PendingSignIn {
    let identifier = Identifier::Email("a@example.com".to_owned());
    begin(session, SignIn::Code { identifier }).await
}

fn state_of(pending: &PendingSignIn) -> &str {
    match &pending.awaits {
        Awaits::Browser { callback_state, .. } => callback_state,
        other => panic!("{other:?}"),
    }
}

fn callback(pending: &PendingSignIn, code: &str) -> String {
    format!("{APP_CALLBACK}?code={code}&state={}", state_of(pending))
}

async fn code_of(
    call: impl Future<Output = electron_latchkey::Result<impl Sized>>,
) -> &'static str {
    call.await
        .map(|_| "no error")
        .unwrap_or_else(|error| error.code())
}

async fn come_back(session: &Session, pending: &PendingSignIn, code: &str) -> &'static str {
    code_of(session.handle_callback(&callback(pending, code))).await
}

async fn submit(session: &Session, id: &str, code: &str) -> &'static str {
    let code = SecretString::new(code.to_owned());
    code_of(session.submit_code(id, "totp".to_owned(), code, false)).await
}

#[tokio::test]
async fn a_sign_in_in_the_browser_completes_with_its_callback_and_only_once() {
    let world = World::new();
    let session = world.open().await;
    let pending = in_browser(&session).await;
    assert_eq!(session.snapshot().state, State::SigningIn);
    assert_eq!(
        session.pending_sign_ins().await.unwrap(),
        std::slice::from_ref(&pending)
    );
    let waiting = tokio::spawn({
        let (session, id) = (session.clone(), pending.id.clone());
        async move { session.wait_for_sign_in(&id).await }
    });
    let url = callback(&pending, "right");
    let (id, outcome) = session.handle_callback(&url).await.unwrap();
    assert_eq!(id, pending.id);
    assert!(matches!(outcome, SignInOutcome::Complete(user) if user.id == "u1"));
    assert_eq!(waiting.await.unwrap().unwrap().id, "u1");
    assert_eq!(
        session.wait_for_sign_in(&id).await.unwrap().id,
        "u1",
        "late"
    );
    assert_eq!(token(&session).await, Ok("token-0".to_owned()));
    assert!(session.pending_sign_ins().await.unwrap().is_empty());
    let replayed = code_of(session.handle_callback(&url)).await;
    assert_eq!(replayed, "ERR_SIGN_IN_NOT_FOUND");
    assert_eq!(session.snapshot().state, State::Active);
}

#[tokio::test]
async fn hostile_callbacks_change_nothing() {
    let world = World::new();
    let session = world.open().await;
    let pending = in_browser(&session).await;
    let state = state_of(&pending);
    for (url, code) in [
        ("not an address".to_owned(), "ERR_CALLBACK_INVALID"),
        (APP_CALLBACK.to_owned(), "ERR_CALLBACK_INVALID"),
        (
            format!("{APP_CALLBACK}?code=right&state=guessed"),
            "ERR_SIGN_IN_NOT_FOUND",
        ),
        (
            format!("{APP_CALLBACK}#code=right&state={state}"),
            "ERR_CALLBACK_INVALID",
        ),
        (
            format!("com.other.app:/callback?code=right&state={state}"),
            "ERR_CALLBACK_INVALID",
        ),
        (
            format!("com.example.app:/other?code=right&state={state}"),
            "ERR_CALLBACK_INVALID",
        ),
        (
            format!("{APP_CALLBACK}?code=right&state={state}&state=x"),
            "ERR_CALLBACK_INVALID",
        ),
        (
            format!("{APP_CALLBACK}?state={state}&code={}", "x".repeat(20_000)),
            "ERR_CALLBACK_INVALID",
        ),
    ] {
        assert_eq!(
            code_of(session.handle_callback(&url)).await,
            code,
            "{:.80}",
            url
        );
    }
    assert_eq!(
        session.pending_sign_ins().await.unwrap(),
        std::slice::from_ref(&pending)
    );
    session
        .handle_callback(&callback(&pending, "right"))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_pending_sign_in_survives_a_restart() {
    let world = World::new();
    let pending = {
        let session = world.open().await;
        let pending = in_browser(&session).await;
        session.close().await;
        pending
    };
    let session = world.open().await;
    assert_eq!(session.snapshot().state, State::SigningIn);
    assert_eq!(
        session.pending_sign_ins().await.unwrap(),
        std::slice::from_ref(&pending)
    );
    session
        .handle_callback(&callback(&pending, "right"))
        .await
        .unwrap();
    assert_eq!(session.snapshot().state, State::Active);
}

#[tokio::test]
async fn an_expired_one_is_swept_at_the_start() {
    let world = World::new();
    let pending = {
        let session = world.open().await;
        let pending = in_browser(&session).await;
        session.close().await;
        pending
    };
    world.clock.advance(11 * MINUTE);
    let session = world.open().await;
    assert_eq!(session.snapshot().state, State::SignedOut);
    assert_eq!(
        come_back(&session, &pending, "right").await,
        "ERR_SIGN_IN_NOT_FOUND"
    );
}

#[tokio::test]
async fn a_callback_that_comes_too_late_is_refused() {
    let world = World::new();
    let session = world.open().await;
    let pending = in_browser(&session).await;
    world.clock.advance(11 * MINUTE);
    assert_eq!(
        come_back(&session, &pending, "right").await,
        "ERR_SIGN_IN_EXPIRED"
    );
    assert_eq!(session.snapshot().state, State::SignedOut);
}

#[tokio::test]
async fn of_two_at_once_either_may_complete_and_the_other_is_given_up() {
    let world = World::new();
    let session = world.open().await;
    let (first, second) = (in_browser(&session).await, in_browser(&session).await);
    session
        .handle_callback(&callback(&first, "right"))
        .await
        .unwrap();
    let given_up = session.wait_for_sign_in(&second.id).await;
    assert_eq!(given_up.unwrap_err(), Error::SignInCancelled);
    assert_eq!(
        come_back(&session, &second, "right").await,
        "ERR_SIGN_IN_NOT_FOUND"
    );
    assert_eq!(session.snapshot().state, State::Active);
}

#[tokio::test]
async fn a_refusal_in_the_browser_ends_the_sign_in_and_no_other() {
    let world = World::new();
    let session = world.open().await;
    let (first, second) = (in_browser(&session).await, in_browser(&session).await);
    assert_eq!(
        come_back(&session, &first, "wrong").await,
        "ERR_ACCESS_DENIED"
    );
    assert_eq!(
        code_of(session.wait_for_sign_in(&first.id)).await,
        "ERR_ACCESS_DENIED"
    );
    assert_eq!(session.snapshot().state, State::SigningIn);
    session
        .handle_callback(&callback(&second, "right"))
        .await
        .unwrap();
    assert_eq!(session.snapshot().state, State::Active);
}

#[tokio::test]
async fn a_callback_whose_code_was_never_sent_may_come_again() {
    let world = World::new();
    let session = world.open().await;
    let pending = in_browser(&session).await;
    world.provider.unreachable.store(true, Ordering::SeqCst);
    let url = callback(&pending, "unreachable");
    assert_eq!(code_of(session.handle_callback(&url)).await, "ERR_NETWORK");
    assert_eq!(session.snapshot().state, State::SigningIn);
    world.provider.unreachable.store(false, Ordering::SeqCst);
    session.handle_callback(&url).await.unwrap();
    assert_eq!(session.snapshot().state, State::Active);
}

#[tokio::test]
async fn what_the_person_pasted_is_taken_as_the_callback() {
    let world = World::new();
    let paste = async |text: &str| {
        let session = world.open().await;
        let pending = in_browser(&session).await;
        let text = text.replace("STATE", state_of(&pending));
        let strategy = "callback".to_owned();
        let pasted = session.submit_code(&pending.id, strategy, SecretString::new(text), false);
        let code = code_of(pasted).await;
        session.sign_out(None).await.unwrap();
        session.close().await;
        code
    };
    assert_eq!(paste(" right\n").await, "no error");
    assert_eq!(
        paste(&format!("{APP_CALLBACK}?code=right&state=STATE")).await,
        "no error"
    );
    let foreign = format!("{APP_CALLBACK}?code=right&state=of-another");
    assert_eq!(paste(&foreign).await, "ERR_CALLBACK_INVALID");
    assert_eq!(paste("").await, "ERR_INVALID_CODE");
}

#[tokio::test]
async fn a_wrong_code_leaves_the_sign_in_standing() {
    let world = World::new();
    let session = world.open().await;
    let pending = by_code(&session).await;
    assert_eq!(
        submit(&session, &pending.id, "000000").await,
        "ERR_INVALID_CODE"
    );
    assert_eq!(session.snapshot().state, State::SigningIn);
    session
        .send_code(&pending.id, "totp".to_owned())
        .await
        .unwrap();
    assert_eq!(submit(&session, &pending.id, "123456").await, "no error");
    assert_eq!(session.snapshot().state, State::Active);
    assert_eq!(
        submit(&session, &pending.id, "123456").await,
        "ERR_SIGN_IN_NOT_FOUND"
    );
}

#[tokio::test]
async fn too_many_wrong_codes_end_the_sign_in() {
    let world = World::new();
    let session = world.open().await;
    let pending = by_code(&session).await;
    assert_eq!(
        submit(&session, &pending.id, "too many").await,
        "ERR_SIGN_IN_EXPIRED"
    );
    assert_eq!(session.snapshot().state, State::SignedOut);
    assert_eq!(
        submit(&session, &pending.id, "123456").await,
        "ERR_SIGN_IN_NOT_FOUND"
    );
}

#[tokio::test]
async fn the_browser_may_lead_to_a_second_factor() {
    let world = World::new();
    let session = world.open().await;
    let pending = in_browser(&session).await;
    let (id, outcome) = session
        .handle_callback(&callback(&pending, "factor"))
        .await
        .unwrap();
    assert!(matches!(outcome, SignInOutcome::Pending(next) if next.id == id));
    assert_eq!(submit(&session, &id, "123456").await, "no error");
    assert_eq!(session.wait_for_sign_in(&id).await.unwrap().id, "u1");
}

#[tokio::test]
async fn a_cancelled_sign_in_leaves_the_state_it_found() {
    let world = World::new();
    let session = world.open().await;
    let pending = in_browser(&session).await;
    session.cancel_sign_in(&pending.id).await.unwrap();
    session.cancel_sign_in(&pending.id).await.unwrap();
    let after = session.snapshot();
    assert_eq!(
        (after.state, after.reason),
        (State::SignedOut, Reason::SignInFailed)
    );
    assert_eq!(
        code_of(session.wait_for_sign_in(&pending.id)).await,
        "ERR_SIGN_IN_CANCELLED"
    );
    assert_eq!(
        come_back(&session, &pending, "right").await,
        "ERR_SIGN_IN_NOT_FOUND"
    );
    assert!(session.pending_sign_ins().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_another_process_completes_ends_the_wait_here() {
    let world = World::new();
    let (here, elsewhere) = (world.open().await, world.open_elsewhere().await);
    let pending = in_browser(&here).await;
    let waiting = tokio::spawn({
        let (session, id) = (here.clone(), pending.id.clone());
        async move { session.wait_for_sign_in(&id).await }
    });
    elsewhere
        .handle_callback(&callback(&pending, "right"))
        .await
        .unwrap();
    let waited = tokio::time::timeout(Duration::from_secs(20), waiting).await;
    assert_eq!(waited.unwrap().unwrap().unwrap().id, "u1");
    assert_eq!(here.snapshot().state, State::Active);
    let again = in_browser(&here).await;
    elsewhere.cancel_sign_in(&again.id).await.unwrap();
    let waited = tokio::time::timeout(Duration::from_secs(20), here.wait_for_sign_in(&again.id));
    assert_eq!(waited.await.unwrap().unwrap().id, "u1");
}

#[tokio::test]
async fn signing_out_gives_up_what_was_begun() {
    let world = World::new();
    let session = world.open().await;
    let pending = in_browser(&session).await;
    session.sign_out(None).await.unwrap();
    assert_eq!(session.snapshot().state, State::SignedOut);
    assert_eq!(
        come_back(&session, &pending, "right").await,
        "ERR_SIGN_IN_NOT_FOUND"
    );
}

#[tokio::test]
async fn who_is_signed_in_stays_so_while_another_sign_in_waits() {
    let world = World::new();
    let session = world.signed_in().await;
    let pending = in_browser(&session).await;
    assert_eq!(session.snapshot().state, State::Active);
    assert!(token(&session).await.is_ok());
    session.cancel_sign_in(&pending.id).await.unwrap();
    assert_eq!(session.snapshot().state, State::Active);
}

#[tokio::test]
async fn of_too_many_the_oldest_is_given_up() {
    let world = World::new();
    let session = world.open().await;
    let mut begun = Vec::new();
    for _ in 0..9 {
        world.clock.advance(1);
        begun.push(in_browser(&session).await);
    }
    let waiting = session.pending_sign_ins().await.unwrap();
    assert_eq!(waiting, begun[1..]);
    assert_eq!(
        code_of(session.wait_for_sign_in(&begun[0].id)).await,
        "ERR_SIGN_IN_CANCELLED"
    );
}

#[tokio::test]
async fn another_device_is_asked_about_until_it_has_answered() {
    let world = World::new();
    let session = world.open().await;
    world.provider.hold();
    let pending = begin(&session, SignIn::Device { scope: None }).await;
    assert!(
        matches!(&pending.awaits, Awaits::Device { user_code, .. } if user_code == "ABCD-EFGH")
    );
    world.provider.answer(Answer::Trouble(REFUSED));
    world.provider.answer(Answer::Over);
    world
        .provider
        .answer(Answer::Trouble(Error::Server { status: 503 }));
    world.provider.answer(Answer::Renewed);
    world.provider.release();
    assert_eq!(
        session.wait_for_sign_in(&pending.id).await.unwrap().id,
        "u1"
    );
    assert_eq!(session.snapshot().state, State::Active);
}

#[tokio::test]
async fn a_device_that_refuses_ends_the_sign_in() {
    let world = World::new();
    let session = world.open().await;
    world.provider.hold();
    let pending = begin(&session, SignIn::Device { scope: None }).await;
    world.provider.answer(Answer::Trouble(Error::AccessDenied(
        "ACCESS_DENIED".to_owned(),
    )));
    world.provider.release();
    assert_eq!(
        code_of(session.wait_for_sign_in(&pending.id)).await,
        "ERR_ACCESS_DENIED"
    );
    assert_eq!(session.snapshot().state, State::SignedOut);
}

#[tokio::test]
async fn a_device_is_still_asked_about_after_a_restart() {
    let world = World::new();
    world.provider.hold();
    let first = world.open().await;
    let pending = begin(&first, SignIn::Device { scope: None }).await;
    first.close().await;
    drop(first);
    let session = world.open().await;
    world.provider.answer(Answer::Renewed);
    world.provider.release();
    assert_eq!(
        session.wait_for_sign_in(&pending.id).await.unwrap().id,
        "u1"
    );
}

#[tokio::test]
async fn the_browser_comes_back_to_a_port_of_this_machine() {
    let world = World::new();
    let session = world.open().await;
    let how = SignIn::Browser(BrowserSignIn {
        loopback: true,
        ..BrowserSignIn::default()
    });
    let pending = begin(&session, how).await;
    let Awaits::Browser { redirect_uri, .. } = &pending.awaits else {
        panic!("{pending:?}");
    };
    let authority = redirect_uri
        .strip_prefix("http://")
        .unwrap()
        .trim_end_matches("/callback");
    let get = async |query: &str| {
        let mut stream = tokio::net::TcpStream::connect(authority).await.unwrap();
        let head = format!("GET /callback?{query} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    assert!(
        get("code=right&state=guessed")
            .await
            .starts_with("HTTP/1.1 200")
    );
    let answer = get(&format!("code=right&state={}", state_of(&pending))).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(
        session.wait_for_sign_in(&pending.id).await.unwrap().id,
        "u1"
    );
    until(&session, State::Active).await;
    let closed = async || tokio::net::TcpStream::connect(authority).await.is_err();
    while !closed().await {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_step_up_does_not_end_the_session_it_proves() {
    let world = World::new();
    let session = world.signed_in().await;
    session
        .sign_in(SignIn::StepUp { level: None })
        .await
        .unwrap();
    assert_eq!(session.snapshot().state, State::Active);
    session.close().await;
    assert!(world.provider.revoked().is_empty());
}

#[tokio::test]
async fn a_switch_waits_for_the_renewal_under_way_and_spends_each_token_once() {
    let world = World::rotating();
    let session = world.signed_in().await;
    world.provider.hold();
    let refreshing = tokio::spawn({
        let session = session.clone();
        async move { session.refresh(false).await.map(|_| ()) }
    });
    while world.provider.renewals() == 0 {
        tokio::task::yield_now().await;
    }
    let switching = tokio::spawn({
        let session = session.clone();
        let organization = Some("org_2".to_owned());
        async move { session.switch_organization(Switch { organization }).await }
    });
    tokio::task::yield_now().await;
    world.provider.release();
    refreshing.await.unwrap().unwrap();
    switching.await.unwrap().unwrap();
    assert_eq!(world.provider.reused.load(Ordering::SeqCst), 0);
    let switches = world.provider.switches.lock().unwrap().clone();
    assert_eq!(
        switches,
        [Switch {
            organization: Some("org_2".to_owned())
        }]
    );
    assert_eq!(token(&session).await, Ok("token-2".to_owned()));
}

#[tokio::test]
async fn a_server_that_wants_to_see_the_person_keeps_the_session() {
    let world = World::rotating();
    let session = world.signed_in().await;
    let challenge = || Answer::Trouble(Error::StepUpRequired("MFA_CHALLENGE".to_owned()));
    world.provider.answer(challenge());
    assert_eq!(
        code_of(session.refresh(false)).await,
        "ERR_STEP_UP_REQUIRED"
    );
    let after = until_it(&session, |snapshot| snapshot.state == State::Offline).await;
    assert_eq!((after.reason, after.retry_at_ms), (Reason::Challenge, None));
    assert!(token(&session).await.is_ok(), "what lives is served");
    session.sign_in(password("right")).await.unwrap();
    assert_eq!(session.snapshot().state, State::Active);
}
