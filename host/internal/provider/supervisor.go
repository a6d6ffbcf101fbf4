package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/doorward/doorward/host/internal/provider/process"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugin"
)

// supervisor keeps one plugin running: it starts the process, restarts it after a crash
// (crash.go), replaces it when the binary changes (replace.go), and opens the providers
// that it is given (assign.go).
//
// One goroutine, run, owns everything in it that is not marked otherwise; others hand it
// tasks. Logins do not use it: they go through their handle.
type supervisor struct {
	*backend  // safe for concurrent use
	mechanism string
	binaries  Binaries
	launch    process.Launch

	life  context.Context // ends when the plugin is no longer needed
	end   context.CancelFunc
	tasks chan func()
	tried chan struct{} // closed when the first start, and the first try to open each provider, are over
	ended chan struct{}

	machine  *machine
	running  *process.Process // nil unless ready
	specs    map[string]*spec // by provider
	restart  *time.Timer
	reported string // the latest state and error of reportDown

	opener     *opener
	background sync.WaitGroup // opening providers and draining processes
	status     sharedStatus
}

// newSupervisor returns the supervisor of a plugin and its providers, which can run
// until life ends. The sockets of its processes are in the folder sockets.
func newSupervisor(life context.Context, name string, config Config, sockets string, specs map[string]*spec) *supervisor {
	s := &supervisor{binaries: config.Binaries, specs: specs, tasks: make(chan func()), tried: make(chan struct{}), ended: make(chan struct{})}
	s.mechanism, _, _ = strings.Cut(name, "/")
	s.life, s.end = context.WithCancel(life)
	s.backend = newBackend(s.life, name, config)
	giveHandles(specs, s.backend)
	s.opener = &opener{backend: s.backend, life: s.life, background: &s.background}
	s.launch = process.Launch{
		RuntimeDir: sockets, Limits: s.limits.process, Version: config.Version, Logger: s.logger.Named(name),
		Dropped: func(lines int) { s.metrics.LinesDropped(name, lines) },
	}
	s.machine = newMachine(s.limits.pauses, time.Now())
	s.restart = time.NewTimer(0)
	s.restart.Stop()
	s.status.plugin = Plugin{Name: name, Mechanism: s.mechanism, State: StateStarting}
	s.publishStatus(nil)
	return s
}

// run owns the supervisor until its life ends.
func (s *supervisor) run() {
	defer close(s.ended)
	s.start()
	s.announceFirst()
	probe := time.NewTicker(s.limits.probe)
	defer probe.Stop()
	for {
		select {
		case <-s.life.Done():
			s.finish()
			return
		case task := <-s.tasks:
			task()
		case <-s.exited():
			s.crashed()
		case <-s.restart.C:
			if s.machine.on(eventDue, time.Now()) {
				s.start()
			}
		case <-probe.C:
			if s.running != nil {
				s.prober.probeIfQuiet(s.running)
			}
		}
	}
}

// do makes the owner run a task and returns when the task is done.
func (s *supervisor) do(ctx context.Context, task func()) error {
	done := make(chan struct{})
	select {
	case s.tasks <- func() { defer close(done); task() }:
	case <-s.ended:
		return notRunning(errStopped)
	case <-ctx.Done():
		return ctx.Err()
	}
	<-done
	return nil
}

// exited returns a channel that is closed when the running process ends; nil if no
// process runs.
func (s *supervisor) exited() <-chan struct{} {
	if s.running == nil {
		return nil
	}
	return s.running.Done()
}

// start launches the plugin and opens its providers. The machine is in StateStarting.
func (s *supervisor) start() {
	s.publishStatus(nil)
	p, err := s.launchNew()
	if err != nil {
		s.didNotStart(err)
		return
	}
	s.adopt(p)
	s.machine.on(eventUp, time.Now())
	redactSecrets(p, s.specs)
	for _, spec := range s.specs {
		s.opener.open(p, spec)
	}
	s.reported = ""
	s.publishStatus(nil)
	s.logger.Info("plugin runs", "plugin", s.name, "version", p.Description.Version, "sha256", p.Binary.Digest.Short(),
		"pid", p.PID(), "providers", len(s.specs), "ready_ms", time.Since(p.Started).Milliseconds())
}

// adopt makes a process the running one.
func (s *supervisor) adopt(p *process.Process) {
	s.running = p
	s.described.Store(&p.Description)
	s.prober.reset()
}

// refused is the reason why a plugin must not run. Trying again does not help.
type refused struct{ error }

func (r refused) Unwrap() error { return r.error }

// launchNew starts a process of the verified binary.
func (s *supervisor) launchNew() (*process.Process, error) {
	binary, err := s.binaries.Open(s.mechanism)
	if err != nil {
		return nil, refused{err}
	}
	defer binary.Close()
	p, err := process.Start(s.life, binary, s.launch)
	if sdk.ReasonOf(err) == plugin.ReasonFeatures {
		return nil, refused{err}
	}
	if err != nil {
		return nil, err
	}
	if p.Description.Mechanism != s.mechanism {
		p.Stop()
		return nil, refused{fmt.Errorf("%s says that it is %q, not %q: put the right plugin there",
			binary.Path, p.Description.Mechanism, s.mechanism)}
	}
	return p, nil
}

// publishStatus updates the status that others see. Only the owner calls it.
func (s *supervisor) publishStatus(err error) {
	var handles []*handle
	for _, spec := range s.specs {
		handles = append(handles, spec.handle)
	}
	slices.SortFunc(handles, func(a, b *handle) int { return strings.Compare(a.name, b.name) })
	s.status.update(func(view *Plugin) {
		view.State, view.Since, view.handles = s.machine.state, s.machine.since, handles
		view.Version, view.SHA256, view.File, view.PID, view.NextTry = "", "", "", 0, time.Time{}
		if p := s.running; p != nil {
			view.Version, view.SHA256, view.File = p.Description.Version, string(p.Binary.Digest), p.Binary.Path
			view.PID = p.PID()
		}
		if err != nil {
			view.LastError, view.ErrorAt = printable(err.Error()), time.Now()
		}
	})
}

// finish ends the plugin.
func (s *supervisor) finish() {
	s.machine.on(eventStop, time.Now())
	s.restart.Stop()
	for _, spec := range s.specs {
		spec.handle.replace(unavailableEndpoint(nil, notRunning(errStopped)))
	}
	if s.running != nil {
		s.running.Stop()
		s.running = nil
	}
	s.background.Wait()
	s.publishStatus(nil)
}

// stop ends the supervisor and waits until it has ended.
func (s *supervisor) stop() {
	s.end()
	<-s.ended
}

// announceFirst closes tried when the first try to open each provider is over.
func (s *supervisor) announceFirst() {
	endpoints := make([]*endpoint, 0, len(s.specs))
	for _, spec := range s.specs {
		endpoints = append(endpoints, spec.handle.current.Load())
	}
	if s.running == nil {
		close(s.tried)
		return
	}
	s.background.Go(func() {
		defer close(s.tried)
		for _, e := range endpoints {
			if !e.pending() {
				continue
			}
			select {
			case <-e.replaced:
			case <-s.life.Done():
				return
			}
		}
	})
}
