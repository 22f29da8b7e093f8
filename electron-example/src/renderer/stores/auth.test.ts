import type { AuthSnapshot } from 'electron-latchkey/renderer';
import { createPinia, setActivePinia } from 'pinia';
import { beforeEach, describe, expect, it } from 'vitest';
import { ADA, activeAs, FakeBroker, failure, pending } from '../testing/fake-broker';
import { useAuthStore } from './auth';

beforeEach(() => setActivePinia(createPinia()));

async function storeOver(broker: FakeBroker) {
  broker.install();
  const auth = useAuthStore();
  await auth.initializeAuth();
  return auth;
}

describe('initializeAuth', () => {
  it('shows the splash before the first snapshot', () => {
    new FakeBroker().install();
    expect(useAuthStore().screen).toBe('splash');
  });

  it('shows a stored user at once, while main still asks the server', async () => {
    const auth = await storeOver(new FakeBroker({ ...activeAs(), state: 'restoring' }));
    expect(auth.screen).toBe('account');
    expect(auth.user).toEqual(ADA);
  });

  it('keeps a change that arrives before the answer to the first question', async () => {
    const broker = new FakeBroker({ state: 'opening' }).install();
    const first = pending<{ ok: true; value: AuthSnapshot }>();
    const stale = broker.snapshotNow;
    broker.snapshot.mockReturnValueOnce(first.promise);
    const auth = useAuthStore();
    const started = auth.initializeAuth();
    broker.change(activeAs());
    first.resolve({ ok: true, value: stale });
    await started;
    expect(auth.state).toBe('active');
  });

  it('asks main once, however often it is called', async () => {
    const broker = new FakeBroker().install();
    const auth = useAuthStore();
    await Promise.all([auth.initializeAuth(), auth.initializeAuth()]);
    expect(broker.snapshot).toHaveBeenCalledTimes(1);
  });

  it('becomes unavailable when this window is not let in', async () => {
    const broker = new FakeBroker();
    broker.snapshot.mockResolvedValue(failure('ERR_SENDER_NOT_ALLOWED'));
    const auth = await storeOver(broker);
    expect(auth.screen).toBe('unavailable');
    expect(auth.problem?.code).toBe('ERR_SENDER_NOT_ALLOWED');
  });

  it('becomes unavailable when the preload did not run, and recovers when it is there', async () => {
    Object.assign(window, { auth: undefined });
    const auth = useAuthStore();
    await auth.initializeAuth();
    expect(auth.problem?.code).toBe('ERR_NO_BROKER');
    new FakeBroker(activeAs()).install();
    await auth.retryOpening();
    expect(auth.screen).toBe('account');
  });
});

describe('snapshots', () => {
  it('drops one that is older than what is shown', async () => {
    const broker = new FakeBroker(activeAs());
    const auth = await storeOver(broker);
    const old = broker.snapshotNow;
    broker.change({ state: 'offline', reason: 'network' });
    broker.tell(old);
    expect(auth.state).toBe('offline');
  });

  it('keeps the person on the page while a new sign-in after expiry runs', async () => {
    const broker = new FakeBroker({ ...activeAs(), state: 'expired' });
    const auth = await storeOver(broker);
    broker.change({ state: 'signingIn', user: null });
    expect(auth.screen).toBe('account');
    expect(auth.user).toEqual(ADA);
  });

  it('forgets the person at sign-out', async () => {
    const broker = new FakeBroker(activeAs());
    const auth = await storeOver(broker);
    await auth.signOut();
    broker.change({ state: 'signingIn' });
    expect(auth.user).toBeNull();
  });
});

