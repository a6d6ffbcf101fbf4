// Package admin serves the operations of package people over HTTP, and calls them: one
// handler and one client for the control socket, for a listener with keys, and for
// commands in whose process no host runs.
//
// One table has all operations. Routes, the OpenAPI document and the client are made from
// it.
// Bodies are JSON. A success is {"data":…}, of a list {"data":[…],"meta":{"next":…}}; an
// error is {"errors":[{"message":…,"extensions":{"code":…}}]}.
package admin
