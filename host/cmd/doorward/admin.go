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

// hostInfo is what the administration knows about the host. Unknown fields are nil or
// empty.
type hostInfo struct {
	providers func() []sso.Provider
	publicURL string
	subjects  *sso.SubjectHasher // hashes subjects for the audit
}

// peopleOf returns the operations on the people in a store.
func peopleOf(s store.Store, known hostInfo, log func(string, ...any)) *people.Operations {
	return people.New(people.Ports{
		Accounts: s, Claims: s, Roles: s, Sessions: s, Keys: s, Audit: s,
		Subjects: known.subjects, Providers: known.providers, PublicURL: known.publicURL, Now: time.Now, Log: log,
	})
}

// administered adds the administration to the ports.
func (h host) administered(ports control.Ports, s store.Store, subjects *sso.SubjectHasher, providers *provider.Providers) control.Ports {
	known := hostInfo{providers.List, h.config.PublicURL.String(), subjects}
	config := admin.Config{Operations: peopleOf(s, known, h.logger.Info), Version: version, Log: h.logger.Error}
	ports.Administration, ports.AdministrationByKey = admin.NewOperatorHandler(config), admin.NewKeyHandler(config)
	return ports
}
