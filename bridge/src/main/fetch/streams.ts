/** The web's streams as Node has them, also where they are not global: Node 16 in Electron 22. */
import type { ReadableStream as WebReadableStream } from 'node:stream/web';

export const { ReadableStream } = require('node:stream/web') as typeof import('node:stream/web');
export type ReadableStream<R = unknown> = WebReadableStream<R>;
