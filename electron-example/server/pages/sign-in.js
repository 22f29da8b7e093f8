// Signs in, and brings the app a code in exchange for which it gets a session of its own: the part that Better Auth's
// `electronProxyClient` plays in a page of yours. The page's address says which app waits, and what only it can answer.

const CALLBACK = 'com.example.latchkey://auth/callback';
const CODE_COOKIE = 'better-auth.electron';

const form = document.querySelector('form');
const done = document.querySelector('section');
const problem = document.querySelector('#problem');

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const { email, password } = Object.fromEntries(new FormData(form));
  problem.hidden = true;
  const response = await fetch(`/api/auth/sign-in/email${location.search}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password }),
  }).catch(() => null);
  const code = response?.ok ? takeCode() : null;
  if (code === null) return showProblem(response);
  returnToApp(`${CALLBACK}#token=${code}`);
});

/** The code that the server has left for the app; nobody else is to find it. */
function takeCode() {
  const cookies = document.cookie.split('; ').map((cookie) => cookie.split('='));
  const found = cookies.find(([name]) => name === CODE_COOKIE);
  // biome-ignore lint/suspicious/noDocumentCookie: the way of the server's plugin
  document.cookie = `${CODE_COOKIE}=; max-age=0; path=/`;
  return found ? decodeURIComponent(found[1]) : null;
}

function returnToApp(address) {
  form.hidden = true;
  done.hidden = false;
  done.querySelector('a').href = address;
  done.querySelector('input').value = address;
  done.querySelector('h1').focus();
  location.href = address;
}

function showProblem(response) {
  problem.hidden = false;
  if (response === null) problem.textContent = 'The server cannot be reached. Try again in a moment.';
  else if (response.status === 401) problem.textContent = 'The e-mail address or the password is wrong.';
  else if (response.ok)
    problem.textContent = 'You are signed in here, but not in the app: begin anew in the app.';
  else problem.textContent = 'The server did not take it. Try again in a moment.';
}
