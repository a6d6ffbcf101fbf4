//go:build !linux

package storetest

import "errors"

func forgetFiles(string) error { return errors.ErrUnsupported }
