// For electron-builder, which takes Electron's own default app out of a package, but only where it is an archive. In the
// Electron of electron-wheel.mjs it is a folder.
'use strict';
const { rm } = require('node:fs/promises');
const path = require('node:path');

exports.default = ({ appOutDir }) =>
  rm(path.join(appOutDir, 'resources', 'default_app.asar'), { recursive: true, force: true });
