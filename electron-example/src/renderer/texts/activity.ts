import type { Refresh } from 'electron-latchkey/renderer';

/** Protected calls and the refreshes behind them. */
export const activityTexts = {
  api: {
    heading: 'Protected API',
    lead: 'Calls go through the main process, which adds the token on the way out. All that wait for a new token wait for one refresh.',
    call: 'Call the protected API',
    callMany: (count: number) => `Call it ${count} times at once`,
    calling: 'Calling…',
    empty: 'No call made yet.',
    answered: 'The server answered',
    servedAt: 'Served',
    message: 'Message',
    as: 'As',
    manyAnswered: (count: number) => `All ${count} calls were answered`,
    someFailed: (failed: number, count: number) => `${failed} of ${count} calls failed`,
    took: 'Together they took',
    refreshesMeanwhile: 'Refreshes meanwhile',
    refreshCount: (count: number) =>
      count === 0 ? 'None: the token was fresh.' : count === 1 ? 'One' : `${count}`,
  },
  timeline: {
    heading: 'Refreshes',
    lead: 'What the main process did to keep this session going, as it happens.',
    refreshMany: (count: number) => `Refresh ${count} times at once`,
    refreshing: 'Refreshing…',
    refreshedMany: (asked: number, made: number) =>
      `${asked} asked for a refresh. ${made === 1 ? 'One was made.' : `${made} were made.`}`,
    token: 'Access token',
    tokenNone: 'None: the session has ended.',
    tokenUnknown: 'The server did not say when it ends.',
    tokenEnds: (when: string) => `Ends ${when}`,
    tokenEnded: 'Has ended. The next call renews it.',
    tokenLife: (percent: number, when: string) => `${percent} percent of its life is left. It ends ${when}.`,
    idle: 'No refresh is running.',
    running: (waiters: number) =>
      `A refresh is running. ${waiters === 1 ? '1 call waits.' : `${waiters} calls wait.`}`,
    none: 'No refresh yet in this run of the app.',
    track: (span: string) => `The last ${span}`,
    now: 'now',
    list: 'Refreshes, newest first',
    waiters: waitersText,
    took: (ms: number) => `${ms} ms`,
    minutes: (count: number) => (count === 1 ? 'minute' : `${count} minutes`),
    failed: 'The refreshes cannot be shown',
  },
} as const;

function waitersText(count: number): string {
  if (count === 0) return 'No call waited.';
  return count === 1 ? '1 call waited.' : `${count} calls waited.`;
}

export type RefreshTone = 'good' | 'warn' | 'bad' | 'calm';

interface OutcomeText {
  label: string;
  text: string;
  tone: RefreshTone;
}

/** What a refresh came to, by its outcome. */
export const refreshOutcomeTexts: Record<NonNullable<Refresh['outcome']>, OutcomeText> = {
  renewed: { label: 'Renewed', text: 'The server gave a new token.', tone: 'good' },
  confirmed: { label: 'Confirmed', text: 'The server said that the session goes on.', tone: 'good' },
  adopted: { label: 'Taken over', text: 'Another copy of this app had renewed it.', tone: 'good' },
  offline: { label: 'Offline', text: 'The server could not be reached. The session stays.', tone: 'warn' },
  unanswered: { label: 'Not answered', text: 'It was sent, and no answer came.', tone: 'warn' },
  ended: { label: 'Ended', text: 'The server ended the session.', tone: 'bad' },
  superseded: { label: 'Overtaken', text: 'Somebody signed in or out meanwhile.', tone: 'calm' },
  failed: { label: 'Failed', text: 'It came to nothing. The session stays.', tone: 'bad' },
};

export const runningRefreshText: OutcomeText = {
  label: 'Running',
  text: 'The server has not answered yet.',
  tone: 'calm',
};
