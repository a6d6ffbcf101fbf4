// A page of an application on another origin than the host, which it talks to with the
// SDK of Directus. A test calls what stands in window.visit; each answers with an empty
// text, or with what went wrong.
import { authentication, createDirectus, isDirectusError, readMe, readProviders, readRolesMe, rest, serverInfo, updateMe } from '/sdk/index.js';

// A page that is left for the provider finds its tokens again.
const storage = {
  get: () => JSON.parse(localStorage.getItem('directus-data')),
  set: (data) => localStorage.setItem('directus-data', JSON.stringify(data)),
};

const open = (url, mode) => mode === 'json'
  ? createDirectus(url).with(authentication('json', { storage })).with(rest())
  : createDirectus(url).with(authentication(mode, { credentials: 'include', storage })).with(rest({ credentials: 'include' }));

const want = (what, got, wanted) => {
  if (JSON.stringify(got) !== JSON.stringify(wanted)) throw new Error(`${what}: ${JSON.stringify(got)}, want ${JSON.stringify(wanted)}`);
};

// outcome is the code of Directus's error, "blocked" where the browser gives the page no
// answer, or "answered".
const outcome = (promise) => promise.then(() => 'answered', (e) => {
  if (isDirectusError(e)) return e.errors[0].extensions.code;
  return e instanceof TypeError ? 'blocked' : `${e.stack}`;
});

const email = async (client) => (await client.request(readMe({ fields: ['email'] }))).email;

const goOn = async (client, who) => {
  want('who is signed in', await email(client), who);
  await client.refresh();
  want('who is signed in, refreshed', await email(client), who);
  want('who changes their language', await client.request(updateMe({ language: 'de-DE' }, { fields: ['language'] })), { language: 'de-DE' });
};

const signOut = async (client, mode) => {
  await client.logout();
  want('who am I, signed out', await outcome(client.request(readMe())), 'INVALID_CREDENTIALS');
  want(`a refresh in mode ${mode}, signed out`, await outcome(client.refresh()), 'INVALID_PAYLOAD');
};

const byPassword = async (url, mode, password) => {
  const client = open(url, mode);
  const names = (await client.request(readProviders())).map((p) => p.name);
  want('the providers', names.sort(), ['corp', 'fake', 'fakesession']);
  want('a wrong password', await outcome(client.login({ identifier: 'alice', password: 'wrong' }, { provider: 'corp' })), 'INVALID_CREDENTIALS');
  await client.login({ identifier: 'alice', password }, { provider: 'corp' });
  await goOn(client, 'alice@example.org');
  want('the roles', (await client.request(readRolesMe({ fields: ['id'] }))).length, 1);
  want('the server', typeof (await client.request(serverInfo())).project, 'object');
  await signOut(client, mode);
};

// A browser may keep the cookies of other sites from the page, whatever the host says.
const withoutCookies = async (url, password) => {
  for (const mode of ['cookie', 'session']) {
    const client = open(url, mode);
    await client.login({ identifier: 'alice', password }, { provider: 'corp' });
    want(`a refresh in mode ${mode}`, await outcome(client.refresh()), 'INVALID_PAYLOAD');
  }
};

const byRedirect = (url, provider) => {
  location.assign(`${url}/auth/login/${provider}?redirect=${encodeURIComponent(location.href)}`);
};

const returned = async (url, mode) => {
  const client = open(url, mode);
  await client.refresh();
  await goOn(client, 'alice@example.com');
  await signOut(client, mode);
};

// A page that must not read the answers tries everything that the SDK has, and then
// requests that a browser sends without asking the host first.
const strange = async (url, password) => {
  for (const mode of ['json', 'cookie', 'session']) {
    const client = open(url, mode);
    const calls = {
      providers: () => client.request(readProviders()),
      'a login': () => client.login({ identifier: 'bob', password }, { provider: 'corp' }),
      'who am I': () => client.request(readMe()),
      'a change': () => client.request(updateMe({ language: 'xx' })),
      'a refresh': () => client.refresh(),
      'a logout': () => client.logout(),
    };
    for (const [what, call] of Object.entries(calls)) want(`${what} in mode ${mode}`, await outcome(call()), 'blocked');
  }
  for (const type of ['text/plain', 'application/x-www-form-urlencoded']) {
    const send = (path, body) => outcome(fetch(url + path, {
      method: 'POST', mode: 'no-cors', credentials: 'include', headers: { 'Content-Type': type },
      body: type === 'text/plain' ? JSON.stringify(body) : new URLSearchParams(body),
    }));
    for (const mode of ['cookie', 'session']) {
      want('a forged login', await send('/auth/login/corp', { identifier: 'bob', password, mode }), 'blocked');
      want('a forged refresh', await send('/auth/refresh', { mode }), 'blocked');
      want('a forged logout', await send('/auth/logout', { mode }), 'blocked');
    }
  }
};

const told = (visit) => (...args) => visit(...args).then(() => '', (e) => `${e.stack}`);

window.visit = {
  byRedirect, byPassword: told(byPassword), returned: told(returned), withoutCookies: told(withoutCookies), strange: told(strange),
};
