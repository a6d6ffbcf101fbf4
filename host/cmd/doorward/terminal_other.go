//go:build !unix

package main

func terminalColumns(uintptr) (columns int, is bool) { return 0, false }
