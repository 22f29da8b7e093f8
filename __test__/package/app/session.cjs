// What an app does with the package: a vault, a session in it, a sign-in, a request. PACKAGE_TEST says with what.
const { AuthSession, Vault } = require('electron-latchkey');

const { vault: vaultOptions, provider, resource, person } = JSON.parse(process.env.PACKAGE_TEST);

exports.useSession = async () => {
  const vault = await Vault.open(vaultOptions);
  const session = await AuthSession.open({ vault, provider });
  if (person) await session.signUp(person);
  const { status } = await session.fetch(resource);
  const { state, user } = session.state();
  session.close();
  await vault.close();
  return { status, state, email: user.email };
};

exports.tell = (answer) => console.log(`ANSWER ${JSON.stringify(answer)}`);
