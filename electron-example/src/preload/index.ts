import { contextBridge, ipcRenderer } from 'electron';
import { exposeAuth } from 'electron-latchkey/preload';
import { CONFIG_KEY, type ExampleBridge, fromArguments } from '../shared/config';
import { CHOOSE_PROVIDER_CHANNEL, PROVIDERS_CHANNEL, type ProviderId } from '../shared/providers';

exposeAuth();

const bridge: ExampleBridge = {
  ...fromArguments(process.argv),
  providers: () => ipcRenderer.invoke(PROVIDERS_CHANNEL),
  chooseProvider: (id: ProviderId) => ipcRenderer.invoke(CHOOSE_PROVIDER_CHANNEL, id),
};
contextBridge.exposeInMainWorld(CONFIG_KEY, bridge);
