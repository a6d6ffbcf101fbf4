package provider

// assign gives the supervisor its providers. It opens new providers and closes removed
// ones. A provider with changed options is opened with them before the old endpoint is
// replaced; if that fails, the old one stays. Only the owner calls it. It returns the
// providers that stayed as they were although they were to change.
func (s *supervisor) assign(wanted map[string]*spec) map[string]error {
	kept := map[string]error{}
	for name := range s.specs {
		if _, ok := wanted[name]; !ok {
			s.remove(name)
		}
	}
	for name, w := range wanted {
		old, ok := s.specs[name]
		switch {
		case !ok:
			s.add(w)
		case sameOptions(old.configured, w.configured):
			s.specs[name] = &spec{configured: w.configured, request: old.request, handle: old.handle}
		default:
			if err := s.change(old, w); err != nil {
				kept[name] = err
			}
		}
	}
	s.publishStatus(nil)
	return kept
}

// add opens a new provider, if the plugin runs.
func (s *supervisor) add(added *spec) {
	s.specs[added.configured.Name] = added
	switch {
	case s.running != nil:
		s.open(added)
	case s.machine.state == StateStarting || s.machine.state == StateBackoff:
		added.handle.replace(pendingEndpoint(nil, notRunning(errNotStarted)))
	default:
		added.handle.replace(unavailableEndpoint(nil, notRunning(s.status.whyNotReady())))
	}
}

// open opens one of the providers in the running process.
func (s *supervisor) open(one *spec) {
	redactSecrets(s.running, s.specs)
	s.opener.open(s.running, one)
}

// change opens a provider with its new options and replaces the endpoint of its
// handle. The handle stays the same because logins hold it.
func (s *supervisor) change(old, changed *spec) error {
	if s.running == nil {
		s.specs[changed.configured.Name] = changed
		return nil
	}
	redactSecrets(s.running, s.specs, changed)
	provider, err := s.opener.try(s.running, changed)
	if err != nil && old.handle.current.Load().open() {
		return err
	}
	s.specs[changed.configured.Name] = changed
	if err != nil { // it was not usable before, either
		s.open(changed)
		return nil
	}
	s.opener.closeDrained(old.handle.replace(openEndpoint(s.running, provider)))
	return nil
}

// remove closes a provider and forgets it. Only the owner calls it.
func (s *supervisor) remove(name string) {
	if removed, ok := s.specs[name]; ok {
		delete(s.specs, name)
		s.opener.closeDrained(removed.handle.replace(unavailableEndpoint(nil, notRunning(errRemoved))))
	}
}

// removeAll removes all providers and returns the endpoints that they had. Only the
// owner calls it.
func (s *supervisor) removeAll() []*endpoint {
	var draining []*endpoint
	for _, removed := range s.specs {
		draining = append(draining, removed.handle.replace(unavailableEndpoint(nil, notRunning(errRemoved))))
	}
	clear(s.specs)
	return draining
}
