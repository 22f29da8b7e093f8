import { isAbsolute, join, normalize, relative, resolve, sep } from 'node:path';
import { electronApp } from '../default-vault/app-id.js';
import { refused } from './refused.js';

/** Which store in which vault. */
export interface Place {
  /** The folder of the vault; null for the default vault. */
  folder: string | null;
  /** The store's name in it: what electron-store calls the file, from the app's folder on, such as `config.json`. */
  name: string;
}

interface PlaceOptions {
  cwd?: string | undefined;
  name?: string | undefined;
  fileExtension?: string | undefined;
}

/**
 * `cwd`, `name` and `fileExtension` name a store as they name electron-store's file. All stores in the app's own folder
 * (`userData`) are in the default vault; one with a `cwd` elsewhere is in a vault that lies there.
 *
 * Throws `ERR_INVALID_ARGUMENT` for a name that leads out of `cwd`.
 */
export function placeOf({ cwd, name, fileExtension }: PlaceOptions): Place {
  const extension = (fileExtension ?? 'json').replace(/^\.+/, '');
  const file = `${name ?? 'config'}${extension === '' ? '' : `.${extension}`}`;
  const { folder, within } = folderOf(cwd);
  if (file.includes('\0') || within.includes('\0')) throw refused('The name of a store must not hold NUL.');
  const inside = normalize(file);
  if (inside === '.' || inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
    throw refused(
      `The \`name\` and \`fileExtension\` options must name a file inside \`cwd\`, got \`${file}\`.`,
    );
  }
  return { folder, name: join(within, inside).split(sep).join('/') };
}

function folderOf(cwd: string | undefined): { folder: string | null; within: string } {
  if (cwd === undefined || cwd === '') return { folder: null, within: '' };
  if (!isAbsolute(cwd)) return { folder: null, within: join(cwd) };
  const app = electronApp();
  const within = app === null ? null : relative(app.getPath('userData'), cwd);
  const isInside =
    within !== null && within !== '..' && !within.startsWith(`..${sep}`) && !isAbsolute(within);
  return isInside ? { folder: null, within } : { folder: resolve(cwd), within: '' };
}
