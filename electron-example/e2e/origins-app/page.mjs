// The page, without a framework.
import { createAuthStore } from 'electron-latchkey/renderer';

const auth = createAuthStore();
const form = document.querySelector('form');
const person = document.querySelector('#person');

auth.subscribe(({ state, user }) => {
  form.hidden = state !== 'signedOut';
  person.textContent = user === null ? '' : `Signed in as ${user.email}`;
});
form.addEventListener('submit', (event) => {
  event.preventDefault();
  const { email, password } = Object.fromEntries(new FormData(form));
  auth.signIn({ method: 'password', email, password });
});
auth.initializeAuth();
