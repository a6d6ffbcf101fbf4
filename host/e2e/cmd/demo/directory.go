package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/doorward/doorward/plugins/ldap/ldaptest"
)

const (
	directoryName     = "staff"
	directoryLabel    = "Staff Directory"
	directoryBase     = "ou=people,dc=staff,dc=example"
	directoryReader   = "cn=doorward,dc=staff,dc=example"
	directoryPassword = "open sesame"
)

// directoryPeople are users to sign in as: a usual one, one whose password expires soon, and
// one who must choose a new password.
var directoryPeople = []string{"grace", "heidi (whose password expires soon)", "ivan (who has to choose a new one)"}

// directory is the LDAP directory of the demo.
type directory struct {
	*ldaptest.Directory
	readerPassword string
}

func startDirectory() (directory, error) {
	today := int(time.Now().Unix() / int64(24*time.Hour/time.Second))
	server, err := ldaptest.Listen(ldaptest.Config{MinPassword: 8, Entries: []ldaptest.Entry{
		{DN: "dc=staff,dc=example"}, {DN: directoryBase},
		{DN: directoryReader, Password: directoryPassword},
		employee("grace", "Grace", "Gibson", "5d0c6a52-7c1e-4f0b-9a53-0d5c1b6f8e01", nil),
		employee("heidi", "Heidi", "Hughes", "5d0c6a52-7c1e-4f0b-9a53-0d5c1b6f8e02", shadow(today-87, 90)),
		employee("ivan", "Ivan", "Ivers", "5d0c6a52-7c1e-4f0b-9a53-0d5c1b6f8e03", shadow(today-100, 90)),
	}})
	if err != nil {
		return directory{}, fmt.Errorf("starting the directory: %w", err)
	}
	return directory{server, directoryPassword}, nil
}

func employee(uid, given, family, uuid string, more map[string][]string) ldaptest.Entry {
	attributes := map[string][]string{
		"objectClass": {"inetOrgPerson"}, "uid": {uid}, "cn": {given + " " + family}, "givenName": {given}, "sn": {family},
		"displayName": {given + " " + family}, "mail": {uid + "@staff.example"}, "entryUUID": {uuid},
	}
	for name, values := range more {
		attributes[name] = values
	}
	return ldaptest.Entry{DN: "uid=" + uid + "," + directoryBase, Password: directoryPassword, Attributes: attributes}
}

// shadow returns the day on which a password was chosen, and the number of days that it is valid.
func shadow(day, days int) map[string][]string {
	return map[string][]string{
		"objectClass": {"inetOrgPerson", "shadowAccount"}, "shadowLastChange": {strconv.Itoa(day)}, "shadowMax": {strconv.Itoa(days)},
	}
}

// addTo adds the settings of Doorward for the directory.
func (d directory) addTo(env map[string]string) {
	const prefix = "AUTH_STAFF_"
	env["AUTH_PROVIDERS"] += "," + directoryName
	env[prefix+"DRIVER"] = "ldap"
	env[prefix+"LABEL"] = directoryLabel
	env[prefix+"CLIENT_URL"] = d.URL()
	env[prefix+"BIND_DN"] = directoryReader
	env[prefix+"BIND_PASSWORD"] = d.readerPassword
	env[prefix+"USER_DN"] = directoryBase
	env[prefix+"USER_ATTRIBUTE"] = "uid"
}
