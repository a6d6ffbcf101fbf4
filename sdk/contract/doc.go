// Package contract contains the rules for the data that crosses the boundary between
// host and plugin. Both ends use it for their checks, so that neither allows what the
// other refuses.
package contract
