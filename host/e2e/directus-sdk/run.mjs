// Runs programs that use the SDK of Directus the way its documentation shows, all at
// once, against a host whose directory has alice, bob and dave.
//
// Environment:
//   SITE   JSON: {host, brief: URLs; brevity: ms that access tokens of brief live; password}
//
// Prints {"scenario", "error"} a line, error null if it went well, and {"ran"} in the end.
import { scenarios } from './scenario.mjs';
import './modes.mjs';
import './refreshes.mjs';
import './expiry.mjs';
import './profile.mjs';
import './refusals.mjs';
import './providers.mjs';

const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

await Promise.all([...scenarios].map(async ([name, run]) => {
  const error = await run().then(() => null, (e) => e.stack ?? JSON.stringify(e));
  print({ scenario: name, error });
}));
print({ ran: scenarios.size });
process.exit(0); // the SDK would go on refreshing
