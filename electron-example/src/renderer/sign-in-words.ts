import type { PendingSignIn } from 'electron-latchkey/renderer';
import type { ProviderInfo } from '../shared/providers';
import type { SignInStep } from './stores/sign-in';
import { texts } from './texts';

/** What stands over each step of a sign-in. */
export function wordsFor(
  step: SignInStep,
  waiting: PendingSignIn | null,
  provider: ProviderInfo,
): { heading: string; lead: string } {
  const { form, codeRequest, challenge, browser, device } = texts;
  switch (step) {
    case 'signIn':
      return {
        heading: form.signInHeading,
        lead: provider.ways.includes('password')
          ? form.signInLead
          : form.elsewhereLead(texts.providers.names[provider.id]),
      };
    case 'signUp':
      return { heading: form.signUpHeading, lead: form.signUpLead };
    case 'codeRequest':
      return { heading: codeRequest.heading, lead: codeRequest.lead };
    case 'browser':
      return { heading: browser.waiting, lead: browser.waitingBody };
    case 'device':
      return { heading: device.waiting, lead: device.waitingBody };
    case 'challenge':
      return waiting?.factors.some(({ first }) => !first)
        ? { heading: challenge.heading, lead: challenge.lead }
        : { heading: challenge.firstHeading, lead: challenge.firstLead };
  }
}
