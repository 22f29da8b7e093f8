import type { Refresh } from '../activity';
import { refreshOutcomeTexts, runningRefreshText, unknownOutcomeText } from '../texts';

/** The words and the colour of a refresh. */
export function lookOf({ endedAtMs, outcome }: Refresh): typeof runningRefreshText {
  if (endedAtMs === null || outcome === null) return runningRefreshText;
  return refreshOutcomeTexts[outcome] ?? unknownOutcomeText;
}
