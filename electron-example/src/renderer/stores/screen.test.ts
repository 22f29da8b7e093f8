import type { AuthSnapshot } from 'electron-latchkey/renderer';
import { createPinia, setActivePinia } from 'pinia';
import { beforeEach, expect, it } from 'vitest';
import { ADA, activeAs, FakeBroker, failure, pending } from '../testing/fake-broker';
import { useAuthStore } from './auth';
import { useScreenStore } from './screen';

beforeEach(() => setActivePinia(createPinia()));

async function startOver(broker: FakeBroker) {
  broker.install();
  const auth = useAuthStore();
  const shown = useScreenStore();
  await auth.initializeAuth();
  return { auth, shown };
}

it('shows the splash before the first snapshot', () => {
  new FakeBroker().install();
  expect(useScreenStore().screen).toBe('splash');
});

it('shows a stored user at once, while main still asks the server', async () => {
  const { auth, shown } = await startOver(new FakeBroker({ ...activeAs(), state: 'restoring' }));
  expect(shown.screen).toBe('account');
  expect(auth.user).toEqual(ADA);
});

it('says what is wrong when the preload did not run, and goes on when it is there', async () => {
  Object.assign(window, { auth: undefined });
  const auth = useAuthStore();
  const shown = useScreenStore();
  await auth.initializeAuth();
  expect(shown.screen).toBe('unavailable');
  new FakeBroker(activeAs()).install();
  await auth.retry();
  expect(shown.screen).toBe('account');
});

it('keeps the person on the page while a new sign-in after expiry runs', async () => {
  const broker = new FakeBroker({ ...activeAs(), state: 'expired' });
  const { auth, shown } = await startOver(broker);
  broker.change({ state: 'signingIn', user: null });
  expect(shown.screen).toBe('account');
  expect(auth.user).toEqual(ADA);
});

it('misses no snapshot, however fast they follow', async () => {
  const broker = new FakeBroker(activeAs());
  const { shown } = await startOver(broker);
  broker.change({ state: 'signedOut', user: null });
  broker.change({ state: 'signingIn' });
  expect(shown.screen).toBe('signIn');
});

it('stays where it is while the vault opens once more', async () => {
  const broker = new FakeBroker({
    state: 'unavailable',
    problem: { code: 'ERR_KEYCHAIN_LOCKED', message: 'Unlock it.' },
  });
  const { auth, shown } = await startOver(broker);
  const answer = pending<{ ok: true; value: AuthSnapshot }>();
  broker.retry.mockReturnValue(answer.promise);
  const retried = auth.retry();
  broker.change({ state: 'opening', problem: null });
  expect(shown.screen).toBe('unavailable');
  broker.change({ state: 'signedOut' });
  answer.resolve({ ok: true, value: broker.snapshotNow });
  await retried;
  expect(shown.screen).toBe('signIn');
});

it('shows the new problem when a retry fails in another way', async () => {
  const broker = new FakeBroker({ state: 'unavailable', problem: { code: 'ERR_VAULT_IO', message: '' } });
  const { auth, shown } = await startOver(broker);
  broker.retry.mockResolvedValue(failure('ERR_SENDER_NOT_ALLOWED'));
  await auth.retry();
  expect(shown.screen).toBe('unavailable');
  expect(auth.problem?.code).toBe('ERR_SENDER_NOT_ALLOWED');
});
