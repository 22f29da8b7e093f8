// The Better Auth configuration. This is the file to read, and to copy, for a server of your own.
import { electron } from '@better-auth/electron';
import { APIError } from 'better-auth/api';
import { getMigrations } from 'better-auth/db/migration';
import { bearer, emailOTP, twoFactor } from 'better-auth/plugins';

export const AUTH_PATH = '/api/auth';

/** The app's own URL scheme: a domain of the maker, backwards (RFC 8252 section 7.1), so that no other app has it. */
export const APP_SCHEME = 'com.example.latchkey';

/** The header the server sets from the socket's address; see requestFrom in http.mjs. */
export const CLIENT_ADDRESS_HEADER = 'x-latchkey-client-address';

/** How long a session lives and how old it must be before use makes it longer, both in seconds. */
export const DEFAULT_LIFETIME = { expiresIn: 7 * 24 * 60 * 60, updateAge: 24 * 60 * 60 };

/**
 * @param {object} settings
 * @param {string} settings.url origin of this server, such as `http://127.0.0.1:4711`
 * @param {import('kysely').Kysely<any>} settings.db
 * @param {string} settings.secret signs the session tokens
 * @param {{ expiresIn: number, updateAge: number }} settings.lifetime
 * @param {boolean} settings.rateLimit
 * @param {import('./mailbox.mjs').Mailbox} settings.mailbox
 * @param {(email: string) => Promise<{ twoFactorEnabled?: boolean } | undefined>} settings.findUser
 */
export function authOptions({ url, db, secret, lifetime, rateLimit, mailbox, findUser }) {
  return {
    appName: 'Latchkey example',
    baseURL: url,
    basePath: AUTH_PATH,
    secret,
    database: { db, type: 'sqlite' },
    emailAndPassword: { enabled: true },
    session: lifetime,
    // requireSignature: the database holds the unsigned half of each token. Without the signature
    // that half would sign in by itself, so a leaked database would be a set of open sessions.
    plugins: [
      // First: the two others must not hand out the session that the password made, and that this one takes back.
      twoFactor({
        issuer: 'Latchkey example',
        otpOptions: {
          sendOTP: async ({ user, otp }) =>
            mailbox.send({ to: user.email, text: 'The code for your sign-in is', code: otp }),
        },
      }),
      bearer({ requireSignature: true }),
      emailOTP({
        disableSignUp: true,
        sendVerificationOTP: async ({ email, otp, type }) => {
          if (type !== 'sign-in') return;
          mailbox.send({ to: email, ...signInMail(await findUser(email), otp) });
        },
      }),
      // What a sign-in in the browser gives the app is a code that only the app can turn into a session.
      electron(),
    ],
    // Who may name itself in an Origin header or a callback: the app's page, the page of the
    // development server, and the app's own scheme, which browser sign-in comes back on.
    trustedOrigins: ['app://latchkey-example', 'http://localhost:5173', `${APP_SCHEME}:/`],
    rateLimit: { enabled: rateLimit },
    advanced: {
      // Not x-forwarded-for: no proxy stands in front of this server, so a client could write it
      // itself and choose whose rate limit it uses up.
      ipAddress: { ipAddressHeaders: [CLIENT_ADDRESS_HEADER] },
      // Said aloud because the default is to skip the check where NODE_ENV is test.
      disableOriginCheck: false,
    },
    logger: { level: 'error', log: (_level, message) => logFailure(message) },
    onAPIError: {
      // A refusal, such as a wrong password, is an answer to the client and no event of the server.
      onError: (error) => {
        if (!(error instanceof APIError && error.statusCode < 500)) logFailure(error);
      },
    },
    telemetry: { enabled: false },
  };
}

// To Better Auth a code by mail is a whole sign-in, also where the person has a second factor: it would be a way around it.
function signInMail(user, code) {
  if (user?.twoFactorEnabled)
    return {
      text: 'Somebody asked for a code. Your account has a second factor: sign in with your password.',
    };
  return { text: 'The code for your sign-in is', code };
}

// Without the details that come along: those can hold what a request carried.
function logFailure(failure) {
  const text = failure instanceof Error ? failure.name : String(failure);
  console.error(`[better-auth] ${text}`);
}

/**
 * Brings the tables up to what the options need; does nothing when they are there.
 *
 * @param {ReturnType<typeof authOptions>} options
 */
export async function migrate(options) {
  const { runMigrations } = await getMigrations(options);
  await runMigrations();
}

/**
 * Creates the user unless the e-mail address is taken, with an address that counts as confirmed.
 *
 * @param {import('better-auth').Auth} auth
 * @param {{ email: string, password: string, name: string }} user
 */
export async function ensureUser(auth, user) {
  const { internalAdapter } = await auth.$context;
  const found = await internalAdapter.findUserByEmail(user.email);
  if (found?.user.emailVerified) return;
  const { id } = found?.user ?? (await auth.api.signUpEmail({ body: user })).user;
  // Signing up signs in. Nobody holds that session's token, so it must not stay.
  if (!found) await internalAdapter.deleteUserSessions(id);
  await internalAdapter.updateUser(id, { emailVerified: true });
}
