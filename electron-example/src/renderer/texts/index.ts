import { accountTexts } from './account';
import { screenTexts } from './screens';
import { signInTexts } from './sign-in';

export { backendTexts } from './account';
export {
  defaultUnavailableSteps,
  type ErrorText,
  errorTexts,
  type Step,
  unavailableSteps,
  unknownErrorText,
} from './errors';
export { unlockQuestion } from './main';
export { reasonTexts, stateTexts } from './states';

/** Every English word of the interface, so that wording is reviewed, changed and translated in one place. */
export const texts = {
  appName: 'Latchkey',
  ...screenTexts,
  ...signInTexts,
  ...accountTexts,
} as const;
