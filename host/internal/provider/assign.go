package provider

// assign gives the supervisor its providers. What is new is opened, what is gone is
// closed, and what has other options is opened with them before the old one is
// replaced; if that fails, the old one stays. It is for the owner, and returns the
// providers that stayed as they were although they should not have.
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
	s.show(nil)
	return kept
}

// add has a new provider opened, if the plugin runs.
func (s *supervisor) add(added *spec) {
	s.specs[added.configured.Name] = added
	switch {
	case s.running != nil:
		s.open(added)
	case s.machine.state == StateStarting || s.machine.state == StateBackoff:
		added.handle.replace(awaited(nil, notRunning(errNotStarted)))
	default:
		added.handle.replace(unavailable(nil, notRunning(s.standing.whyNotReady())))
	}
}

// open has one of the providers opened in the process that runs.
func (s *supervisor) open(one *spec) {
	redactSecrets(s.running, s.specs)
	s.opener.open(s.running, one)
}

// change opens a provider with its new options and gives the endpoint to its handle,
// which is the same one, because logins have it.
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
	if err != nil { // it was not usable before either
		s.open(changed)
		return nil
	}
	s.opener.closeDrained(old.handle.replace(openedIn(s.running, provider)))
	return nil
}

// remove closes a provider and forgets it. It is for the owner.
func (s *supervisor) remove(name string) {
	if removed, ok := s.specs[name]; ok {
		delete(s.specs, name)
		s.opener.closeDrained(removed.handle.replace(unavailable(nil, notRunning(errRemoved))))
	}
}

// removeAll takes all providers away, and returns the endpoints that they had. It is
// for the owner.
func (s *supervisor) removeAll() []*endpoint {
	var draining []*endpoint
	for _, removed := range s.specs {
		draining = append(draining, removed.handle.replace(unavailable(nil, notRunning(errRemoved))))
	}
	clear(s.specs)
	return draining
}
