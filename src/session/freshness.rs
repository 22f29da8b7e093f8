//! When a token should be renewed, and how long to wait after a failure.
#![forbid(unsafe_code)]

use crate::provider::Credentials;

/// Renewed when this share of the lifetime has passed, so that 60-second tokens and 7-day sessions fit one rule.
const RENEW_AT: (u64, u64) = (3, 4);
/// A token this close to its end may be dead when it arrives.
const MARGIN_MS: u64 = 5_000;
/// Of a short lifetime, the margin takes this share at most: a 3-second token is served for 2.
const MARGIN_SHARE: u64 = 3;

const FIRST_RETRY_MS: u64 = 1_000;
const LAST_RETRY_MS: u64 = 30_000;

/// What may be done with a token now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Serve it.
    Fresh,
    /// Serve it, and renew it meanwhile.
    Due,
    /// Renew it first.
    Stale,
}

/// Judges a token that must live for another `min_validity_ms`.
pub(crate) fn judge(credentials: &Credentials, now_ms: u64, min_validity_ms: u64) -> Freshness {
    let Some(expires_at_ms) = credentials.expires_at_ms else {
        return Freshness::Fresh;
    };
    let lifetime = expires_at_ms.saturating_sub(credentials.confirmed_at_ms);
    let margin = MARGIN_MS.min(lifetime / MARGIN_SHARE).max(min_validity_ms);
    let due_at = credentials.confirmed_at_ms + lifetime / RENEW_AT.1 * RENEW_AT.0;
    // Before it was confirmed: the clock was set back, and nothing can be said about the lifetime.
    if now_ms.saturating_add(margin) >= expires_at_ms || now_ms < credentials.confirmed_at_ms {
        Freshness::Stale
    } else if now_ms >= due_at {
        Freshness::Due
    } else {
        Freshness::Fresh
    }
}

/// Whether a token that could not be renewed may still be served.
pub(crate) fn is_alive(credentials: &Credentials, now_ms: u64) -> bool {
    credentials.expires_at_ms.is_none_or(|end| now_ms < end)
}

/// How long to wait before the next try, after `failures` failures in a row (1 for the first): doubling, with up to a
/// fifth taken off at random (`jitter` in 0..=255), so that clients of a server that comes back do not come together.
pub(crate) fn retry_delay_ms(failures: u32, jitter: u8) -> u64 {
    let doubled = FIRST_RETRY_MS.saturating_mul(1 << failures.saturating_sub(1).min(10));
    let delay = doubled.min(LAST_RETRY_MS);
    delay - delay / 5 * u64::from(jitter) / 255
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretString;

    fn token(lifetime_ms: u64) -> Credentials {
        Credentials {
            access_token: SecretString::default(),
            refresh_token: None,
            expires_at_ms: Some(1_000_000 + lifetime_ms),
            confirmed_at_ms: 1_000_000,
            sliding: true,
            private: None,
        }
    }

    #[test]
    fn a_minute_long_token_is_renewed_in_its_last_quarter() {
        let token = token(60_000);
        assert_eq!(judge(&token, 1_044_999, 0), Freshness::Fresh);
        assert_eq!(judge(&token, 1_045_000, 0), Freshness::Due);
        assert_eq!(judge(&token, 1_055_000, 0), Freshness::Stale);
        assert_eq!(judge(&token, 1_001_000, 59_000), Freshness::Stale);
    }

    #[test]
    fn a_three_second_token_is_served_for_two() {
        let token = token(3_000);
        assert_eq!(judge(&token, 1_001_900, 0), Freshness::Fresh);
        assert_eq!(judge(&token, 1_002_000, 0), Freshness::Stale);
        assert!(is_alive(&token, 1_002_999) && !is_alive(&token, 1_003_000));
    }

    #[test]
    fn a_clock_set_back_asks_the_server() {
        assert_eq!(judge(&token(60_000), 999_999, 0), Freshness::Stale);
    }

    #[test]
    fn waits_double_up_to_a_limit_and_differ() {
        let waits: Vec<u64> = (1..8).map(|failures| retry_delay_ms(failures, 0)).collect();
        assert_eq!(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
        assert_eq!(retry_delay_ms(1, 255), 800);
        assert_eq!(retry_delay_ms(u32::MAX, 0), 30_000);
    }
}
