// Package guessing slows down the guessing of passwords, and hides which names exist.
package guessing
