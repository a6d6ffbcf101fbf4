// Package disktest gives tests a small disk, which they can fill.
package disktest
