import type {
  SignInRequest as AddonSignInRequest,
  SignInResult as AddonSignInResult,
  AuthSession,
  PendingSignIn,
} from 'electron-latchkey';
import type {
  CodeSubmission,
  SignInRequest,
  SignInResult,
  SignOutOptions,
  SignUpRequest,
} from '../protocol.js';
import type { BrowserOptions, SystemBrowser } from './browser.js';
import { BridgeError } from './failure.js';
import { copyUser, type Lifecycle } from './lifecycle.js';
import { copyPending } from './pending-sign-ins.js';

/** Signing in and out, for pages: opens the browser where one is needed, and keeps its address here. */
export class SignIns {
  constructor(
    private readonly lifecycle: Lifecycle,
    private readonly browser: SystemBrowser,
    private readonly options: BrowserOptions = {},
  ) {}

  signIn(request: SignInRequest): Promise<SignInResult> {
    const { redirect } = this.options;
    const how: AddonSignInRequest =
      request.method === 'browser' && redirect !== undefined ? { ...request, redirect } : request;
    return this.#told(
      this.lifecycle.onReadySession(async (session) => {
        const result = await session.signIn(how);
        const opened = result.status === 'pending' && (await this.#openBrowser(session, result.signIn));
        return copyResult(result, opened);
      }),
    );
  }

  signUp(request: SignUpRequest): Promise<SignInResult> {
    return this.#step((session) => session.signUp(request));
  }

  submit(id: string, submission: CodeSubmission): Promise<SignInResult> {
    return this.#step((session) => session.submitCode(id, submission));
  }

  send(id: string, strategy: string): Promise<SignInResult> {
    return this.#step((session) => session.sendCode(id, strategy));
  }

  wait(id: string): Promise<SignInResult> {
    return this.#told(
      this.lifecycle.onSession(async (session) => ({
        status: 'complete',
        user: copyUser(await session.waitForSignIn(id)),
      })),
    );
  }

  async open(id: string): Promise<void> {
    await this.browser.open(await this.#addressOf(id));
  }

  async copyLink(id: string): Promise<void> {
    this.browser.copy(await this.#addressOf(id));
  }

  async cancel(id: string): Promise<void> {
    await this.#told(this.lifecycle.onSession((session) => session.cancelSignIn(id)));
  }

  async signOut({ browser = this.options.signOut ?? false }: SignOutOptions): Promise<void> {
    const { signOutReturnTo: returnTo } = this.options;
    const { browserUrl } = await this.#told(
      this.lifecycle.onSession((session) => session.signOut(returnTo === undefined ? {} : { returnTo })),
    );
    // Here the person is signed out already: a browser that does not open must not say otherwise.
    if (browser && browserUrl !== null) await this.browser.open(browserUrl).catch(() => undefined);
  }

  #step(call: (session: AuthSession) => Promise<AddonSignInResult>): Promise<SignInResult> {
    return this.#told(
      this.lifecycle.onReadySession(async (session) => copyResult(await call(session), false)),
    );
  }

  // Publishes what has changed, so that a page hears the event before the answer.
  #told<T>(answer: Promise<T>): Promise<T> {
    return answer.finally(() => this.lifecycle.snapshotWithSignIns());
  }

  async #openBrowser(session: AuthSession, { id, awaits, url }: PendingSignIn): Promise<boolean> {
    if (awaits !== 'browser' || !url) return false;
    try {
      await this.browser.open(url);
      return true;
    } catch (error) {
      if (error instanceof BridgeError && error.code === 'ERR_BROWSER_NOT_OPENED') return false;
      await session.cancelSignIn(id).catch(() => undefined); // the first error is the one to tell
      throw error;
    }
  }

  async #addressOf(id: string): Promise<string> {
    return this.lifecycle.onSession(async (session) => {
      const signIn = (await session.pendingSignIns()).find((each) => each.id === id);
      const address = signIn?.url ?? signIn?.verificationUriComplete ?? signIn?.verificationUri;
      if (address) return address;
      throw new BridgeError('ERR_SIGN_IN_NOT_FOUND', 'This sign-in is over, or needs no browser.');
    });
  }
}

function copyResult(result: AddonSignInResult, browserOpened: boolean): SignInResult {
  if (result.status === 'complete') return { status: 'complete', user: copyUser(result.user) };
  return { status: 'pending', signIn: copyPending(result.signIn), browserOpened };
}
