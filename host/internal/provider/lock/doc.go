// Package lock reads and writes plugins.lock, the list of the plugin binaries
// that the host may run.
//
// The file is YAML, made to be read and to be kept in version control:
//
//	plugins:
//	  - mechanism: openid
//	    file: doorward-plugin-openid
//	    version: 1.0.0
//	    sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//
// A plugin that knows kinds of providers has a list of them, presets, so that the
// host knows what is meant by one before it runs anything.
//
// A binary that is not in it, or has another digest, is not run. Whoever can
// write the file decides what the host runs, so it may be written by its owner
// only.
package lock
