package main

import (
	"time"

	"github.com/doorward/doorward/host/internal/admin"
	"github.com/doorward/doorward/host/internal/control"
	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/provider"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
)

// surroundings are what the administration knows of the host. What cannot be known is nil
// or empty.
type surroundings struct {
	providers func() []sso.Provider
	publicURL string
	subjects  *sso.SubjectHasher // what the audit calls subjects by
}

// peopleOf are the operations on those in a store.
func peopleOf(s store.Store, known surroundings, log func(string, ...any)) *people.Operations {
	return people.New(people.Ports{
		Accounts: s, Claims: s, Roles: s, Sessions: s, Keys: s, Audit: s,
		Subjects: known.subjects, Providers: known.providers, PublicURL: known.publicURL, Now: time.Now, Log: log,
	})
}

// administered adds the administration to what the host lets an operator do.
func (h host) administered(ports control.Ports, s store.Store, subjects *sso.SubjectHasher, providers *provider.Providers) control.Ports {
	known := surroundings{providers.List, h.config.PublicURL.String(), subjects}
	config := admin.Config{Operations: peopleOf(s, known, h.logger.Info), Version: version, Log: h.logger.Error}
	ports.Administration, ports.AdministrationByKey = admin.NewOperatorHandler(config), admin.NewKeyHandler(config)
	return ports
}
