// Package account handles users as a directory sees them: it finds the entry of a name,
// identifies it permanently, checks the password and the status of the account (password
// policies, Active Directory, shadow), reads its groups, and changes the password.
package account
