// Package directory handles the servers of one directory: server selection, TLS, pooled
// connections, failover, searches, and the limits on what a server may send. It does not
// interpret entries.
package directory
