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
// It compares values by caseIgnoreMatch (RFC 4518), which ignores case, spaces and width.
// It records requests and the identity behind them. [Directory.Misbehave] makes it stall,
// hang up, lie, truncate, refer or flood.
//
// Do not use it outside of tests: it compares passwords as plain text, and everyone who
// may search can read everything.
package ldaptest
