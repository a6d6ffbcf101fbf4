// Package directory is the servers of one directory: which of them to ask, TLS, pooled
// connections, failover, searches, and the limits of what a server may send. What an
// entry means it does not know.
package directory
