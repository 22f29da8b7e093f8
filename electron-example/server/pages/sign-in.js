// Signs in, and brings the app a code in exchange for which it gets a session of its own: the part that Better Auth's
// `electronProxyClient` plays in a page of yours. The page's address says which app waits, and what only it can answer.

const CALLBACK = 'com.example.latchkey://auth/callback';
const CODE_COOKIE = 'better-auth.electron';

const passwordForm = document.querySelector('#password-form');
const codeForm = document.querySelector('#code-form');
const done = document.querySelector('section');

passwordForm.addEventListener('submit', async (event) => {
  event.preventDefault();
  const { email, password } = Object.fromEntries(new FormData(passwordForm));
  const response = await post(passwordForm, '/sign-in/email', { email, password });
  if (!response?.ok)
    return showProblem(passwordForm, response, 'The e-mail address or the password is wrong.');
  if ((await response.json()).twoFactorRedirect) return askForCode();
  leave(passwordForm);
});

codeForm.addEventListener('submit', async (event) => {
  event.preventDefault();
  const { strategy, code } = Object.fromEntries(new FormData(codeForm));
  const response = await post(codeForm, `/two-factor/verify-${strategy}`, { code: code.replace(/\s/g, '') });
  if (!response?.ok) return showProblem(codeForm, response, 'The code is not right.');
  // The second factor is no sign-in to the plugin: the session that it made is handed over by this.
  await post(codeForm, '/electron/transfer-user', {});
  leave(codeForm);
});

codeForm.elements.strategy.addEventListener('change', async ({ target }) => {
  if (target.value !== 'otp') return;
  const response = await post(codeForm, '/two-factor/send-otp', {});
  if (!response?.ok) showProblem(codeForm, response, 'The code could not be sent: begin anew in the app.');
});

async function post(form, path, body) {
  form.querySelector('.problem').hidden = true;
  return fetch(`/api/auth${path}${location.search}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }).catch(() => null);
}

function askForCode() {
  passwordForm.hidden = true;
  codeForm.hidden = false;
  codeForm.elements.code.focus();
}

/** Back to the app with the code that the server has left for it. */
function leave(form) {
  const code = takeCode();
  if (code === null) {
    return say(form, 'You are signed in here, but not in the app: begin anew in the app.');
  }
  form.hidden = true;
  returnToApp(`${CALLBACK}#token=${code}`);
}

/** The code that the server has left for the app; nobody else is to find it. */
function takeCode() {
  const cookies = document.cookie.split('; ').map((cookie) => cookie.split('='));
  const found = cookies.find(([name]) => name === CODE_COOKIE);
  // biome-ignore lint/suspicious/noDocumentCookie: the way of the server's plugin
  document.cookie = `${CODE_COOKIE}=; max-age=0; path=/`;
  return found ? decodeURIComponent(found[1]) : null;
}

function returnToApp(address) {
  done.hidden = false;
  done.querySelector('a').href = address;
  done.querySelector('input').value = address;
  done.querySelector('h1').focus();
  location.href = address;
}

function showProblem(form, response, refused) {
  if (response === null) say(form, 'The server cannot be reached. Try again in a moment.');
  else if (response.status === 401) say(form, refused);
  else if (response.status === 429) say(form, 'Too many tries. Wait a minute and try again.');
  else say(form, 'The server did not take it. Try again in a moment.');
}

function say(form, words) {
  const problem = form.querySelector('.problem');
  problem.hidden = false;
  problem.textContent = words;
}
