import { exposePageCalls } from 'electron-latchkey/preload';

exposePageCalls();
