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

// peopleOf are the operations on those in a store. subjects and providers are nil if
// they are not known.
func peopleOf(s store.Store, subjects *sso.SubjectHasher, providers func() []sso.Provider, log func(string, ...any)) *people.Operations {
	return people.New(people.Ports{Accounts: s, Roles: s, Sessions: s, Keys: s, Audit: s, Subjects: subjects, Providers: providers, Now: time.Now, Log: log})
}

// administered adds the administration to what the host lets an operator do.
func (h host) administered(ports control.Ports, s store.Store, subjects *sso.SubjectHasher, providers *provider.Providers) control.Ports {
	config := admin.Config{Operations: peopleOf(s, subjects, providers.List, h.logger.Info), Version: version, Log: h.logger.Error}
	ports.Administration, ports.AdministrationByKey = admin.NewOperatorHandler(config), admin.NewKeyHandler(config)
	return ports
}
