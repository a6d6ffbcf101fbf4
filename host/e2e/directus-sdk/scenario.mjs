// What the scenarios share: the site that they are told of, and how they are kept.
import assert from 'node:assert/strict';
import makeFetchCookie from 'fetch-cookie';
import { CookieJar } from 'tough-cookie';
import { isDirectusError } from '@directus/sdk';

// host answers for the life of access tokens that is the default, brief for one of a few
// seconds. Everybody has the same password.
export const { host, brief, brevity, password } = JSON.parse(process.env.SITE);

export const scenarios = new Map();

export const scenario = (name, run) => {
  assert.ok(!scenarios.has(name), `two scenarios are called ${name}`);
  scenarios.set(name, run);
};

// browsing is a fetch that keeps cookies, as a browser does and that of Node does not.
export const browsing = (jar = new CookieJar()) => makeFetchCookie(fetch, jar);

// refused checks that the SDK throws what a program can tell apart, as Directus's errors.
export const refused = async (promise, status, code) => {
  const error = await promise.then(() => assert.fail(`not refused with ${code}`), (e) => e);
  assert.ok(isDirectusError(error), `no error of Directus: ${error.stack}`);
  assert.equal(error.errors[0].extensions.code, code);
  assert.equal(error.response.status, status);
  assert.equal(error.message, error.errors[0].message);
  return error;
};

// until asks again and again, for as long as a slow machine may take.
export const until = async (what, condition) => {
  const late = Date.now() + 60_000;
  for (;;) {
    const value = await condition();
    if (value) return value;
    assert.ok(Date.now() < late, `timed out: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};
