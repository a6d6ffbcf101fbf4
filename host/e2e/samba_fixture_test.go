package e2e

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"time"
	"unicode/utf16"

	"github.com/go-ldap/ldap/v3"
)

// unicodePwd is a password as Active Directory expects it (MS-ADTS 3.1.1.3.1.5).
func unicodePwd(password string) string {
	var encoded []byte
	for _, unit := range utf16.Encode([]rune(`"` + password + `"`)) {
		encoded = binary.LittleEndian.AppendUint16(encoded, unit)
	}
	return string(encoded)
}

// filetime counts 100 ns from the year 1601, as accountExpires does.
func filetime(at time.Time) string {
	return strconv.FormatInt((at.Unix()+11644473600)*10_000_000, 10)
}

// Bits of userAccountControl.
const (
	adNormalAccount    = 0x200
	adDisabled         = 0x2
	adPasswordNoExpiry = 0x10000
)

// adPerson is a user of the domain.
type adPerson struct {
	name, given, family string
	control             int
	expires             time.Time
	more                map[string][]string
}

// adSamples are the users in special states. addADPeople sets the rest of the state (must
// change, the age of passwords, groups).
var adSamples = []adPerson{
	{name: "alice", given: "Alice", family: "Liddell"},
	{name: "bob", given: "Bob", family: "Builder"},
	{name: "carol", given: "Carol", family: "O'Neil (ext)*"},
	{name: "dave", given: "Dave", family: "Mover"},
	{name: "zoë", given: "Zoë", family: "Ångström"},
	{name: "reader", given: "Service", family: "Account", control: adPasswordNoExpiry},
	{name: "disabled", given: "Dis", family: "Abled", control: adDisabled},
	{name: "expired", given: "Ex", family: "Pired", expires: time.Now().AddDate(0, 0, -1)},
	{name: "lockable", given: "Lock", family: "Able"},
	{name: "mustchange", given: "Must", family: "Change"},
	{name: "mustchange2", given: "Must", family: "Change"},
	{name: "warned", given: "Password", family: "Warned"},
	{name: "leaver1", given: "Lea", family: "Ver"},
	{name: "leaver2", given: "Lea", family: "Ver"},
	{name: "leaver3", given: "Lea", family: "Ver"},
	{name: "leaver4", given: "Lea", family: "Ver"},
}

// crowdSize is how many people sign in at once.
const crowdSize = 40

func crowdName(n int) string { return fmt.Sprintf("crowd%d", n+1) }

// adChange is one change of the directory that addADPeople makes.
type adChange func(*ldap.Conn) error

// addADPeople fills the domain through the running server.
func addADPeople(s *samba) error {
	conn, err := dialLDAP(s.LDAPS(), s.dialTLS())
	if err != nil {
		return fmt.Errorf("connecting to the domain controller: %w", err)
	}
	defer conn.Close()
	if err := conn.Bind(s.adminName(), s.Password); err != nil {
		return fmt.Errorf("binding to the domain controller: %w", err)
	}
	changes := []adChange{adPolicy}
	for _, p := range adSamples {
		changes = append(changes, p.create(s.Password))
	}
	for n := range crowdSize {
		changes = append(changes, adPerson{name: crowdName(n), given: "Crowd", family: strconv.Itoa(n + 1)}.create(s.Password))
	}
	changes = append(changes, adGroups...)
	changes = append(changes, adSet(adUserDN("mustchange"), "pwdLastSet", "0"), adSet(adUserDN("mustchange2"), "pwdLastSet", "0"))
	for _, change := range changes {
		if err := change(conn); err != nil {
			return fmt.Errorf("filling the domain: %w", err)
		}
	}
	return nil
}

// adPolicy sets the domain's rules for passwords: five failures lock for half
// an hour, and a password can be changed on the day it was set.
func adPolicy(conn *ldap.Conn) error {
	req := ldap.NewModifyRequest(adBase, nil)
	for name, value := range map[string]string{
		"lockoutThreshold": "5", "lockoutDuration": "-18000000000", "lockOutObservationWindow": "-18000000000", "minPwdAge": "0",
	} {
		req.Replace(name, []string{value})
	}
	return conn.Modify(req)
}

