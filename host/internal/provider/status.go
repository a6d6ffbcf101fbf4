package provider

import (
	"errors"
	"sync"
	"time"
)

// Plugin is the status of a plugin, for the operator. Everything in it is printable and
// free of secrets.
type Plugin struct {
	Name      string    `json:"name"` // of the mechanism, and of the provider if that is isolated
	Mechanism string    `json:"mechanism"`
	State     State     `json:"state"`
	Since     time.Time `json:"since"`
	Version   string    `json:"version,omitempty"` // of the running process
	SHA256    string    `json:"sha256,omitempty"`
	File      string    `json:"file,omitempty"`
	PID       int       `json:"pid,omitempty"`
	Restarts  int       `json:"restarts"`
	Swaps     int       `json:"swaps"`
	LastError string    `json:"last_error,omitempty"`
	ErrorAt   time.Time `json:"last_error_at,omitzero"`
	LastLines []string  `json:"last_lines,omitempty"` // of the process that died last
	NextTry   time.Time `json:"next_try,omitzero"`
	Providers []Status  `json:"providers"`

	handles []*handle
}

// Status is the status of one provider.
type Status struct {
	Name  string `json:"name"`
	Error string `json:"error,omitempty"` // why it cannot be used

	// Expiries has the expiry times of what the provider depends on, by subject.
	Expiries map[string]time.Time `json:"expiries,omitempty"`
}

// sharedStatus is the status of a plugin that its supervisor writes and others read.
type sharedStatus struct {
	mu     sync.Mutex
	plugin Plugin
}

func (s *sharedStatus) update(change func(*Plugin)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.plugin)
}

func (s *sharedStatus) get() Plugin {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.plugin
}

// withProviders returns the status of the plugin and of its providers.
func (s *sharedStatus) withProviders() Plugin {
	plugin := s.get()
	for _, h := range plugin.handles {
		status := Status{Name: h.name}
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

// whyNotReady returns why the plugin does not run; nil if it does.
func (s *sharedStatus) whyNotReady() error {
	plugin := s.get()
	if plugin.State == StateReady {
		return nil
	}
	return errors.New(plugin.LastError)
}
