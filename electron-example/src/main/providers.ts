import type { CreateAuthOptions } from 'electron-latchkey/main';
import type { ProviderId, ProviderInfo, SignInWay } from '../shared/providers';
import { originOf, type Settings } from './environment';

/** On which the browser comes back to the app. The example's server sends it there. */
export const URL_SCHEME = 'com.example.latchkey';

/** Names the app's vault and its entry in the keychain for good: renaming the app loses nothing. */
const VAULT_ID = 'com.example.latchkey';

/** A provider that this app was set up for. A shipped app has one, and none of this file. */
export interface Provider {
  info: ProviderInfo;
  options: Pick<CreateAuthOptions, 'vault' | 'provider' | 'allowedOrigins'>;
}

/** Those that the settings name, Better Auth always among them and first. */
export function configuredProviders(settings: Settings): [Provider, ...Provider[]] {
  const further = [oidc(settings), workos(settings), clerk(settings)];
  return [betterAuth(settings), ...further.filter((each) => each !== null)];
}

function betterAuth(settings: Settings): Provider {
  const { apiUrl } = settings;
  return provider(settings, {
    id: 'better-auth',
    ways: ['password', 'signUp', 'code', 'browser'],
    apiUrl: `${apiUrl}/api/profile`,
    options: {
      type: 'better-auth',
      baseUrl: `${apiUrl}/api/auth`,
      signInUrl: `${apiUrl}/sign-in`,
      redirectUri: `${URL_SCHEME}://auth/callback`,
    },
  });
}

function oidc(settings: Settings): Provider | null {
  if (settings.oidc === null) return null;
  const { issuer, clientId, apiUrl } = settings.oidc;
  return provider(settings, {
    id: 'oidc',
    ways: ['browser', 'device'],
    apiUrl,
    options: { type: 'oidc', issuer, clientId, redirectUri: `${URL_SCHEME}:/callback` },
  });
}

function workos(settings: Settings): Provider | null {
  if (settings.workos === null) return null;
  const { clientId, url, apiUrl } = settings.workos;
  return provider(settings, {
    id: 'workos',
    ways: ['browser', 'device'],
    apiUrl,
    options: {
      type: 'workos',
      clientId,
      redirectUri: `${URL_SCHEME}://callback`,
      ...(url === null ? {} : { apiUrl: url }),
    },
  });
}

function clerk(settings: Settings): Provider | null {
  if (settings.clerk === null) return null;
  const { publishableKey, url, apiUrl, connections } = settings.clerk;
  return provider(settings, {
    id: 'clerk',
    ways: ['password', 'signUp', 'code', ...(connections.length > 0 ? (['browser'] as const) : [])],
    connections,
    apiUrl,
    options: {
      type: 'clerk',
      publishableKey,
      redirectUri: `${URL_SCHEME}:/callback`,
      ...(url === null ? {} : { baseUrl: url }),
    },
  });
}

interface Parts {
  id: ProviderId;
  ways: SignInWay[];
  connections?: string[];
  apiUrl: string | null;
  options: CreateAuthOptions['provider'];
}

function provider({ vaultDirectory }: Settings, parts: Parts): Provider {
  const { id, ways, connections = [], apiUrl, options } = parts;
  return {
    info: { id, ways, connections, trustsDevices: id === 'better-auth', apiUrl },
    options: {
      vault: vaultOf(id, vaultDirectory),
      provider: options,
      ...(apiUrl === null ? {} : { allowedOrigins: [originOf(apiUrl)] }),
    },
  };
}

/** A vault for each, so that whoever is signed in with one still is when it is chosen again. */
function vaultOf(id: ProviderId, directory: string | undefined): CreateAuthOptions['vault'] {
  const suffix = id === 'better-auth' ? '' : id;
  return {
    id: suffix === '' ? VAULT_ID : `${VAULT_ID}.${suffix}`,
    ...(directory === undefined ? {} : { path: suffix === '' ? directory : `${directory}-${suffix}` }),
  };
}
