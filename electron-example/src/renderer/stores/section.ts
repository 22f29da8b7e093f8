import { defineStore } from 'pinia';
import { ref } from 'vue';

export type Section = 'overview' | 'account' | 'security';

/** Which section of the account is shown. Outside the page, so that unlocking it comes back to the same. */
export const useSectionStore = defineStore('section', () => ({ current: ref<Section>('overview') }));
