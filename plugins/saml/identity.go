package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/doorward/doorward/plugins/saml/internal/idp"
	"github.com/doorward/doorward/plugins/saml/internal/saml2"
	"github.com/doorward/doorward/plugins/saml/internal/validation"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
)

// identify returns the identity in an assertion.
func (m *mechanism) identify(a validation.Assertion, p *idp.Provider) (sdk.Identity, error) {
	subject, err := m.subject(a, p)
	if err != nil {
		return sdk.Identity{}, err
	}
	o, all := m.options, a.Attributes
	identity := sdk.Identity{
		Subject:    subject,
		Username:   all.First(all.Display, o.UsernameKey, validation.KnownUsername),
		Email:      all.First(all.Named, o.EmailKey, validation.KnownEmail),
		GivenName:  all.First(all.Display, o.GivenNameKey, validation.KnownGivenName),
		FamilyName: all.First(all.Display, o.FamilyNameKey, validation.KnownFamilyName),
		Name:       all.First(all.Display, o.NameKey, validation.KnownName),
		Groups:     m.groups(all),
		AuthTime:   a.Session.Instant,
		ACR:        a.Session.Context,
		Claims:     all.Claims(),
		ExpiresAt:  a.Session.NotOnOrAfter,
		SessionID:  validation.SessionText(a.Session.Index),
		OnceID:     a.ID,
		OnceUntil:  a.OnceUntil,
	}
	identity.Aliases = aliasesOf(all, subject)
	if a.NameID != nil && o.IdentifierKey != "" {
		identity.LogoutSubject = a.NameID.LogoutKey(p.EntityID, m.entityID)
	}
	if identity.Grant, err = grant(a); err != nil {
		return sdk.Identity{}, err
	}
	return identity, nil
}

// directusIdentifier is the attribute by which Directus identifies users unless another one
// is configured. Directus does not use the NameID.
const directusIdentifier = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier"

func aliasesOf(all validation.Attributes, subject string) []string {
	found, _ := all.Named(directusIdentifier)
	if len(found.Values) != 1 || found.Values[0] == subject || claims.CheckSubject(found.Values[0]) != nil {
		return nil
	}
	return found.Values
}

// subject is the NameID, or the attribute of identifier_key.
func (m *mechanism) subject(a validation.Assertion, p *idp.Provider) (string, error) {
	subject := ""
	switch {
	case m.options.IdentifierKey != "":
		found, _ := a.Attributes.Named(m.options.IdentifierKey)
		if len(found.Values) != 1 {
			return "", sdk.InvalidResponse(reasonIdentifier, "the attribute %q of identifier_key has %d values in the assertion, not one: configure the identity provider to send it with one value", m.options.IdentifierKey, len(found.Values))
		}
		subject = found.Values[0]
	case a.NameID == nil:
		return "", sdk.InvalidResponse(validation.ReasonSubject, "the assertion has no NameID: configure the identity provider to send one, or set identifier_key")
	case a.NameID.Format == saml2.FormatTransient: // whatever was requested
		return "", sdk.Misconfigured(reasonTransient, "the NameID is transient and differs at each login: configure the identity provider to send a persistent one (name_id_format), or set identifier_key to an attribute that stays the same")
	default:
		err := m.checkFormat(a.NameID.FormatInEffect())
		if err == nil {
			err = m.checkQualifier(*a.NameID)
		}
		if err != nil {
			return "", err
		}
		if subject, err = a.NameID.Key(p.EntityID, m.entityID); err != nil {
			return "", err
		}
	}
	if err := claims.CheckSubject(subject); err != nil {
		return "", sdk.InvalidResponse(reasonIdentifier, "the identifier of the user %w", err)
	}
	return subject, nil
}

// groups returns the values of one attribute, selected by its full name. A friendly name must
// never decide what a user may do.
func (m *mechanism) groups(all validation.Attributes) []string {
	names := validation.KnownGroups
	if m.options.GroupsKey != "" {
		names = []string{m.options.GroupsKey}
	}
	for _, name := range names {
		a, ok := all.Named(name)
		if !ok {
			continue
		}
		return split(a.Values, m.options.GroupsDelimiter)
	}
	if _, link := all.Named(validation.GroupsLink); link {
		m.logger.Warn("the identity provider sends a link instead of the groups, which Doorward does not follow: configure it to send fewer groups")
	}
	return nil
}

func split(values []string, delimiter string) []string {
	var groups []string
	for _, value := range values {
		parts := []string{value}
		if delimiter != "" {
			parts = strings.Split(value, delimiter)
		}
		for _, part := range parts {
			if part = strings.TrimSpace(part); part != "" {
				groups = append(groups, part)
			}
		}
	}
	return groups
}

// grantContent is what BeginLogout needs: the user to log out, as the identity provider names
// them (profiles section 4.4.4.1).
type grantContent struct {
	NameID       *validation.NameID `json:"id"`
	SessionIndex string             `json:"i,omitempty"`
}

func grant(a validation.Assertion) ([]byte, error) {
	if a.NameID == nil {
		return nil, nil
	}
	data, err := json.Marshal(grantContent{NameID: a.NameID, SessionIndex: a.Session.Index})
	if err != nil {
		return nil, fmt.Errorf("encoding the grant: %w", err)
	}
	return data, nil
}
