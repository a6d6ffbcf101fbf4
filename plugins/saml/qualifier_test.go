package main

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/doorward/doorward/plugins/saml/internal/validation"
	"github.com/doorward/doorward/plugins/saml/samltest"
)

// TestSPNameQualifier: people who sign in can edit the request, so an identity provider that
// creates an identifier for any SPNameQualifier in it would give them any number of
// identifiers.
func TestSPNameQualifier(t *testing.T) {
	const affiliation, chosen = "https://affiliation.example", "https://chosen.example"
	for name, test := range map[string]struct {
		values   map[string]any
		format   string
		accepted []string // SPNameQualifiers
		refused  []string
	}{
		"persistent":                 {map[string]any{"name_id_format": "persistent"}, samltest.Persistent, []string{"", usURL}, []string{affiliation, chosen}},
		"an affiliation":             {map[string]any{"sp_name_qualifier": affiliation}, samltest.Persistent, []string{affiliation}, []string{"", usURL, chosen}},
		"persistent, affiliation":    {map[string]any{"name_id_format": "persistent", "sp_name_qualifier": affiliation}, samltest.Persistent, []string{affiliation}, []string{"", usURL, chosen}},
		"nothing asked for":          {nil, samltest.Persistent, []string{"", usURL, affiliation, chosen}, nil},
		"an address":                 {map[string]any{"name_id_format": "email"}, samltest.Email, []string{"", usURL, chosen}, nil},
		"an attribute says who":      {map[string]any{"name_id_format": "persistent", "identifier_key": "uid"}, samltest.Persistent, []string{"", chosen}, nil},
		"our entity ID is another's": {map[string]any{"name_id_format": "persistent", "entity_id": affiliation}, samltest.Persistent, []string{"", affiliation}, []string{usURL}},
	} {
		t.Run(name, func(t *testing.T) {
			r := openRig(t, samltest.Config{}, test.values)
			if asked, _ := r.begin(); asked.SPNameQualifier != "" && asked.SPNameQualifier != test.values["sp_name_qualifier"] || asked.SPNameQualifier == "" && test.values["sp_name_qualifier"] != nil {
				t.Errorf("asked for %q", asked.SPNameQualifier)
			}
			with := func(qualifier string) error {
				_, err := r.login(func(d *samltest.Draft) {
					d.Assertion.NameIDFormat, d.Assertion.SPNameQualifier = test.format, qualifier
				})
				return err
			}
			for _, qualifier := range test.accepted {
				if err := with(qualifier); err != nil {
					t.Errorf("%q: %v", qualifier, err)
				}
			}
			for _, qualifier := range test.refused {
				err := with(qualifier)
				refused(t, err, reasonSPNameQualifier)
				if err != nil && !strings.Contains(err.Error(), "set sp_name_qualifier") {
					t.Error(err)
				}
			}
		})
	}
	m, _ := direct(t, samltest.Config{}, nil)
	var log strings.Builder
	m.logger = slog.New(slog.NewTextHandler(&log, nil))
	for _, qualifier := range []string{"", m.entityID, chosen} {
		if err := m.checkQualifier(validation.NameID{Format: samltest.Persistent, SPNameQualifier: qualifier}); err != nil {
			t.Error(err)
		}
	}
	if text := log.String(); strings.Count(text, "level=WARN") != 1 || !strings.Contains(text, chosen) {
		t.Errorf("%s", text)
	}
}
