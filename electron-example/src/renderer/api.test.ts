import { beforeEach, describe, expect, it } from 'vitest';
import { callApi } from './api';
import { FakeBroker, failure } from './testing/fake-broker';

const PROFILE = {
  user: { id: 'user-ada', email: 'ada@example.com', name: 'Ada' },
  servedAt: '2026-05-17T12:00:00.000Z',
  message: 'Only for you.',
};

const URL = 'http://127.0.0.1:4711/api/profile';

let broker: FakeBroker;
beforeEach(() => {
  broker = new FakeBroker().install();
});

describe('callApi', () => {
  it('asks the server of the app through the broker', async () => {
    broker.serve(() => ({ status: 200, json: PROFILE }));
    await expect(callApi(URL, true)).resolves.toEqual({
      message: PROFILE.message,
      email: PROFILE.user.email,
      servedAt: PROFILE.servedAt,
    });
    expect(broker.fetch.mock.calls[0]?.[0]).toBe(URL);
  });

  it.each([
    [401, 'ERR_SESSION_EXPIRED'],
    [403, 'ERR_UNEXPECTED_RESPONSE'],
    [429, 'ERR_RATE_LIMITED'],
    [503, 'ERR_SERVER'],
  ])('turns status %d into %s', async (status, code) => {
    broker.serve(() => ({ status, json: {} }));
    await expect(callApi(URL, true)).rejects.toMatchObject({ code, status });
  });

  it.each([[null], ['text'], [{}], [{ ...PROFILE, user: {} }]])(
    'does not take %j for a profile',
    async (json) => {
      broker.serve(() => ({ status: 200, json }));
      await expect(callApi(URL, true)).rejects.toMatchObject({ code: 'ERR_UNEXPECTED_RESPONSE' });
    },
  );

  it('takes any answer of an API that is not its own', async () => {
    broker.serve(() => ({ status: 200, json: { sub: 'ada' } }));
    await expect(callApi(URL, false)).resolves.toEqual({
      message: '{"sub":"ada"}',
      email: null,
      servedAt: null,
    });
  });

  it('passes the code of a failed request on', async () => {
    broker.fetch.mockResolvedValue(failure('ERR_TLS'));
    await expect(callApi(URL, true)).rejects.toMatchObject({ name: 'TypeError', code: 'ERR_TLS' });
  });
});
