// Package limit counts sign-ins that fail and sign-ins that are begun but not completed,
// and says when there are too many. Successful sign-ins are not counted, however many there
// are.
//
// Counts fill leaky buckets: one for a login name from one address, and others for that
// name from anywhere, for an address, for a network, and for all clients together. A full
// bucket refuses and empties at a constant rate, so nobody is locked out for longer than
// that takes. When all clients together fail too often, each failure counts as ten. A
// browser that has signed in before has separate buckets, and is not refused because of
// what others do.
//
// Everything is in memory of a limited size. Names, addresses and browsers are kept as
// hashes under a key derived from SECRET. Hosts that share a database add to each other's
// buckets; see [Exchange].
package limit
