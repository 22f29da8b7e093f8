// The store in the frameworks themselves: what they ask of it is their word, not ours.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { createPinia, setActivePinia } from 'pinia';
import { createElement, useSyncExternalStore } from 'react';
import { act, create } from 'react-test-renderer';
import { derived, get } from 'svelte/store';
import { computed, effectScope, isReadonly, nextTick, watch } from 'vue';
import { useAuthStore } from '../dist/esm/pinia/index.js';
import { createAuthStore } from '../dist/esm/renderer/index.js';
import { useAuth } from '../dist/esm/vue/index.js';
import { ACTIVE, ADA, FakeBroker, failure } from './fake-broker.mjs';

const GRACE = { ...ADA, id: 'grace', name: 'Grace Hopper' };

beforeEach(() => setActivePinia(createPinia()));
afterEach(() => {
  delete globalThis.auth;
});

test('Vue: the refs follow main, and no component can write them', async () => {
  const broker = new FakeBroker(ACTIVE);
  const auth = useAuth(createAuthStore({ broker }));
  const name = computed(() => auth.user.value?.name ?? 'nobody');
  assert.equal(name.value, 'nobody');
  await auth.initializeAuth();
  assert.deepEqual([name.value, auth.isAuthenticated.value], [ADA.name, true]);
  broker.change({ user: GRACE });
  assert.equal(name.value, GRACE.name);
  for (const field of ['snapshot', 'state', 'user', 'problem', 'pendingSignIn', 'pending', 'isAuthenticated'])
    assert.ok(isReadonly(auth[field]), field);
});

test('Vue: a watcher hears a change, and one that changes nothing is not heard', async () => {
  const broker = new FakeBroker(ACTIVE);
  const { state, pending, initializeAuth, refreshSession } = useAuth(createAuthStore({ broker }));
  await initializeAuth();
  const heard = [];
  watch(state, (next) => heard.push(next));
  await refreshSession();
  broker.change({ state: 'offline' });
  await nextTick();
  assert.deepEqual([heard, pending.value.refresh], [['offline'], false]);
});

test('Vue: every component gets the same refs, and they outlive the one that came first', async () => {
  const broker = new FakeBroker();
  globalThis.auth = broker;
  const component = effectScope();
  const first = component.run(() => useAuth());
  await first.initializeAuth();
  component.stop();
  assert.equal(useAuth(), first);
  broker.change(ACTIVE);
  assert.deepEqual(useAuth().user.value, ADA);
});

test('Pinia: state, getters and actions of the store, by the recipe’s names', async () => {
  const broker = new FakeBroker({ ...ACTIVE, state: 'restoring' });
  globalThis.auth = broker;
  const auth = useAuthStore();
  assert.deepEqual([auth.$id, auth.state, auth.isAuthenticated], ['auth', 'opening', false]);
  await auth.initializeAuth();
  assert.deepEqual([auth.state, auth.user, auth.isAuthenticated], ['restoring', ADA, true]);
  await auth.refreshSession();
  await auth.handleAuthExpired();
  await auth.signOut();
  assert.deepEqual(
    broker.calls.filter(([name]) => name !== 'snapshot').map(([name]) => name),
    ['refresh', 'refresh', 'signOut'],
  );
  broker.replies.signIn = failure('ERR_INVALID_CREDENTIALS');
  await assert.rejects(auth.signIn({}), { code: 'ERR_INVALID_CREDENTIALS' });
});

test('Pinia: a subscription to the store hears what main says', async () => {
  const broker = new FakeBroker();
  globalThis.auth = broker;
  const auth = useAuthStore();
  await auth.initializeAuth();
  const heard = [];
  auth.$subscribe((_mutation, { view }) => heard.push(view.state), { flush: 'sync' });
  broker.change(ACTIVE);
  assert.deepEqual(heard, ['active']);
});

test('Pinia: a store that is disposed of stops listening to main', async () => {
  const broker = new FakeBroker(ACTIVE);
  globalThis.auth = broker;
  const auth = useAuthStore();
  await auth.initializeAuth();
  auth.$dispose();
  assert.equal(broker.listenerCount, 0);
});

test('React: useSyncExternalStore renders each change once', async () => {
  globalThis.IS_REACT_ACT_ENVIRONMENT = true;
  const broker = new FakeBroker(ACTIVE);
  const store = createAuthStore({ broker });
  await store.initializeAuth();
  const rendered = [];
  function Account() {
    const { user, state } = useSyncExternalStore(store.subscribe, store.get);
    rendered.push(state);
    return `${user?.name}: ${state}`;
  }
  let root;
  await act(() => {
    root = create(createElement(Account));
  });
  await act(() => broker.tell(broker.now));
  await act(() => broker.change({ state: 'offline' }));
  assert.equal(root.toJSON(), 'Ada Lovelace: offline');
  assert.deepEqual(rendered, ['active', 'offline']);
  await act(() => root.unmount());
});

test('Svelte: the store is a readable store', async () => {
  const broker = new FakeBroker(ACTIVE);
  const store = createAuthStore({ broker });
  assert.equal(get(store).state, 'opening');
  await store.initializeAuth();
  const names = [];
  const stop = derived(store, ({ user }) => user?.name ?? 'nobody').subscribe((name) => names.push(name));
  broker.change({ state: 'signedOut', user: null });
  stop();
  broker.change(ACTIVE);
  assert.deepEqual(names, [ADA.name, 'nobody']);
});
