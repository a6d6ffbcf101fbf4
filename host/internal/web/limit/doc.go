// Package limit counts sign-ins that fail, and sign-ins that are begun and come to no
// end, and says when there were too many. Sign-ins that succeed are not counted,
// however many there are.
//
// What is counted fills leaky buckets: of one login name from one address, of that
// name from anywhere, of an address, of a network, and of everybody. A full bucket
// refuses, and empties at a constant rate, so nobody is locked out for longer than that
// takes. When everybody together fails too often, each failure counts as ten. A browser
// that has signed in before has a bucket of its own, and is not refused because of what
// others do.
//
// Everything is in memory of a bounded size. Names, addresses and browsers are kept as
// hashes under a key made of SECRET. Hosts that share a database add to each other's
// buckets; see [Limiter.Exchange].
package limit
