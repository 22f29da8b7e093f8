import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { app } from 'electron';

/** Where the name of the chosen provider lies. It is no secret, and it is needed before any vault is open. */
const FILE = 'provider.txt';

/** The provider that was chosen last, or null. */
export function readChoice(): string | null {
  try {
    return readFileSync(path(), 'utf8').trim();
  } catch {
    return null;
  }
}

/** Keeps the choice for the next start: whole, or not at all. */
export function keepChoice(id: string): void {
  writeFileSync(`${path()}.new`, id);
  renameSync(`${path()}.new`, path());
}

function path(): string {
  return join(app.getPath('userData'), FILE);
}
