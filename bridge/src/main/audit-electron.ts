import { dirname, join } from 'node:path';
import type { WebContents } from 'electron';
import { type Fuse, type FuseStates, readFuses } from './fuses.js';

/** What falls short. Compare the name; the texts are for people and may change. */
export interface ElectronFinding {
  name: ElectronFindingName;
  /** What is so, and what follows from it. */
  message: string;
  /** What to do about it. */
  advice: string;
  /** Of which page it is true: the `id` of its `webContents`. Null for what holds for the whole app. */
  webContentsId: number | null;
}

/** The names of what {@link auditElectron} finds. A name never changes its meaning. */
export type ElectronFindingName =
  | 'CONTEXT_ISOLATION_OFF'
  | 'SANDBOX_OFF'
  | 'NODE_INTEGRATION_ON'
  | 'WEB_SECURITY_OFF'
  | 'INSECURE_CONTENT_ALLOWED'
  /** This Electron does not tell how a page is set up. */
  | 'PREFERENCES_NOT_READABLE'
  /** The app was started with `--no-sandbox`. */
  | 'SANDBOX_SWITCHED_OFF'
  | 'FUSE_RUN_AS_NODE_ON'
  | 'FUSE_NODE_OPTIONS_ON'
  | 'FUSE_NODE_CLI_INSPECT_ON'
  | 'FUSE_COOKIE_ENCRYPTION_OFF'
  | 'FUSE_ASAR_INTEGRITY_OFF'
  | 'FUSE_ONLY_LOAD_APP_FROM_ASAR_OFF'
  /** The fuses could not be read. */
  | 'FUSES_NOT_READABLE';

/** What {@link auditElectron} looks at. */
export interface AuditElectronOptions {
  /** The executable whose fuses are read. Default: the one that runs; on macOS its Electron Framework, where they are. */
  executable?: string;
}

type Shortfall = Omit<ElectronFinding, 'webContentsId'>;

/** `wrong` is the value of the preference that falls short. */
const PREFERENCES: readonly (Shortfall & { preference: string; wrong: boolean })[] = [
  {
    preference: 'contextIsolation',
    wrong: false,
    name: 'CONTEXT_ISOLATION_OFF',
    message: 'The page shares its JavaScript world with the preload script, and can change what that does.',
    advice: 'Leave out `contextIsolation: false` in the webPreferences of this window.',
  },
  {
    preference: 'sandbox',
    wrong: false,
    name: 'SANDBOX_OFF',
    message:
      'The system does not confine the page’s process: who breaks out of the page has the person’s rights.',
    advice: 'Leave out `sandbox: false`, or call app.enableSandbox(), and bundle the preload script.',
  },
  {
    preference: 'nodeIntegration',
    wrong: true,
    name: 'NODE_INTEGRATION_ON',
    message: 'A script in the page can read files and start programs.',
    advice: 'Leave out `nodeIntegration: true`, and expose what the page needs in the preload script.',
  },
  {
    preference: 'webSecurity',
    wrong: false,
    name: 'WEB_SECURITY_OFF',
    message: 'The page may read what other origins answer.',
    advice: 'Leave out `webSecurity: false`; let main send such requests.',
  },
  {
    preference: 'allowRunningInsecureContent',
    wrong: true,
    name: 'INSECURE_CONTENT_ALLOWED',
    message:
      'A page that came over https may run scripts that came over http, which anybody on the way can change.',
    advice: 'Leave out `allowRunningInsecureContent: true`.',
  },
];

