// What an API checks of a request with a token that is bound to a key (RFC 9449 section 4.3).
import { createHash, createPublicKey, verify } from 'node:crypto';

/** The nonce that this API wants, which is another than its authorization server's. */
export const RESOURCE_NONCE = 'nonce-of-the-resource';

const seen = new Set();
const json = (part) => JSON.parse(Buffer.from(part, 'base64url'));
const hash = (text) => createHash('sha256').update(text).digest('base64url');

/** The error code, or `null` for a proof that is all it must be. */
export function whyRefused(request, { url, token, jkt, nonces }) {
  if (!/^dpop /i.test(request.headers.authorization)) return 'invalid_token';
  const proof = request.headers.dpop ?? '';
  const [header, payload, signature] = proof.split('.');
  if (!signature) return 'invalid_dpop_proof';
  const { typ, alg, jwk } = json(header);
  const { htm, htu, iat, jti, ath, nonce } = json(payload);
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  const signed = Buffer.from(`${header}.${payload}`);
  const holds = [
    typ === 'dpop+jwt' && alg === 'ES256' && jwk.d === undefined,
    verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url')),
    hash(JSON.stringify({ crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y })) === jkt,
    htm === request.method && htu === url,
    Math.abs(Date.now() / 1000 - iat) < 60,
    ath === hash(token),
    !seen.has(jti),
  ];
  seen.add(jti);
  if (holds.includes(false)) return 'invalid_dpop_proof';
  return nonces && nonce !== RESOURCE_NONCE ? 'use_dpop_nonce' : null;
}
