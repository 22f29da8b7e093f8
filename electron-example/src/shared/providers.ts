/** The providers that the app can be started with, and what a page may know of them. */

export type ProviderId = 'better-auth' | 'oidc' | 'workos' | 'clerk';

/** A way of signing in that the page offers. */
export type SignInWay = 'password' | 'signUp' | 'browser' | 'code' | 'device';

export interface ProviderInfo {
  id: ProviderId;
  ways: SignInWay[];
  /** The social providers that the browser can go to, such as `google`. Empty: the provider's own page has them. */
  connections: string[];
  /** Whether a device can be spared its second factor. */
  trustsDevices: boolean;
  /** A route of the app's API that wants a session, for the account page to call. */
  apiUrl: string | null;
}

export interface ProviderList {
  chosen: ProviderId;
  /** In the order in which they are shown. */
  all: ProviderInfo[];
}

/** The channels of the page's calls, beside those of the broker. */
export const PROVIDERS_CHANNEL = 'latchkey-example:providers';
export const CHOOSE_PROVIDER_CHANNEL = 'latchkey-example:choose-provider';
