// The resources of the fake Clerk as FAPI writes them.

const SESSION_LIFETIME_MS = 7 * 24 * 3600_000;
const ATTEMPT_LIFETIME_MS = 24 * 3600_000;

export function clientAnswer(instance, client, isAlive) {
  if (!client) return null;
  const sessions = client.sessions.filter(isAlive).map((session) => sessionAnswer(instance, session));
  const attempts = [...client.attempts.values()].filter(({ status }) => status !== 'complete');
  const last = (object) => attempts.filter((each) => each.object === object).at(-1);
  return {
    object: 'client',
    id: client.id,
    sessions,
    sign_in: last('sign_in') ? signInAnswer(instance, last('sign_in')) : null,
    sign_up: last('sign_up') ? signUpAnswer(last('sign_up')) : null,
    last_active_session_id: sessions.at(-1)?.id ?? null,
    last_authentication_strategy: null,
    cookie_expires_at: null,
    captcha_bypass: false,
    created_at: Date.now(),
    updated_at: Date.now(),
  };
}

export function sessionAnswer(instance, session) {
  return {
    object: 'session',
    id: session.id,
    status: session.status,
    expire_at: session.createdAtMs + SESSION_LIFETIME_MS,
    abandon_at: session.createdAtMs + 4 * SESSION_LIFETIME_MS,
    last_active_at: Date.now(),
    last_active_token: { object: 'token', jwt: instance.sessionToken(session) },
    actor: null,
    tasks: null,
    last_active_organization_id: session.organization,
    user: userAnswer(session.person),
    public_user_data: {
      first_name: 'Ada',
      last_name: 'Lovelace',
      image_url: 'https://img.example.com/ada',
      has_image: true,
      identifier: session.person.email,
    },
    factor_verification_age: session.fva,
    created_at: session.createdAtMs,
    updated_at: session.createdAtMs,
  };
}

function userAnswer({ id, email, emailId, username, organizations }) {
  return {
    object: 'user',
    id,
    username,
    first_name: 'Ada',
    last_name: 'Lovelace',
    image_url: 'https://img.example.com/ada',
    has_image: true,
    primary_email_address_id: emailId,
    email_addresses: [
      {
        object: 'email_address',
        id: emailId,
        email_address: email,
        verification: { status: 'verified', strategy: 'email_code' },
        linked_to: [],
      },
    ],
    phone_numbers: [],
    web3_wallets: [],
    passkeys: [],
    external_accounts: [],
    enterprise_accounts: [],
    organization_memberships: organizations.map((organization) => ({
      object: 'organization_membership',
      id: `orgmem_${organization}`,
      role: 'org:admin',
      permissions: [],
      public_metadata: {},
      organization: {
        object: 'organization',
        id: organization,
        name: organization,
        slug: organization.slice(4),
        public_metadata: {},
        created_at: 0,
        updated_at: 0,
      },
      created_at: 0,
      updated_at: 0,
    })),
    public_metadata: {},
    unsafe_metadata: {},
    created_at: Date.now(),
    updated_at: Date.now(),
  };
}

export function signInAnswer(instance, attempt) {
  const { id, status, person, first, second, sessionId } = attempt;
  return {
    object: 'sign_in_attempt',
    id,
    status,
    supported_identifiers: ['email_address'],
    supported_first_factors: person ? firstFactors(person) : [],
    supported_second_factors: status === 'needs_second_factor' ? secondFactors(person) : null,
    first_factor_verification: verification(instance, attempt, first),
    second_factor_verification: verification(instance, attempt, second),
    identifier: person?.email ?? null,
    user_data: null,
    created_session_id: sessionId ?? null,
    abandon_at: Date.now() + ATTEMPT_LIFETIME_MS,
  };
}

export function signUpAnswer({ id, status, person, wanted, sessionId }) {
  return {
    object: 'sign_up_attempt',
    id,
    status,
    required_fields: ['email_address', 'password'],
    optional_fields: [],
    missing_fields: [],
    unverified_fields: status === 'complete' ? [] : ['email_address'],
    email_address: person?.email ?? wanted?.email ?? null,
    verifications: {
      email_address: { status: 'unverified', strategy: 'email_code', next_action: 'needs_prepare' },
      phone_number: null,
      web3_wallet: null,
      external_account: null,
    },
    created_session_id: sessionId ?? null,
    created_user_id: person?.id ?? null,
    abandon_at: Date.now() + ATTEMPT_LIFETIME_MS,
  };
}

export function verificationAnswer(instance, attempt) {
  const { id, status, level, person, first, second, session } = attempt;
  return {
    object: 'session_verification',
    id,
    status,
    level,
    supported_first_factors: firstFactors(person),
    supported_second_factors: secondFactors(person),
    first_factor_verification: verification(instance, attempt, first),
    second_factor_verification: verification(instance, attempt, second),
    session: sessionAnswer(instance, session),
  };
}

function firstFactors({ firstFactors, emailId, email }) {
  return firstFactors.map((strategy) =>
    strategy === 'email_code'
      ? { strategy, safe_identifier: masked(email), email_address_id: emailId, primary: true }
      : { strategy },
  );
}

function secondFactors({ secondFactors, phoneId }) {
  return secondFactors.map((strategy) =>
    strategy === 'phone_code'
      ? { strategy, safe_identifier: '+1*******00', phone_number_id: phoneId, primary: true, default: true }
      : { strategy },
  );
}

function masked(email) {
  return `${email[0]}****@${email.split('@')[1]}`;
}

function verification(instance, { id }, given) {
  if (!given) return null;
  const { strategy, status, error } = given;
  const isOauth = strategy.startsWith('oauth_') && status === 'unverified';
  return {
    object: 'verification',
    status,
    strategy,
    attempts: 0,
    expire_at: Date.now() + 600_000,
    external_verification_redirect_url: isOauth ? instance.authorizeUrl(id) : null,
    error: error ?? null,
  };
}
