import { contextBridge } from 'electron';
import { exposeAuth } from 'electron-latchkey/preload';
import { CONFIG_KEY, fromArguments } from '../shared/config';

exposeAuth();
contextBridge.exposeInMainWorld(CONFIG_KEY, fromArguments(process.argv));
