// Package lock reads and writes plugins.lock, the list of the plugin binaries
// that the host may run.
//
// The file is YAML that people can read and keep in version control:
//
//	plugins:
//	  - mechanism: openid
//	    file: doorward-plugin-openid
//	    version: 1.0.0
//	    sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//
// A plugin with presets has a list of them, so that the host knows which plugin a
// preset needs before it runs any.
//
// The host does not run a binary that is not in the file or has another digest. Anyone
// who can write the file decides what the host runs, so only its owner may be able to
// write it.
package lock
