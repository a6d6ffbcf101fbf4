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

// peopleOf are the operations on those in a store. providers is nil, and publicURL empty,
// if they are not known.
func peopleOf(s store.Store, providers func() []sso.Provider, publicURL string, log func(string, ...any)) *people.Operations {
	return people.New(people.Ports{
		Accounts: s, Claims: s, Roles: s, Sessions: s, Keys: s, Providers: providers, PublicURL: publicURL, Now: time.Now, Log: log,
	})
}

// administered adds the administration to what the host lets an operator do.
func (h host) administered(ports control.Ports, s store.Store, providers *provider.Providers) control.Ports {
	config := admin.Config{Operations: peopleOf(s, providers.List, h.config.PublicURL.String(), h.logger.Info), Version: version, Log: h.logger.Error}
	ports.Administration, ports.AdministrationByKey = admin.NewOperatorHandler(config), admin.NewKeyHandler(config)
	return ports
}
