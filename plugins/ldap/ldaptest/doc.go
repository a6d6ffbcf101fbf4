// Package ldaptest is a fake LDAP directory for tests: a small real server (RFC 4511)
// that binds, searches, changes passwords, and misbehaves on demand.
//
//	dir := ldaptest.Start(t, ldaptest.Config{Entries: []ldaptest.Entry{
//		{DN: "cn=reader,dc=example,dc=com", Password: "secret"},
//		{DN: "uid=alice,ou=people,dc=example,dc=com", Password: "wonderland", Attributes: map[string][]string{
//			"objectClass": {"inetOrgPerson"}, "uid": {"alice"}, "mail": {"alice@example.com"},
//		}},
//	}})
//	… dir.URL() …
//
// It compares values as caseIgnoreMatch does (RFC 4518): case, spaces and width do not
// count. It counts what it is asked, and knows as whom. [Directory.Misbehave] has it
// stall, hang up, lie, truncate, refer or flood.
//
// It is no directory for people: passwords are compared as plain text, and whoever may
// search sees everything.
package ldaptest
