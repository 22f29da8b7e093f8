import { flushPromises, mount, type VueWrapper } from '@vue/test-utils';
import { createPinia, setActivePinia } from 'pinia';
import { onTestFinished } from 'vitest';
import App from '../App.vue';
import { useAuthStore } from '../stores/auth';
import { useProvidersStore } from '../stores/providers';
import type { FakeBroker } from './fake-broker';

export interface Page {
  app: VueWrapper;
  broker: FakeBroker;
  auth: ReturnType<typeof useAuthStore>;
  /** Whether an element with this test id is shown. */
  shows: (testid: string) => boolean;
  text: (testid: string) => string;
  element: (testid: string) => HTMLElement;
  fill: (testid: string, value: string) => Promise<void>;
  press: (testid: string) => Promise<void>;
  submit: () => Promise<void>;
}

/** Starts the whole page over a broker, in the order of main.ts, in the document so that focus works. */
export async function mountApp(broker: FakeBroker): Promise<Page> {
  broker.install();
  const pinia = createPinia();
  setActivePinia(pinia);
  const auth = useAuthStore();
  await Promise.all([auth.initializeAuth(), useProvidersStore().load()]);
  const app = mount(App, { global: { plugins: [pinia] }, attachTo: document.body });
  onTestFinished(() => app.unmount());
  const find = (testid: string) => app.find(`[data-testid="${testid}"]`);
  return {
    app,
    broker,
    auth,
    shows: (testid) => find(testid).exists(),
    text: (testid) => find(testid).text().replace(/\s+/g, ' '),
    element: (testid) => find(testid).element as HTMLElement,
    fill: async (testid, value) => {
      await find(testid).setValue(value);
    },
    press: async (testid) => {
      await find(testid).trigger('click');
      await flushPromises();
    },
    submit: async () => {
      await find('sign-in-form').trigger('submit');
      await flushPromises();
    },
  };
}
