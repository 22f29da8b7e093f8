// What a Clerk instance knows: people, clients, sign-ins, sessions. A fake, written from Clerk's published API description
// (FAPI 2026-05-12) and from what @clerk/clerk-js 6.34.1 sends and reads; clerk-client.test.mjs holds it against that client.
import {
  createHmac,
  createSign,
  createVerify,
  generateKeyPairSync,
  randomBytes,
  randomUUID,
} from 'node:crypto';

/** What a message or an authenticator shows. Clerk's own test mode has the first. */
export const CODES = {
  email_code: '424242',
  phone_code: '424242',
  totp: '135790',
  backup_code: 'spare-one',
};
export const PASSWORD = 'difference-engine';
const MOST_TRIES = 5;

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** A refusal, as FAPI words it. */
export class Refusal extends Error {
  constructor(status, code, { headers, meta } = {}) {
    super(code);
    Object.assign(this, { status, code, headers, meta });
  }

  get body() {
    const { code, meta } = this;
    return {
      errors: [{ code, message: `message of ${code}`, long_message: `Long message of ${code}.`, meta }],
      clerk_trace_id: 'trace',
    };
  }
}

export class ClerkInstance {
  /** The people, by identifier: e-mail address or username. */
  people = new Map();
  clients = new Map();
  /** How often a client came with a token that had been replaced already. */
  olderRotations = 0;
  #options;
  #clientKey = randomBytes(32);

  /** @param {object} options as of `ClerkServer.start` */
  constructor(options) {
    this.#options = options;
  }

  /** Somebody with an account: `{ id, identifier, email, … }`. */
  addPerson({
    email = `${randomUUID()}@example.com`,
    username = null,
    firstFactors = ['password', 'email_code'],
    secondFactors = [],
    organizations = [],
  } = {}) {
    const person = {
      id: `user_${hex()}`,
      email,
      emailId: `idn_${hex()}`,
      phoneId: `idn_${hex()}`,
      username,
      firstFactors,
      secondFactors,
      organizations,
      banned: false,
    };
    this.people.set(email, person);
    if (username) this.people.set(username, person);
    return person;
  }

  // Clients

  addClient() {
    const client = { id: `client_${hex()}`, rotation: 0, nonce: null, sessions: [], attempts: new Map() };
    this.clients.set(client.id, client);
    return client;
  }

