// Who somebody is, by fields, and what they may change of it.
import assert from 'node:assert/strict';
import { authentication, createDirectus, readMe, readRolesMe, rest, serverHealth, serverInfo, serverPing, updateMe } from '@directus/sdk';
import { host, password, refused, scenario } from './scenario.mjs';

const signedIn = async (identifier) => {
  const client = createDirectus(host).with(authentication('json')).with(rest());
  await client.login({ identifier, password }, { provider: 'corp' });
  return client;
};

// Nobody else signs in as dave, whose last_access would differ.
scenario('readMe with fields', async () => {
  const client = await signedIn('dave');
  const all = await client.request(readMe());
  assert.deepEqual(await client.request(readMe({ fields: ['id', 'first_name', 'email', { role: ['id', 'name'] }] })), {
    id: all.id, first_name: 'Dave', email: 'dave@example.org', role: { id: all.role, name: 'editor' },
  });
  assert.deepEqual(await client.request(readMe({ fields: ['*'] })), all);
  const whole = await client.request(readMe({ fields: ['*', { role: ['*'] }] }));
  assert.equal(whole.last_name, 'Mover');
  assert.equal(whole.role.name, 'editor');
  await refused(client.request(readMe({ fields: ['shoe_size'] })), 403, 'FORBIDDEN');
});

scenario('updateMe', async () => {
  const client = await signedIn('bob');
  const changed = await client.request(updateMe({ first_name: 'Robert', language: 'de-DE' }, { fields: ['first_name', 'last_name', 'language'] }));
  assert.deepEqual(changed, { first_name: 'Robert', last_name: 'Builder', language: 'de-DE' });
  assert.equal((await client.request(readMe({ fields: ['first_name'] }))).first_name, 'Robert');
  await refused(client.request(updateMe({ email: 'somebody@example.org' })), 403, 'FORBIDDEN');
  assert.equal((await client.request(readMe())).email, 'bob@example.org');
});

scenario('readRolesMe', async () => {
  const client = await signedIn('alice');
  const { role } = await client.request(readMe());
  assert.deepEqual((await client.request(readRolesMe({ fields: ['id'] }))), [{ id: role }]);
});

scenario('the server', async () => {
  const client = createDirectus(host).with(rest());
  assert.equal(await client.request(serverPing()), 'pong');
  assert.equal((await client.request(serverHealth())).status, 'ok');
  assert.ok((await client.request(serverInfo())).project.project_name);
});
