/** The session is the package's store as it is; what this app adds to it is in screen.ts. */
export { useAuthStore } from 'electron-latchkey/pinia';
