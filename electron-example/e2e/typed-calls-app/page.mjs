// The whole of the page: no call knows of a token.
import { createTRPCClient } from '@trpc/client';
import { callMain, providePageToken } from 'electron-latchkey/renderer';
import { mainLink } from '../../../bridge/test/typed-calls/link.mjs';

// `tokenOfClerk` is Clerk's own client, which the test brings.
window.provision = providePageToken(() => window.tokenOfClerk());
window.trpc = createTRPCClient({ links: [mainLink((operation) => callMain('trpc', operation))] });
