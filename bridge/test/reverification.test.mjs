import assert from 'node:assert/strict';
import { test } from 'node:test';

const { reverificationOf } = await import('../dist/esm/renderer/index.js');

const asked = (reverification) => ({
  clerk_error: { type: 'forbidden', reason: 'reverification-error', metadata: { reverification } },
});

test('an API of Clerk that wants the person proven again is told from other refusals', () => {
  const level = 'second_factor';
  assert.deepEqual(reverificationOf(asked({ level, afterMinutes: 10 })), { level, afterMinutes: 10 });
  for (const unclear of ['strict', undefined, null, { level: 'other', afterMinutes: '10' }])
    assert.deepEqual(reverificationOf(asked(unclear)), { level: 'first_factor', afterMinutes: null });
  const others = [
    null,
    undefined,
    'text',
    [],
    {},
    { clerk_error: null },
    { clerk_error: { reason: 'other' } },
    Object.create(asked({ level })),
  ];
  for (const other of others) assert.equal(reverificationOf(other), null);
});
