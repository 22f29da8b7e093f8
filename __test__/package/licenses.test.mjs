// deny.toml without cargo-deny, which is minutes to compile: the crates in the addons keep to its licences, sources and bans.
// The workflows run cargo-deny itself, for the advisories too.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { cratesIn } from '../../scripts/crates.mjs';
import { root } from '../../scripts/repo.mjs';
import { platforms } from '../../scripts/tarballs.mjs';

const CRATES_IO = 'registry+https://github.com/rust-lang/crates.io-index';

const rules = await readFile(path.join(root, 'deny.toml'), 'utf8');
const [, list] = /^allow = \[\n([^\]]+)\]/m.exec(rules);
const allowed = new Set([...list.matchAll(/"(.+?)"/g)].map(([, id]) => id));
const banned = [...rules.matchAll(/crate = "(.+?)"/g)].map(([, name]) => name);

const crates = new Map();
for (const platform of await platforms()) {
  const [, ...others] = await cratesIn(platform);
  for (const crate of others) crates.set(crate.id, crate);
}

test('each crate is offered under a licence that is allowed', () => {
  assert.ok(allowed.size > 5);
  const refused = [...crates.values()].filter(({ license }) => !isAllowed(license));
  assert.deepEqual(
    refused.map(({ name, license }) => `${name}: ${license}`),
    [],
  );
});

test('each licence that is allowed is needed', () => {
  const expressions = [...crates.values()].map(({ license }) => license);
  for (const id of allowed)
    assert.ok(
      expressions.some((expression) => idsIn(expression).includes(id)),
      id,
    );
});

test('each crate comes from crates.io', () => {
  for (const { name, source } of crates.values()) assert.equal(source, CRATES_IO, name);
});

test('no crate is banned', () => {
  assert.ok(banned.length > 0);
  const names = [...crates.values()].map(({ name }) => name);
  for (const name of banned) assert.ok(!names.includes(name), name);
});

test('a licence expression is allowed where every part that must hold is', () => {
  for (const expression of ['MIT', 'Unlicense/MIT', '(GPL-3.0 OR MIT) AND ISC', 'Zlib OR Apache-2.0']) {
    assert.ok(isAllowed(expression), expression);
  }
  for (const expression of ['GPL-3.0', 'MIT AND GPL-3.0', 'MIT AND (GPL-3.0 OR Zlib)']) {
    assert.ok(!isAllowed(expression), expression);
  }
});

/** Whether an SPDX expression holds with what is allowed: AND binds closer than OR, WITH adds leave to what stands before it. */
function isAllowed(expression) {
  const tokens = expression.replaceAll('/', ' OR ').match(/[()]|[^\s()]+/g);
  const either = () => {
    let holds = both();
    while (tokens[0] === 'OR') {
      tokens.shift();
      holds = both() || holds;
    }
    return holds;
  };
  const both = () => {
    let holds = one();
    while (tokens[0] === 'AND') {
      tokens.shift();
      holds = one() && holds;
    }
    return holds;
  };
  const one = () => {
    const token = tokens.shift();
    if (token !== '(') {
      if (tokens[0] === 'WITH') tokens.splice(0, 2);
      return allowed.has(token);
    }
    const holds = either();
    tokens.shift();
    return holds;
  };
  return either();
}

function idsIn(expression) {
  return expression.match(/[\w.-]+/g);
}
