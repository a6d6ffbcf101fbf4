package provider

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// Plugin is how a plugin stands, for the operator. Everything in it is printable
// and without secrets.
type Plugin struct {
	Name      string     `json:"name"` // of the mechanism, and of the provider if that is isolated
	Mechanism string     `json:"mechanism"`
	State     State      `json:"state"`
	Since     time.Time  `json:"since"`
	Version   string     `json:"version,omitempty"` // of the process that runs
	SHA256    string     `json:"sha256,omitempty"`
	File      string     `json:"file,omitempty"`
	PID       int        `json:"pid,omitempty"`
	Restarts  int        `json:"restarts"`
	Swaps     int        `json:"swaps"`
	LastError string     `json:"last_error,omitempty"`
	ErrorAt   time.Time  `json:"last_error_at,omitzero"`
	LastLines []string   `json:"last_lines,omitempty"` // of the process that died last
	NextTry   time.Time  `json:"next_try,omitzero"`
	Providers []Standing `json:"providers"`

	routes []*route
}

// Standing is how one provider stands.
type Standing struct {
	Name  string `json:"name"`
	Error string `json:"error,omitempty"` // why it cannot be used

	// Expiries tells when something that the provider depends on ends to be good.
	Expiries map[string]time.Time `json:"expiries,omitempty"`
}

// Plugins returns how all plugins stand, by name.
func (p *Providers) Plugins() []Plugin {
	slots := map[*slot]bool{}
	for _, c := range p.now.Load().routes {
		slots[c.slot] = true
	}
	var list []Plugin
	for s := range slots {
		list = append(list, s.status())
	}
	slices.SortFunc(list, func(a, b Plugin) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func (s *slot) status() Plugin {
	s.viewed.Lock()
	view := s.view
	s.viewed.Unlock()
	for _, r := range view.routes {
		status := Standing{Name: r.name}
		if t := r.target.Load(); t.provider == nil {
			status.Error = printable(t.whyNot().Error())
		}
		if expiries := r.expiries.Load(); expiries != nil {
			status.Expiries = *expiries
		}
		view.Providers = append(view.Providers, status)
	}
	return view
}

// show renews what others see. It is for the owner.
func (s *slot) show(err error) {
	s.viewed.Lock()
	defer s.viewed.Unlock()
	s.view.State, s.view.Since = s.machine.state, s.machine.since
	s.view.Version, s.view.SHA256, s.view.File, s.view.PID, s.view.NextTry = "", "", "", 0, time.Time{}
	if p := s.running; p != nil {
		s.view.Version, s.view.SHA256, s.view.File = p.Description.Version, string(p.Binary.Digest), p.Binary.Path
		s.view.PID = p.PID()
	}
	s.view.routes = nil
	for _, m := range s.members {
		s.view.routes = append(s.view.routes, m.route)
	}
	slices.SortFunc(s.view.routes, func(a, b *route) int { return strings.Compare(a.name, b.name) })
	if err != nil {
		s.view.LastError, s.view.ErrorAt = printable(err.Error()), time.Now()
	}
}

// notRunningError is why the plugin does not run; nil if it does.
func (s *slot) notRunningError() error {
	s.viewed.Lock()
	defer s.viewed.Unlock()
	if s.view.State == StateReady {
		return nil
	}
	return errors.New(s.view.LastError)
}
