// A certificate authority, and servers' certificates of it: good, for another host, expired, and one that is its own.
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { emptyFolder } from './vault-folder.mjs';

const execute = promisify(execFile);
const LOOPBACK = 'IP:127.0.0.1,DNS:localhost';

/** `{ ca, good, api, wronghost, expired, self }`: the authority's certificate as PEM, the others as `{ key, cert }`. */
export async function makeCertificates(t) {
  const folder = await emptyFolder(t);
  const openssl = (...args) => execute('openssl', args, { cwd: folder });
  const file = (name) => path.join(folder, name);
  const key = (name) => openssl('ecparam', '-genkey', '-name', 'prime256v1', '-noout', '-out', `${name}.key`);
  const pair = async (name) => ({
    key: await readFile(file(`${name}.key`)),
    cert: await readFile(file(`${name}.pem`)),
  });
  await key('ca');
  await openssl(
    'req',
    '-x509',
    '-new',
    '-key',
    'ca.key',
    '-subj',
    '/CN=test CA',
    '-days',
    '30',
    '-out',
    'ca.pem',
  );
  await mkdir(file('db'));
  await writeFile(file('db/index.txt'), '');
  await writeFile(file('db/serial'), '01');
  await writeFile(
    file('ca.cnf'),
    '[ca]\ndefault_ca=d\n[d]\ndatabase=db/index.txt\nnew_certs_dir=db\nserial=db/serial\ndefault_md=sha256\n' +
      'policy=p\nunique_subject=no\n[p]\ncommonName=supplied\n',
  );

  async function leaf(name, alternatives, [from, to]) {
    await key(name);
    await openssl('req', '-new', '-key', `${name}.key`, '-subj', `/CN=${name}`, '-out', `${name}.csr`);
    const extensions = `subjectAltName=${alternatives}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n`;
    await writeFile(file(`${name}.ext`), extensions);
    const signing = [
      '-cert',
      'ca.pem',
      '-keyfile',
      'ca.key',
      '-in',
      `${name}.csr`,
      '-extfile',
      `${name}.ext`,
    ];
    const dates = ['-startdate', from, '-enddate', to];
    await openssl(
      'ca',
      '-batch',
      '-notext',
      '-config',
      'ca.cnf',
      ...signing,
      ...dates,
      '-out',
      `${name}.pem`,
    );
    return pair(name);
  }

  const day = 86_400_000;
  const stamp = (ms) => `${new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '')}`;
  const valid = [stamp(Date.now() - day), stamp(Date.now() + 30 * day)];
  const good = await leaf('good', LOOPBACK, valid);
  const api = await leaf('api', 'DNS:api.example.test', valid);
  const wronghost = await leaf('wronghost', 'DNS:elsewhere.test', valid);
  const expired = await leaf('expired', LOOPBACK, ['20200101000000Z', '20200201000000Z']);
  await key('self');
  const self = [
    '-subj',
    '/CN=localhost',
    '-addext',
    `subjectAltName=${LOOPBACK}`,
    '-days',
    '30',
    '-out',
    'self.pem',
  ];
  await openssl('req', '-x509', '-new', '-key', 'self.key', ...self);
  return {
    ca: await readFile(file('ca.pem'), 'utf8'),
    good,
    api,
    wronghost,
    expired,
    self: await pair('self'),
  };
}
