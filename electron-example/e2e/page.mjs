// What a person does in the window, and what they see.
import assert from 'node:assert/strict';

export const NEW_USER = { name: 'Ada Lovelace', email: 'ada@example.com', password: 'difference-engine' };

export async function signUp({ page }, { name, email, password } = NEW_USER) {
  await page.getByTestId('switch-to-sign-up').click();
  await page.getByTestId('name').fill(name);
  await fillCredentials(page, email, password);
  await page.getByTestId('submit').click();
}

export async function signIn({ page }, { email, password }) {
  await fillCredentials(page, email, password);
  await page.getByTestId('submit').click();
}

/** Waits for the account page of this person, in this state. */
export async function seesAccount({ page }, { email }, state = 'active') {
  await page.getByTestId('account').waitFor();
  await page.locator(`[data-testid="session-state"][data-state="${state}"]`).waitFor();
  assert.equal(await page.getByTestId('user-email').textContent(), email);
}

export async function seesSignInForm({ page }) {
  await page.getByTestId('sign-in-form').waitFor();
  assert.equal(await page.getByTestId('account').count(), 0);
}

/** Waits for the form's message and answers its code. The message must say something, in words. */
export async function formError({ page }) {
  const error = page.getByTestId('form-error');
  await error.waitFor();
  assert.match(await error.innerText(), /[A-Za-z]{3,} [a-z]+/);
  assert.ok(await error.isVisible());
  return error.getAttribute('data-code');
}

export async function callApi({ page }) {
  await page.getByTestId('call-api').click();
  const result = page.getByTestId('api-result');
  await result.waitFor();
  return { outcome: await result.getAttribute('data-outcome'), text: await result.innerText() };
}

export async function signOut(app) {
  await app.page.getByTestId('sign-out').click();
  await seesSignInForm(app);
}

/** Asks the server whether the session still stands, as the button of the session panel does. */
export async function checkNow({ page }) {
  await page.getByTestId('refresh').click();
}

/** The snapshot as the page gets it. */
export async function snapshot({ page }) {
  const result = await page.evaluate(() => window.auth.snapshot());
  assert.equal(result.ok, true);
  return result.value;
}

async function fillCredentials(page, email, password) {
  await page.getByTestId('email').fill(email);
  await page.getByTestId('password').fill(password);
}

/** Goes to a section of the account: `overview`, `account` or `security`. */
export async function openSection({ page }, name) {
  await page.getByTestId(`section-${name}`).click();
}
