// Package disktest gives tests a small disk that they can fill.
package disktest
