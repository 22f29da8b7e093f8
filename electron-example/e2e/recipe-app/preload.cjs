const { contextBridge, ipcRenderer } = require('electron');

const call =
  (method) =>
  (...args) =>
    ipcRenderer.invoke(`secure-storage:${method}`, ...args);

contextBridge.exposeInMainWorld('secureStorage', {
  isAvailable: call('isAvailable'),
  setToken: call('setToken'),
  getToken: call('getToken'),
  deleteToken: call('deleteToken'),
  clearAll: call('clearAll'),
});
