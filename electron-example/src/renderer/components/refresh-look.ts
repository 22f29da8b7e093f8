import type { Refresh } from 'electron-latchkey/renderer';
import { refreshOutcomeTexts, runningRefreshText } from '../texts';

/** The words and the colour of a refresh. */
export function lookOf({ endedAtMs, outcome }: Refresh): typeof runningRefreshText {
  if (endedAtMs === null || outcome === null) return runningRefreshText;
  return refreshOutcomeTexts[outcome];
}
