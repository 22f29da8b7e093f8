// node stored-anomalies.mjs <vault directory>: prints what the vault's list of anomalies holds, as JSON. A process of its
// own, because the keyring is found by the environment that a process was started with.
import { AuthSession, Vault } from 'electron-latchkey';

/** The app's, see src/main/auth.ts. */
const VAULT_ID = 'com.example.latchkey';

const [path] = process.argv.slice(2);
const vault = await Vault.open({ id: VAULT_ID, path });
const anomalies = await AuthSession.audit(vault);
await vault.close();
console.log(JSON.stringify(anomalies));
