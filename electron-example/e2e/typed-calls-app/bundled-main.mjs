export { answerTrpc } from '../../../bridge/test/typed-calls/main.mjs';
export { appRouter } from '../../../bridge/test/typed-calls/router.mjs';
