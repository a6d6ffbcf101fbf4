// Package account is an end user as a directory has it: which entry a name means, what
// identifies it for ever, whether a password is right, what the directory says about the
// account besides (password policies, Active Directory, shadow), its groups, and a new
// password.
package account
