package provider

import (
	"errors"
	"sync"
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

	handles []*handle
}

// Standing is how one provider stands.
type Standing struct {
	Name  string `json:"name"`
	Error string `json:"error,omitempty"` // why it cannot be used

	// Expiries tells when something that the provider depends on ends to be good.
	Expiries map[string]time.Time `json:"expiries,omitempty"`
}

// standing is how a plugin stands, as its supervisor shows it to anybody.
type standing struct {
	mu     sync.Mutex
	plugin Plugin
}

func (s *standing) update(change func(*Plugin)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.plugin)
}

func (s *standing) get() Plugin {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.plugin
}

// status is how the plugin and its providers stand.
func (s *standing) status() Plugin {
	plugin := s.get()
	for _, h := range plugin.handles {
		status := Standing{Name: h.name}
		if e := h.current.Load(); !e.open() {
			status.Error = printable(e.reason().Error())
		}
		if expiries := h.expiries.Load(); expiries != nil {
			status.Expiries = *expiries
		}
		plugin.Providers = append(plugin.Providers, status)
	}
	return plugin
}

// whyNotReady is why the plugin does not run; nil if it does.
func (s *standing) whyNotReady() error {
	plugin := s.get()
	if plugin.State == StateReady {
		return nil
	}
	return errors.New(plugin.LastError)
}
