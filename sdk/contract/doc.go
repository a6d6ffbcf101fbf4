// Package contract holds the rules for what may cross the boundary between host
// and plugin. Both ends check by it, so that neither allows what the other
// refuses.
package contract