describe('signIn and signUp', () => {
  it('sends a trimmed address and the password as it was typed', async () => {
    const broker = new FakeBroker();
    const auth = await storeOver(broker);
    await auth.signIn(' ada@example.com ', ' secret ');
    expect(broker.signIn).toHaveBeenCalledWith({
      method: 'password',
      email: 'ada@example.com',
      password: ' secret ',
    });
    expect(auth.screen).toBe('account');
  });

  it('is up to date when it resolves, also if the event comes later', async () => {
    const broker = new FakeBroker();
    const auth = await storeOver(broker);
    broker.signIn.mockImplementation(async () => {
      broker.snapshotNow = { ...broker.snapshotNow, ...activeAs(), revision: 9 };
      return { ok: true, value: { status: 'complete', user: ADA } };
    });
    await auth.signIn('ada@example.com', 'secret');
    expect(auth.state).toBe('active');
  });

  it('rejects with the code of the failure and stays where it was', async () => {
    const broker = new FakeBroker();
    const auth = await storeOver(broker);
    broker.signIn.mockResolvedValue(failure('ERR_INVALID_CREDENTIALS'));
    await expect(auth.signIn('ada@example.com', 'no')).rejects.toMatchObject({
      code: 'ERR_INVALID_CREDENTIALS',
    });
    expect(auth.screen).toBe('signIn');
    expect(auth.signInPending).toBe(false);
  });

  it('signs up with name, address and password', async () => {
    const broker = new FakeBroker();
    const auth = await storeOver(broker);
    await auth.signUp(' Grace ', 'grace@example.com', 'long enough');
    expect(broker.signUp).toHaveBeenCalledWith({
      name: 'Grace',
      email: 'grace@example.com',
      password: 'long enough',
    });
    expect(auth.user?.name).toBe('Grace');
  });
});

describe('refreshSession', () => {
  it('takes what main answers, and says that it is busy meanwhile', async () => {
    const broker = new FakeBroker({ ...activeAs(), state: 'offline', reason: 'network' });
    const auth = await storeOver(broker);
    const answer = pending<{ ok: true; value: AuthSnapshot }>();
    broker.refresh.mockReturnValue(answer.promise);
    const refreshed = auth.refreshSession();
    expect(auth.refreshPending).toBe(true);
    answer.resolve({ ok: true, value: { ...broker.snapshotNow, ...activeAs(), revision: 5 } });
    await refreshed;
    expect(auth.state).toBe('active');
    expect(auth.refreshPending).toBe(false);
  });
});

describe('handleAuthExpired', () => {
  it('asks the provider before it believes that the session is over', async () => {
    const broker = new FakeBroker(activeAs());
    const auth = await storeOver(broker);
    await auth.handleAuthExpired();
    expect(broker.refresh).toHaveBeenCalledTimes(1);
    expect(auth.state).toBe('active');
  });

  it('keeps the person and the page when it is', async () => {
    const broker = new FakeBroker(activeAs());
    const auth = await storeOver(broker);
    broker.refresh.mockImplementation(async () => {
      broker.change({ state: 'expired', reason: 'ended' });
      return { ok: true, value: broker.snapshotNow };
    });
    await auth.handleAuthExpired();
    expect(auth.state).toBe('expired');
    expect(auth.screen).toBe('account');
    expect(auth.user).toEqual(ADA);
  });

  it('does not ask again for a session that is known to be over', async () => {
    const broker = new FakeBroker({ ...activeAs(), state: 'expired' });
    const auth = await storeOver(broker);
    await auth.handleAuthExpired();
    expect(broker.refresh).not.toHaveBeenCalled();
  });

  it('leaves the state alone when the question could not be put', async () => {
    const broker = new FakeBroker(activeAs());
    const auth = await storeOver(broker);
    broker.refresh.mockResolvedValue(failure('ERR_TIMEOUT'));
    await auth.handleAuthExpired();
    expect(auth.state).toBe('active');
  });
});

describe('retryOpening', () => {
  const closed = {
    state: 'unavailable',
    user: null,
    protection: null,
    problem: { code: 'ERR_KEYCHAIN_LOCKED', message: 'Unlock it.' },
  } as const;

  it('stays on its screen, with its problem, while the vault opens once more', async () => {
    const broker = new FakeBroker(closed);
    const auth = await storeOver(broker);
    const answer = pending<{ ok: true; value: AuthSnapshot }>();
    broker.retry.mockReturnValue(answer.promise);
    const retried = auth.retryOpening();
    broker.change({ state: 'opening', problem: null });
    expect(auth.screen).toBe('unavailable');
    expect(auth.problem?.code).toBe('ERR_KEYCHAIN_LOCKED');
    broker.change({ state: 'signedOut' });
    answer.resolve({ ok: true, value: broker.snapshotNow });
    await retried;
    expect(auth.screen).toBe('signIn');
    expect(auth.problem).toBeNull();
  });

  it('shows the new problem when it fails in another way', async () => {
    const broker = new FakeBroker(closed);
    const auth = await storeOver(broker);
    broker.retry.mockResolvedValue(failure('ERR_SENDER_NOT_ALLOWED'));
    await auth.retryOpening();
    expect(auth.screen).toBe('unavailable');
    expect(auth.problem?.code).toBe('ERR_SENDER_NOT_ALLOWED');
  });
});
