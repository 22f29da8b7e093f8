import type { Range } from 'semver';
import { BridgeError } from '../main/failure.js';
import type { Bookkeeping } from './contents.js';
import { refused } from './refused.js';

/** One step of a migration: a key of the option `migrations`, and the version that it migrates to. */
export interface Step {
  readonly key: string;
  readonly toVersion: string;
}

// Loaded on demand: most stores have no migrations.
const semver = (): typeof import('semver') => require('semver');

/** Throws `ERR_INVALID_ARGUMENT` for what is no object of functions. */
export function checkMigrations(migrations: unknown): void {
  if (migrations === undefined || migrations === null) return;
  if (typeof migrations !== 'object' || Array.isArray(migrations)) {
    throw refused('The `migrations` option must be an object of versions and the steps to run.');
  }
  for (const [version, step] of Object.entries(migrations)) {
    if (typeof step !== 'function') {
      throw refused(
        `The \`migrations\` option must be an object of steps, got ${typeof step} for \`${version}\`.`,
      );
    }
  }
}

/** Throws `ERR_INVALID_ARGUMENT` for what is no whole version. */
export function checkProjectVersion(version: string | undefined): asserts version is string {
  if (!version) throw refused('Please specify the `projectVersion` option.');
  if (semver().valid(version) === null) {
    throw refused(`The \`projectVersion\` option must be a valid semantic version, got \`${version}\`.`);
  }
}

/** The steps that a store with this bookkeeping has not run, in the order of their versions. */
export function steps(keys: string[], bookkeeping: Bookkeeping, projectVersion: string): Step[] {
  const from = recordedVersion(bookkeeping);
  const completed = new Set(bookkeeping.completedRanges);
  return keys
    .filter((key) => isDue(key, from, projectVersion) && !completed.has(marker(key, projectVersion)))
    .map((key) => ({ key, toVersion: versionOf(key, projectVersion) }))
    .sort((first, second) => semver().compare(first.toVersion, second.toVersion));
}

/** What is remembered once `step` has run. */
export function afterStep(bookkeeping: Bookkeeping, { key }: Step, projectVersion: string): Bookkeeping {
  if (!isRange(key)) return atVersion(bookkeeping, key);
  const completed = new Set(bookkeeping.completedRanges).add(marker(key, projectVersion));
  return { ...bookkeeping, completedRanges: [...completed] };
}

/** What is remembered at this version. It never goes back, or an update would run steps again that have run. */
export function atVersion(bookkeeping: Bookkeeping, version: string): Bookkeeping {
  const recorded = recordedVersion(bookkeeping);
  if (recorded !== undefined && !semver().gt(version, recorded)) return bookkeeping;
  return { ...bookkeeping, version };
}

export function recordedVersion({ version }: Bookkeeping): string | undefined {
  return version === undefined || isRange(version) ? undefined : version;
}

export function migrationFailed(cause: unknown): BridgeError {
  return new BridgeError(
    'ERR_MIGRATION_FAILED',
    `Something went wrong during the migration! What the failed step changed is undone; the steps before it are kept. See the cause.`,
    { cause },
  );
}

const isRange = (key: string): boolean => semver().valid(key) === null;

function isDue(key: string, from: string | undefined, projectVersion: string): boolean {
  const { satisfies, gt, lte } = semver();
  if (isRange(key)) {
    // A range is entered once.
    if (!satisfies(projectVersion, key)) return false;
    return from === undefined || (gt(projectVersion, from) && !satisfies(from, key));
  }
  return (from === undefined || gt(key, from)) && lte(key, projectVersion);
}

/** The branch of `1.x || 3.x` that the version is in; the range itself when it has only one. */
function branch(range: string, version: string): string {
  const parsed: Range = new (semver().Range)(range);
  const branches = parsed.set.map((comparators) => comparators.map(String).join(' '));
  if (branches.length < 2) return range;
  return branches.find((each) => semver().satisfies(version, each)) ?? range;
}

/** What stands for a range whose step has run: with its branch, for the step runs again in another one. */
function marker(range: string, version: string): string {
  if (!isRange(range)) return range;
  const entered = branch(range, version);
  return entered === range ? range : JSON.stringify([range, entered]);
}

/** The version of a step: of a range, the lowest in it. */
function versionOf(key: string, projectVersion: string): string {
  if (!isRange(key)) return key;
  return semver().minVersion(branch(key, projectVersion))?.version ?? projectVersion;
}
