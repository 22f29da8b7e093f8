import { app } from 'electron';
import { auditElectron } from 'electron-latchkey/main';

/** Tells whoever develops the app what about its windows falls short. */
export async function reportFindings(): Promise<void> {
  if (app.isPackaged) return;
  // While developing the fuses are those of Electron's own executable: they are looked for in a file that has none.
  for (const { name, message, advice } of await auditElectron({ executable: __filename })) {
    if (!name.startsWith('FUSE')) console.warn(`[audit] ${name}: ${message} ${advice}`);
  }
}
