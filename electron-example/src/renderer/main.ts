import { createPinia } from 'pinia';
import { createApp } from 'vue';
import App from './App.vue';
import { useAuthStore } from './stores/auth';
import { useProvidersStore } from './stores/providers';
import './styles/tokens.css';
import './styles/base.css';

const app = createApp(App).use(createPinia());

// Mounting waits for the first snapshot, which main answers from memory: the first thing painted is already
// the right screen, and a person who is signed in never sees a login form.
await Promise.all([useAuthStore().initializeAuth(), useProvidersStore().load()]);
app.mount('#app');
