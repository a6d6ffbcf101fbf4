// Package guessing makes it slow to guess passwords, and keeps from those who guess
// which names exist.
package guessing