func (p adPerson) create(password string) adChange {
	return func(conn *ldap.Conn) error {
		req := ldap.NewAddRequest(adUserDN(p.name), nil)
		req.Attribute("objectClass", []string{"user"})
		req.Attribute("sAMAccountName", []string{p.name})
		req.Attribute("userPrincipalName", []string{p.name + "@ad.example.org"})
		req.Attribute("givenName", []string{p.given})
		req.Attribute("sn", []string{p.family})
		req.Attribute("displayName", []string{p.given + " " + p.family})
		req.Attribute("mail", []string{p.name + "@example.org"})
		req.Attribute("unicodePwd", []string{unicodePwd(password)})
		req.Attribute("userAccountControl", []string{strconv.Itoa(adNormalAccount | p.control)})
		if !p.expires.IsZero() {
			req.Attribute("accountExpires", []string{filetime(p.expires)})
		}
		for name, values := range p.more {
			req.Attribute(name, values)
		}
		return conn.Add(req)
	}
}

func adSet(dn, name string, values ...string) adChange {
	return func(conn *ldap.Conn) error {
		req := ldap.NewModifyRequest(dn, nil)
		req.Replace(name, values)
		return conn.Modify(req)
	}
}

func adGroup(name string, members ...string) adChange {
	return func(conn *ldap.Conn) error {
		req := ldap.NewAddRequest(adUserDN(name), nil)
		req.Attribute("objectClass", []string{"group"})
		req.Attribute("sAMAccountName", []string{name})
		req.Attribute("member", members)
		return conn.Add(req)
	}
}

// adAgedPolicy gives the user their own policy (msDS-PasswordSettings) with this password
// lifetime. Samba takes less than a day as unlimited, and nobody can write a pwdLastSet in
// the past, so a password that has expired by age cannot be made.
func adAgedPolicy(name, user string, age time.Duration) adChange {
	return func(conn *ldap.Conn) error {
		req := ldap.NewAddRequest("CN="+name+",CN=Password Settings Container,CN=System,"+adBase, nil)
		for attribute, value := range map[string]string{
			"objectClass": "msDS-PasswordSettings", "msDS-PasswordSettingsPrecedence": "10",
			"msDS-PasswordReversibleEncryptionEnabled": "FALSE", "msDS-PasswordHistoryLength": "0",
			"msDS-PasswordComplexityEnabled": "FALSE", "msDS-MinimumPasswordLength": "7", "msDS-MinimumPasswordAge": "0",
			"msDS-MaximumPasswordAge": "-" + strconv.FormatInt(age.Nanoseconds()/100, 10),
			"msDS-LockoutThreshold":   "0", "msDS-LockoutObservationWindow": "-18000000000", "msDS-LockoutDuration": "-18000000000",
			"msDS-PSOAppliesTo": adUserDN(user),
		} {
			req.Attribute(attribute, []string{value})
		}
		return conn.Add(req)
	}
}

// adGroups are nested two levels deep. Bob's primary group is workers: primary groups
// are in no member attribute.
var adGroups = []adChange{
	adGroup("editors", adUserDN("alice"), adUserDN("bob")),
	adGroup("staff", adUserDN("editors"), adUserDN("carol")),
	adGroup("everyone", adUserDN("staff")),
	adGroup("workers", adUserDN("bob")),
	adPrimaryGroup("bob", "workers"),
	adAgedPolicy("warned", "warned", 48*time.Hour),
}

func adPrimaryGroup(user, group string) adChange {
	return func(conn *ldap.Conn) error {
		found, err := conn.Search(ldap.NewSearchRequest(adUserDN(group), ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false,
			"(objectClass=*)", []string{"objectSid"}, nil))
		if err != nil {
			return err
		}
		sid := found.Entries[0].GetRawAttributeValue("objectSid")
		rid := binary.LittleEndian.Uint32(sid[len(sid)-4:])
		return adSet(adUserDN(user), "primaryGroupID", strconv.FormatUint(uint64(rid), 10))(conn)
	}
}
