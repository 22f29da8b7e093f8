// Somebody with a second factor, on the example's server: what the account page does, by plain requests.
import assert from 'node:assert/strict';
import { totp } from '../../../__test__/peers/authenticator.mjs';

/**
 * Signs in, sets up an authenticator, and leaves no session behind.
 *
 * @returns {Promise<{ secret: string, backupCodes: string[] }>}
 */
export async function enrol(serverUrl, { email, password }) {
  let authorization;
  const post = async (path, body) => {
    const answer = await fetch(`${serverUrl}/api/auth${path}`, {
      method: 'POST',
      headers: {
        origin: serverUrl,
        'content-type': 'application/json',
        ...(authorization && { authorization }),
      },
      body: JSON.stringify(body),
    });
    assert.equal(answer.status, 200, `${path}: ${answer.status}`);
    const token = answer.headers.get('set-auth-token');
    if (token) authorization = `Bearer ${token}`;
    return answer.json();
  };
  await post('/sign-in/email', { email, password });
  const { totpURI, backupCodes } = await post('/two-factor/enable', { password });
  const secret = new URL(totpURI).searchParams.get('secret');
  await post('/two-factor/verify-totp', { code: totp(secret) });
  await post('/sign-out', {});
  return { secret, backupCodes };
}
