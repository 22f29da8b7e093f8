// An app that does nothing: what its main process takes in memory, and which of its threads wake up all the same. Once with a
// vault and a session of somebody signed in, once without Latchkey. Linux only: it is the kernel that is asked.

const fs = require('node:fs');
const path = require('node:path');
const latchkey = require('./latchkey.cjs');

const HOUR_MS = 3_600_000;

/** `{ home, latchkey, authUrl, apiUrl, settleMs, windowMs }` */
async function measureIdle({ home, latchkey, authUrl, apiUrl, settleMs, windowMs }) {
  const kept = latchkey ? await signIn({ home, authUrl, apiUrl }) : null;
  await wait(settleMs);
  const memory = memoryOfThisProcess();
  const resources = process.getActiveResourcesInfo?.() ?? [];
  const before = threads();
  await wait(windowMs);
  const after = threads();
  if (kept && kept.session.state().state !== 'active') throw new Error('the session did not stay');
  return { memory, resources, threads: difference(before, after) };
}

async function signIn({ home, authUrl, apiUrl }) {
  const { AuthSession, Vault } = latchkey.addon();
  const vault = await Vault.open({ id: 'latchkey-bench-idle', path: path.join(home, 'idle') });
  const session = await AuthSession.open({
    vault,
    provider: { type: 'token-endpoint', refreshUrl: authUrl },
    allowedOrigins: [apiUrl],
  });
  await session.signIn({
    method: 'tokens',
    accessToken: 'access-0',
    refreshToken: 'refresh-0',
    expiresInMs: HOUR_MS,
    user: { id: 'bench' },
  });
  await session.refresh();
  const { status } = await session.fetch(apiUrl);
  if (status !== 200) throw new Error(`the server answered ${status}`);
  return { vault, session };
}

/** Bytes, by the kernel's own account of this process; `null` where it gives none. */
function memoryOfThisProcess() {
  const kib = (name, text) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)[1]) * 1024;
  try {
    const text = fs.readFileSync('/proc/self/smaps_rollup', 'utf8');
    const unshared = kib('Private_Clean', text) + kib('Private_Dirty', text);
    return { resident: kib('Rss', text), proportional: kib('Pss', text), unshared };
  } catch {
    return null;
  }
}

/** Each thread of this process: its name, the processor time it has taken, and how often it has gone to sleep. */
function threads() {
  const found = new Map();
  for (const id of readable(() => fs.readdirSync('/proc/self/task'), [])) {
    const thread = readable(() => threadOf(id), null);
    if (thread) found.set(id, thread);
  }
  return found;
}

function threadOf(id) {
  const folder = `/proc/self/task/${id}`;
  const stat = fs.readFileSync(`${folder}/stat`, 'utf8');
  // After the name, which may hold anything: utime and stime are the fields 14 and 15 (proc_pid_stat(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = fs.readFileSync(`${folder}/status`, 'utf8');
  return {
    name: fs.readFileSync(`${folder}/comm`, 'utf8').trim(),
    ticks: Number(fields[11]) + Number(fields[12]),
    wakeUps: Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)[1]),
  };
}

function difference(before, after) {
  return Array.from(after, ([id, now]) => {
    const then = before.get(id) ?? { ticks: 0, wakeUps: 0 };
    return { name: now.name, ticks: now.ticks - then.ticks, wakeUps: now.wakeUps - then.wakeUps };
  });
}

function readable(read, otherwise) {
  try {
    return read();
  } catch {
    return otherwise; // the thread has ended, or this is no Linux
  }
}

function wait(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

module.exports = { measureIdle };
