import type { AuthBroker } from 'electron-latchkey/renderer';
import type { ExampleBridge } from './config';

declare global {
  interface Window {
    /** Put there by exposeAuth() in the preload script. */
    readonly auth: AuthBroker;
    readonly latchkeyExample: ExampleBridge;
  }
}
