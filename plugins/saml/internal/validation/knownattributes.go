package validation

const (
	soapClaims      = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
	microsoftClaims = "http://schemas.microsoft.com/ws/2008/06/identity/claims/"
)

// The names that common identity providers use: Microsoft, Shibboleth and eduGAIN (as OID),
// Okta, Google, Keycloak, authentik, JumpCloud. The first one that is present counts.
var (
	KnownEmail = []string{
		soapClaims + "emailaddress", "urn:oid:0.9.2342.19200300.100.1.3", "urn:oid:1.2.840.113549.1.9.1",
		"email", "mail", "emailAddress", "Email", "User.email",
	}
	KnownGivenName = []string{
		soapClaims + "givenname", "urn:oid:2.5.4.42", "givenName", "firstName", "first_name", "FirstName", "User.FirstName", "firstname",
	}
	KnownFamilyName = []string{
		soapClaims + "surname", "urn:oid:2.5.4.4", "sn", "lastName", "last_name", "LastName", "surname", "User.LastName", "lastname",
	}
	KnownName = []string{
		"http://schemas.microsoft.com/identity/claims/displayname", "urn:oid:2.16.840.1.113730.3.1.241", "displayName", "urn:oid:2.5.4.3", "cn",
	}
	KnownUsername = []string{
		"http://schemas.goauthentik.io/2021/02/saml/username", "urn:oid:0.9.2342.19200300.100.1.1", "uid", "username",
		"urn:oid:1.3.6.1.4.1.5923.1.1.1.6", soapClaims + "upn", soapClaims + "name",
	}
	KnownGroups = []string{
		"groups", microsoftClaims + "groups", "http://schemas.xmlsoap.org/claims/Group", "memberOf",
		"urn:oid:1.3.6.1.4.1.5923.1.5.1.1", microsoftClaims + "role", "Role",
	}
)

// GroupsLink is what Microsoft Entra ID sends instead of more than 150 groups.
const GroupsLink = "http://schemas.microsoft.com/claims/groups.link"
