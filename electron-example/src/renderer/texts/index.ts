import { accountTexts } from './account';
import { accountsTexts } from './accounts';
import { activityTexts } from './activity';
import { screenTexts } from './screens';
import { securityTexts } from './security';
import { signInTexts } from './sign-in';

export { backendTexts } from './account';
export { type RefreshTone, refreshOutcomeTexts, runningRefreshText } from './activity';
export {
  defaultUnavailableSteps,
  type ErrorText,
  errorTexts,
  type Step,
  unavailableSteps,
  unknownErrorText,
} from './errors';
export { unlockQuestion } from './main';
export { anomalyTexts } from './security';
export { reasonTexts, stateTexts } from './states';

/** Every English word of the interface, so that wording is reviewed, changed and translated in one place. */
export const texts = {
  appName: 'Latchkey',
  ...screenTexts,
  ...signInTexts,
  ...accountTexts,
  ...accountsTexts,
  ...activityTexts,
  ...securityTexts,
} as const;
