import { exposeAuth, exposeSecureStorage } from 'electron-latchkey/preload';

exposeAuth();
exposeSecureStorage();
