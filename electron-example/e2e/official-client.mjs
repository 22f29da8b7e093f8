// The official Better Auth client over the broker, as one script for the page.
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const ENTRY = `
import { createAuthClient } from 'better-auth/client';
import { createAuthFetch } from 'electron-latchkey/renderer';

window.officialClient = (baseURL) => createAuthClient({ baseURL, fetchOptions: { customFetchImpl: createAuthFetch() } });
`;

let bundle;

/** Built once: it takes a second. */
export function bundleOfficialClient() {
  bundle ??= buildBundle();
  return bundle;
}

async function buildBundle() {
  const id = 'virtual:official-client';
  const { output } = await build({
    configFile: false,
    root: fileURLToPath(new URL('..', import.meta.url)),
    logLevel: 'error',
    plugins: [
      {
        name: 'official-client-entry',
        resolveId: (source) =>
          source === id ? `${fileURLToPath(new URL('./', import.meta.url))}${id}` : null,
        load: (resolved) => (resolved.endsWith(id) ? ENTRY : null),
      },
    ],
    build: {
      write: false,
      target: 'chrome108',
      rolldownOptions: { input: id, output: { format: 'iife', codeSplitting: false } },
    },
  });
  return output[0].code;
}
