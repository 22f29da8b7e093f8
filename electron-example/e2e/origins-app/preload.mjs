import { exposeAuth } from 'electron-latchkey/preload';

exposeAuth();
