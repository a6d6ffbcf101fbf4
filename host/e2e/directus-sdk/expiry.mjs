// Access tokens that expire: by themselves renewed in time, or refused.
import assert from 'node:assert/strict';
import { authentication, createDirectus, readMe, rest, staticToken } from '@directus/sdk';
import { brevity, brief, password, refused, scenario, until } from './scenario.mjs';

const alice = () => ({ identifier: 'alice', password });
const atCorp = { provider: 'corp' };

// A second after a token was given, the timer of the SDK asks for the next.
const early = { msRefreshBeforeExpires: brevity - 1000 };

scenario('tokens are refreshed before they expire', async () => {
  const given = new Set();
  let kept = null;
  const storage = { get: () => kept, set: (data) => { kept = data; if (data.access_token) given.add(data.access_token); } };
  const client = createDirectus(brief).with(authentication('json', { ...early, storage })).with(rest());
  await client.login(alice(), atCorp);
  await until('the timer has refreshed twice', () => given.size > 2); // nothing else asks
  assert.equal((await client.request(readMe())).email, 'alice@example.org');
  client.stopRefreshing();
  await client.logout();
});

scenario('getToken refreshes what has expired', async () => {
  const client = createDirectus(brief).with(authentication('json', { autoRefresh: false, msRefreshBeforeExpires: 0 })).with(rest());
  const first = await client.login(alice(), atCorp);
  const second = await until('another token', async () => {
    const token = await client.getToken();
    return token !== first.access_token && token;
  });
  assert.ok(Date.now() >= first.expires_at);
  assert.ok(second);
  assert.equal((await client.request(readMe())).email, 'alice@example.org');
});

// Where the SDK is left alone, it refreshes before each request, since a token of this
// host always expires within its 30 s.
scenario('many requests at once with tokens about to expire', async () => {
  const client = createDirectus(brief).with(authentication('json')).with(rest());
  await client.login(alice(), atCorp);
  for (let round = 0; round < 3; round++) {
    const people = await Promise.all(Array.from({ length: 20 }, () => client.request(readMe())));
    assert.ok(people.every((me) => me.email === 'alice@example.org'));
  }
});

scenario('an expired token is refused as such', async () => {
  const { access_token: token } = await createDirectus(brief).with(authentication('json', { autoRefresh: false })).login(alice(), atCorp);
  const client = createDirectus(brief).with(staticToken(token)).with(rest());
  await until('the token is refused', () => client.request(readMe()).then(() => false, () => true));
  const error = await refused(client.request(readMe()), 401, 'TOKEN_EXPIRED');
  assert.match(error.message, /access .* has expired/);
});
