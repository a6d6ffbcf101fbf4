// Package process runs one plugin process: it opens and checks the binary, starts
// exactly what it checked, shakes hands, reads the log and ends the process within
// a bound, whatever the plugin does meanwhile.
//
// go-plugin makes the connection. Around it stand guards for what it takes on
// trust: it executes a path that was checked before (a [Binary] is an open file),
// dials any address that a plugin names (only a socket in the plugin's own folder
// is dialled), panics on odd log lines (it never sees them), and waits without a
// bound for a process that is stopped or whose children hold its pipes (the whole
// process group is killed).
package process
