import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Computer } from './app.mjs';
import { BusGate } from './bus-gate.mjs';
import { inScheme, SCHEMES, violations, whileNarrow } from './look.mjs';
import { Server } from './server.mjs';
import { STEPS } from './story.mjs';
import { SystemBrowser } from './system-browser.mjs';

// One story from the first start to the last sign-in, since each screen is where the one before leads.
test('an accessibility checker finds nothing on any screen, light, dark or narrow', async (t) => {
  const server = await Server.start(t);
  const computer = await Computer.create(t);
  const isLinux = process.platform === 'linux';
  const browser = isLinux ? await SystemBrowser.install(computer) : null;
  const address = computer.env.DBUS_SESSION_BUS_ADDRESS;
  const gate = isLinux ? await BusGate.inFrontOf(address, computer.path('gate'), t) : null;
  const findings = [];
  const screens = [];
  let app = null;

  const stage = {
    server,
    gate,
    browser,
    end: t,
    get page() {
      return app.page;
    },
    async open({ gated = false, env = {} } = {}) {
      const bus = gated ? { DBUS_SESSION_BUS_ADDRESS: gate.address } : {};
      app = await computer.start({ apiUrl: server.url, env: { ...env, ...bus } });
    },
    quit: () => app.quit(),
    async look(name) {
      screens.push(name);
      for (const scheme of SCHEMES) {
        await inScheme(app.page, scheme);
        for (const each of await violations(app.page)) findings.push(`${name}, ${scheme}: ${each}`);
      }
      const narrow = await whileNarrow(app.page, async () => {
        for (const each of await violations(app.page)) findings.push(`${name}, narrow: ${each}`);
      });
      findings.push(...narrow.map((each) => `${name}: ${each}`));
    },
  };

  for (const play of Object.values(STEPS)) await play(stage);
  assert.deepEqual(findings, []);
  assert.ok(screens.length >= (gate ? 26 : 23), `${screens.length} screens`);
});