const FUSES: readonly (Shortfall & { fuse: Fuse; wrong: boolean })[] = [
  {
    fuse: 'runAsNode',
    wrong: true,
    name: 'FUSE_RUN_AS_NODE_ON',
    message:
      'With ELECTRON_RUN_AS_NODE any program can run its own code as your app, with what the keychain gives to it.',
    advice: 'Switch the fuse RunAsNode off when you package the app.',
  },
  {
    fuse: 'nodeOptions',
    wrong: true,
    name: 'FUSE_NODE_OPTIONS_ON',
    message: 'NODE_OPTIONS can load code into your app.',
    advice: 'Switch the fuse EnableNodeOptionsEnvironmentVariable off when you package the app.',
  },
  {
    fuse: 'nodeCliInspect',
    wrong: true,
    name: 'FUSE_NODE_CLI_INSPECT_ON',
    message: 'With --inspect any program can read your app’s memory, tokens included.',
    advice: 'Switch the fuse EnableNodeCliInspectArguments off when you package the app.',
  },
  {
    fuse: 'cookieEncryption',
    wrong: false,
    name: 'FUSE_COOKIE_ENCRYPTION_OFF',
    message: 'Cookies of the app’s pages lie on the disk as they are.',
    advice: 'Switch the fuse EnableCookieEncryption on when you package the app. It cannot go back later.',
  },
  {
    fuse: 'asarIntegrity',
    wrong: false,
    name: 'FUSE_ASAR_INTEGRITY_OFF',
    message: 'Nobody notices when the app’s own code in app.asar is changed.',
    advice: 'Switch the fuse EnableEmbeddedAsarIntegrityValidation on when you package the app.',
  },
  {
    fuse: 'onlyLoadAppFromAsar',
    wrong: false,
    name: 'FUSE_ONLY_LOAD_APP_FROM_ASAR_OFF',
    message: 'A folder `app` beside app.asar is run in its place.',
    advice: 'Switch the fuse OnlyLoadAppFromAsar on when you package the app.',
  },
];

/** Where Electron checks app.asar. Elsewhere the fuse does nothing. */
const CHECKS_ASAR: readonly string[] = ['darwin', 'win32'];

/**
 * Says which of Electron's protections fall short: of every page that is open, and of the executable. An empty list is good.
 *
 * Nothing is changed, and nothing here is a reason not to start: log it, or fail a test with it. While developing, the
 * executable is Electron's own, whose fuses are for everybody; yours are set when the app is packaged. Reading them takes
 * some hundred milliseconds. Never rejects: what could not be found out is a finding.
 */
export async function auditElectron(options: AuditElectronOptions = {}): Promise<ElectronFinding[]> {
  const { app, webContents } = require('electron') as typeof import('electron');
  const findings = webContents.getAllWebContents().flatMap(auditPage);
  if (app.commandLine.hasSwitch('no-sandbox')) {
    findings.push({
      name: 'SANDBOX_SWITCHED_OFF',
      message: 'The app was started with --no-sandbox, which takes the sandbox from every page.',
      advice:
        'Start it without. On Linux the system must allow user namespaces, or chrome-sandbox must be set up.',
      webContentsId: null,
    });
  }
  return [...findings, ...(await auditFuses(options.executable ?? executableWithFuses()))];
}

function auditPage(contents: WebContents): ElectronFinding[] {
  const webContentsId = contents.id;
  const preferences = preferencesOf(contents);
  if (preferences === null) {
    const message = 'This Electron does not tell how the page is set up.';
    const advice = 'Look at the webPreferences in the code that makes its window.';
    return [{ name: 'PREFERENCES_NOT_READABLE', message, advice, webContentsId }];
  }
  return PREFERENCES.filter(({ preference, wrong }) => preferences[preference] === wrong).map(
    ({ name, message, advice }) => ({ name, message, advice, webContentsId }),
  );
}

// Not in Electron's types, but in every Electron from 22 on that was tried.
function preferencesOf(contents: WebContents): Record<string, unknown> | null {
  const { getLastWebPreferences } = contents as { getLastWebPreferences?: () => unknown };
  const preferences = getLastWebPreferences?.call(contents);
  return typeof preferences === 'object' ? (preferences as Record<string, unknown> | null) : null;
}

async function auditFuses(executable: string): Promise<ElectronFinding[]> {
  const halves: FuseStates[] = await readFuses(executable).catch(() => []);
  if (halves.length === 0) {
    const message = 'The fuses of the executable could not be read, so nothing is known of them.';
    const advice = 'Look with `npx @electron/fuses read --app` at the packaged app.';
    return [{ name: 'FUSES_NOT_READABLE', message, advice, webContentsId: null }];
  }
  return FUSES.filter(({ fuse, wrong }) => halves.some((states) => states[fuse] === wrong))
    .filter(({ fuse }) => fuse !== 'asarIntegrity' || CHECKS_ASAR.includes(process.platform))
    .map(({ name, message, advice }) => ({ name, message, advice, webContentsId: null }));
}

function executableWithFuses(): string {
  if (process.platform !== 'darwin') return process.execPath;
  const frameworks = join(dirname(process.execPath), '..', 'Frameworks');
  return join(frameworks, 'Electron Framework.framework', 'Electron Framework');
}
