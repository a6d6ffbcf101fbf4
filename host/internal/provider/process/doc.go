// Package process runs one plugin process: it opens and checks the binary, starts
// exactly that file, makes the handshake, reads the log, and ends the process within a
// bound, whatever the plugin does.
//
// go-plugin makes the connection. It trusts too much, so this package adds guards:
//
//   - go-plugin executes a path that was checked before; a [Binary] is an open file.
//   - It dials any address that a plugin names; here only a socket in the plugin's own
//     folder is dialed.
//   - It panics on odd log lines; here it never sees them.
//   - It waits without a bound for a process that is stopped or whose children hold its
//     pipes; here the whole process group is killed.
package process