  /** The client of this token, `null` without one; refuses what is none, and counts one that was replaced. */
  clientOf(token, nonce) {
    if (!token) return null;
    const [, payload, signature] = token.split('.');
    const known = payload && this.#mac(token.slice(0, token.lastIndexOf('.'))) === signature;
    const { id, rotating_token } = known ? JSON.parse(Buffer.from(payload, 'base64url')) : {};
    const client = this.clients.get(id);
    if (!client) throw new Refusal(401, 'authentication_invalid');
    if (rotating_token !== client.rotation) {
      // The browser was the last to have a newer one. The nonce says that this is the client it was opened by.
      const isExpected = nonce !== undefined && nonce === client.nonce?.value;
      if (!isExpected) {
        this.olderRotations++;
        if (this.#options.refuseOlderRotations || client.nonce)
          throw new Refusal(401, 'authentication_invalid');
      }
    }
    client.nonce = nonce === client.nonce?.value ? null : client.nonce;
    return client;
  }

  /** A new token for this client; those before it are older rotations from now on. */
  rotate(client) {
    client.rotation++;
    const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ id: client.id, rotating_token: client.rotation })}`;
    return `${text}.${this.#mac(text)}`;
  }

  #mac(text) {
    return createHmac('sha256', this.#clientKey).update(text).digest('base64url');
  }

  // Sign-ins and sign-ups

  createSignIn(client, { strategy, identifier, password, redirect_url, ticket, transfer }) {
    if (this.#options.singleSession && client.sessions.some(isAlive))
      throw new Refusal(400, 'session_exists');
    const attempt = {
      object: 'sign_in',
      id: `sia_${hex()}`,
      person: null,
      status: 'needs_identifier',
      first: null,
      second: null,
      tries: 0,
    };
    if (ticket)
      attempt.person = this.people.get(ticket.replace(/^ticket-/, '')) ?? refuse(422, 'ticket_invalid');
    if (strategy?.startsWith('oauth_')) {
      this.#checkRedirect(redirect_url);
      attempt.first = { strategy, status: 'unverified', redirect_url };
      attempt.status = 'needs_first_factor';
    } else if (!transfer && !ticket) {
      attempt.person = this.people.get(identifier) ?? refuse(422, 'form_identifier_not_found');
      attempt.status = 'needs_first_factor';
    }
    client.attempts.set(attempt.id, attempt);
    if (ticket) this.#firstFactorDone(client, attempt);
    if (password !== undefined) this.#checkFirst(client, attempt, { strategy: 'password', password });
    return attempt;
  }

  attemptOf(client, id) {
    return client?.attempts.get(id) ?? refuse(404, 'resource_not_found');
  }

  prepareFirst(attempt, { strategy, email_address_id }) {
    if (strategy === 'email_code' && email_address_id !== attempt.person.emailId)
      throw new Refusal(404, 'resource_not_found');
    attempt.first = { strategy, status: 'unverified', sent: true };
    attempt.tries = 0;
  }

  attemptFirst(client, attempt, fields) {
    this.#checkFirst(client, attempt, fields);
  }

  prepareSecond(attempt, { strategy, phone_number_id }) {
    if (!attempt.person.secondFactors.includes(strategy)) throw new Refusal(422, 'strategy_for_user_invalid');
    if (strategy === 'phone_code' && phone_number_id !== attempt.person.phoneId)
      throw new Refusal(404, 'resource_not_found');
    attempt.second = { strategy, status: 'unverified', sent: true };
  }

  attemptSecond(client, attempt, { strategy, code }) {
    if (attempt.status !== 'needs_second_factor') throw new Refusal(422, 'sign_in_no_second_factor');
    if (!attempt.person.secondFactors.includes(strategy)) throw new Refusal(422, 'strategy_for_user_invalid');
    this.#checkCode(attempt, attempt.second, strategy, code);
    attempt.second = { strategy, status: 'verified' };
    this.#complete(client, attempt);
  }

  #checkFirst(client, attempt, { strategy, password, code }) {
    const { person } = attempt;
    if (!person.firstFactors.includes(strategy)) throw new Refusal(422, 'strategy_for_user_invalid');
    if (strategy === 'password') {
      if (password !== PASSWORD) throw new Refusal(422, 'form_password_incorrect');
    } else this.#checkCode(attempt, attempt.first, strategy, code);
    attempt.first = { strategy, status: 'verified' };
    this.#firstFactorDone(client, attempt);
  }

  #checkCode(attempt, prepared, strategy, code) {
    const needsSending = strategy === 'email_code' || strategy === 'phone_code';
    if (needsSending && (prepared?.strategy !== strategy || !prepared.sent))
      throw new Refusal(422, 'verification_missing');
    if (attempt.tries >= MOST_TRIES) throw new Refusal(400, 'verification_failed');
    if (code !== CODES[strategy]) {
      attempt.tries++;
      throw new Refusal(422, 'form_code_incorrect', { meta: { param_name: 'code' } });
    }
  }

  #firstFactorDone(client, attempt) {
    if (attempt.person.banned) throw new Refusal(403, 'user_banned');
    if (attempt.object === 'verification' && attempt.level === 'first_factor')
      return this.#complete(client, attempt);
    if (attempt.person.secondFactors.length > 0) attempt.status = 'needs_second_factor';
    else this.#complete(client, attempt);
  }

  #complete(client, attempt) {
    attempt.status = 'complete';
    if (attempt.object === 'verification') {
      const nowMinutes = 0;
      attempt.session.fva = [nowMinutes, attempt.second ? nowMinutes : attempt.session.fva[1]];
      return;
    }
    attempt.sessionId = this.#addSession(client, attempt.person).id;
  }

  createSignUp(client, { transfer, email_address, password, first_name }) {
    const attempt = {
      object: 'sign_up',
      id: `sua_${hex()}`,
      person: null,
      status: 'missing_requirements',
      tries: 0,
    };
    client.attempts.set(attempt.id, attempt);
    if (transfer) {
      const transferable = [...client.attempts.values()].find(
        ({ first }) => first?.status === 'transferable',
      );
      if (!transferable) throw new Refusal(400, 'account_transfer_invalid');
      attempt.person = this.addPerson({ email: transferable.transferEmail });
      this.#complete(client, attempt);
      return attempt;
    }
    if (this.people.has(email_address)) throw new Refusal(422, 'form_identifier_exists');
    if (!password || password.length < 8) throw new Refusal(422, 'form_password_length_too_short');
    attempt.wanted = { email: email_address, name: first_name };
    return attempt;
  }

  prepareSignUp(attempt) {
    attempt.sent = true;
  }

  attemptSignUp(client, attempt, { strategy, code }) {
    this.#checkCode(attempt, { strategy: 'email_code', sent: attempt.sent }, strategy, code);
    attempt.person = this.addPerson({ email: attempt.wanted.email });
    this.#complete(client, attempt);
  }

  // OAuth in the browser

  #checkRedirect(url) {
    const allowed = this.#options.redirectUrls;
    const plain = (url ?? '').split('?', 1)[0];
    if (!allowed.includes(plain))
      throw new Refusal(422, 'form_param_value_invalid', { meta: { param_name: 'redirect_url' } });
  }

  /** The person agreed in the browser: where the browser is sent to then. */
  approve(attemptId, email) {
    for (const client of this.clients.values()) {
      const attempt = client.attempts.get(attemptId);
      if (!attempt) continue;
      const { redirect_url, strategy } = attempt.first;
      const person = this.people.get(email);
      attempt.person = person ?? null;
      if (person) {
        attempt.first = { strategy, status: 'verified' };
        this.#firstFactorDone(client, attempt);
      } else {
        attempt.first = { strategy, status: 'transferable' };
        attempt.transferEmail = email;
      }
      client.nonce = { value: hex() };
      client.rotation++;
      const to = new URL(redirect_url);
      to.searchParams.set('rotating_token_nonce', client.nonce.value);
      return String(to);
    }
    throw new Refusal(404, 'resource_not_found');
  }

  /** The person did not agree: the browser is sent back all the same, and the sign-in says why. */
  refuse(attemptId) {
    for (const client of this.clients.values()) {
      const attempt = client.attempts.get(attemptId);
      if (!attempt) continue;
      const { redirect_url, strategy } = attempt.first;
      attempt.first = { strategy, status: 'failed', error: { code: 'oauth_access_denied' } };
      client.nonce = { value: hex() };
      client.rotation++;
      const to = new URL(redirect_url);
      to.searchParams.set('rotating_token_nonce', client.nonce.value);
      return String(to);
    }
    throw new Refusal(404, 'resource_not_found');
  }

  // Sessions

  #addSession(client, person) {
    const session = {
      id: `sess_${hex()}`,
      clientId: client.id,
      person,
      status: 'active',
      organization: null,
      fva: [0, person.secondFactors.length > 0 ? 0 : -1],
      createdAtMs: Date.now(),
      verification: null,
    };
    client.sessions.push(session);
    return session;
  }

  sessionOf(client, id) {
    const session = client?.sessions.find((each) => each.id === id);
    if (!session)
      throw new Refusal(client ? 404 : 401, client ? 'resource_not_found' : 'authentication_invalid');
    if (session.person.banned) throw new Refusal(403, 'user_banned');
    if (!isAlive(session)) throw new Refusal(401, 'authentication_invalid');
    return session;
  }

  findSession(id) {
    for (const { sessions } of this.clients.values())
      for (const session of sessions) if (session.id === id) return session;
    return undefined;
  }

  sessionsOf(person) {
    return [...this.clients.values()].flatMap(({ sessions }) =>
      sessions.filter((each) => each.person === person && isAlive(each)),
    );
  }

  selectOrganization(session, id) {
    if (id && !session.person.organizations.includes(id))
      throw new Refusal(403, 'organization_not_found_or_unauthorized');
    session.organization = id || null;
  }

  startVerification(session, level) {
    session.verification = {
      object: 'verification',
      id: `siv_${hex()}`,
      session,
      person: session.person,
      status: level === 'second_factor' ? 'needs_second_factor' : 'needs_first_factor',
      level,
      first: null,
      second: null,
      tries: 0,
    };
    return session.verification;
  }

  /** A session token, `organization` beside the session's own. */
  sessionToken(session, { organization = session.organization, template, iat, oiat } = {}) {
    const at = iat ?? this.#options.nowMs() / 1000;
    const claims = {
      azp: 'app://example',
      exp: at + this.#options.accessTokenSeconds,
      fva: session.fva,
      iat: at,
      iss: this.#options.issuer(),
      jti: hex(),
      nbf: at - 10,
      sid: session.id,
      sts: session.status,
      sub: session.person.id,
      v: 2,
      ...(organization ? { o: { id: organization, rol: 'admin', slg: organization.slice(4) } } : {}),
      ...(template ? { template } : {}),
    };
    const text = `${encode({ alg: 'RS256', kid: 'ins_test', typ: 'JWT', ...(oiat ? { oiat } : {}) })}.${encode(claims)}`;
    return `${text}.${createSign('RSA-SHA256').update(text).sign(privateKey, 'base64url')}`;
  }
}

export function isAlive({ status, person }) {
  return status === 'active' && !person.banned;
}

export function refuse(status, code) {
  throw new Refusal(status, code);
}

function encode(value) {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function hex() {
  return randomBytes(12).toString('hex');
}

/** What a session token says, checked as a server does it with the instance's public key; `null` for any other. */
export function verifySessionToken(token) {
  const [header, payload, signature] = token.split('.');
  const verify = createVerify('RSA-SHA256').update(`${header}.${payload}`);
  if (!signature || !verify.verify(publicKey, signature, 'base64url')) return null;
  const claims = JSON.parse(Buffer.from(payload, 'base64url'));
  return claims.exp * 1000 > Date.now() ? claims : null;
}
