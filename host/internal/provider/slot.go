package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/host/internal/provider/process"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugin"
)

// slot keeps one plugin running: it starts it, starts it again when it dies, puts
// another binary in its place, and has its providers opened.
//
// One goroutine, run, owns all of it but what says otherwise; others hand it tasks.
// Logins do not ask it: they follow their route.
type slot struct {
	name      string // of the mechanism, and of the provider if that is isolated
	mechanism string
	binary    func() (*process.Binary, error) // open and verified
	launch    process.Launch
	limits    limits
	logger    hclog.Logger
	metrics   Metrics
	queue     *queue

	life  context.Context // ends when the slot is not needed any more
	end   context.CancelFunc
	tasks chan func()
	tried chan struct{} // closed when the first start and the first openings have come out
	ended chan struct{}

	machine *machine
	running *process.Process // nil unless ready
	members map[string]*member
	restart *time.Timer
	said    string // the last state and error of reportDown

	background sync.WaitGroup // openings, and processes that drain
	heard      atomic.Int64   // when the plugin answered last, in Unix nanoseconds
	probing    atomic.Bool

	misses atomic.Int32 // probes in a row that were not answered

	described atomic.Pointer[plugin.Description] // what the plugin said last, also while it is down; nil: nothing yet

	viewed sync.Mutex
	view   Plugin
}

func newSlot(life context.Context, s *slot) *slot {
	s.life, s.end = context.WithCancel(life)
	s.tasks, s.tried, s.ended = make(chan func()), make(chan struct{}), make(chan struct{})
	s.machine = newMachine(s.limits.pauses, time.Now())
	s.members = map[string]*member{}
	s.restart = time.NewTimer(0)
	s.restart.Stop()
	s.launch.Logger = s.logger.Named(s.name)
	s.launch.Dropped = func(lines int) { s.metrics.LinesDropped(s.name, lines) }
	s.view = Plugin{Name: s.name, Mechanism: s.mechanism, State: StateStarting}
	return s
}

// run owns the slot until its life ends.
func (s *slot) run() {
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
		case <-s.done():
			s.died()
		case <-s.restart.C:
			if s.machine.on(eventDue, time.Now()) {
				s.start()
			}
		case <-probe.C:
			s.probeIfQuiet()
		}
	}
}

// do has the owner run a task, and returns when it has.
func (s *slot) do(ctx context.Context, task func()) error {
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

// done is closed when the running process ends; nil, which never is, if none runs.
func (s *slot) done() <-chan struct{} {
	if s.running == nil {
		return nil
	}
	return s.running.Done()
}

// start launches the plugin and has its providers opened. The machine is in
// StateStarting.
func (s *slot) start() {
	s.show(nil)
	p, err := s.launchNew()
	if err != nil {
		s.didNotStart(err)
		return
	}
	s.running = p
	s.described.Store(&p.Description)
	s.machine.on(eventUp, time.Now())
	s.watch(p)
	for _, m := range s.members {
		s.open(p, m)
	}
	s.said = ""
	s.show(nil)
	s.logger.Info("plugin runs", "plugin", s.name, "version", p.Description.Version, "sha256", p.Binary.Digest.Short(),
		"pid", p.PID(), "providers", len(s.members), "ready_ms", time.Since(p.Started).Milliseconds())
}

// refused is the reason why a plugin must not run: trying again does not help.
type refused struct{ error }

func (r refused) Unwrap() error { return r.error }

// launchNew starts a process of the verified binary.
func (s *slot) launchNew() (*process.Process, error) {
	binary, err := s.binary()
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

func (s *slot) didNotStart(err error) {
	if s.life.Err() != nil {
		return
	}
	now := time.Now()
	if _, ok := errors.AsType[refused](err); ok {
		s.machine.on(eventRefused, now)
	} else {
		s.metrics.Died(s.name)
		s.machine.died(now)
	}
	s.waitForStart(err, false)
}

// died is what happens when the running process has ended unasked.
func (s *slot) died() {
	p := s.running
	s.running = nil
	p.Stop() // only its folder is left
	s.metrics.Died(s.name)
	s.machine.died(time.Now())
	words := p.LastWords()
	s.viewed.Lock()
	s.view.Restarts++
	s.view.LastLines = words
	s.viewed.Unlock()
	s.waitForStart(deathOf(p, words), true)
}

// deathOf says how a process ended.
func deathOf(p *process.Process, words []string) error {
	text := "it died: " + p.Ending()
	if strings.Contains(text, "signal: killed") {
		text += ", which this host did not do: is memory short?"
	}
	if p.Hung() {
		text = "it did not answer and was killed"
	}
	if len(words) > 0 {
		text += "; its last words: " + strings.Join(words, " | ")
	}
	return errors.New(text)
}

// waitForStart arranges the next start. Logins wait for it if it is near and the
// plugin has run before.
func (s *slot) waitForStart(err error, ran bool) {
	pause, _ := s.machine.pause()
	s.restart.Reset(pause)
	near := ran && s.machine.state == StateBackoff && pause < patience
	for _, m := range s.members {
		if near {
			m.route.lead(awaited(notRunning(err)))
		} else {
			m.route.lead(unavailable(notRunning(err)))
		}
	}
	s.reportDown(err, pause)
	s.show(err)
	s.viewed.Lock()
	s.view.NextTry = time.Now().Add(pause)
	s.viewed.Unlock()
}

// reportDown writes one line for the operator when a plugin goes down, and one
// when it is given up for longer; what happens between the two is for whoever
// looks closer.
func (s *slot) reportDown(err error, pause time.Duration) {
	log := s.logger.Debug
	saying := string(s.machine.state) + ": " + err.Error()
	switch s.machine.state {
	case StateBackoff:
		if s.machine.inARow == 1 {
			log = s.logger.Error
		}
	default:
		if s.said != saying {
			log = s.logger.Error
		}
	}
	s.said = saying
	log("plugin does not run, its providers are unavailable", "plugin", s.name, "state", string(s.machine.state),
		"error", err, "next_try", pause.Round(time.Millisecond).String())
}

// watch leads the routes away from a process as soon as it has ended, even while
// the owner is at something else.
func (s *slot) watch(p *process.Process) {
	s.misses.Store(0) // those of the process before
	s.background.Go(func() {
		<-p.Done()
		for _, r := range s.routesTo(p) {
			if t := r.target.Load(); t.process == p {
				r.leadIf(t, awaited(notRunning(errDied)))
			}
		}
	})
}

var errDied = errors.New("it has died, and is started again in a moment")

// finish ends the plugin for good.
func (s *slot) finish() {
	s.machine.on(eventStop, time.Now())
	s.restart.Stop()
	for _, m := range s.members {
		m.route.lead(unavailable(notRunning(errStopped)))
	}
	if s.running != nil {
		s.running.Stop()
		s.running = nil
	}
	s.background.Wait()
	s.show(nil)
}

// release takes all providers away, and returns what their routes led to.
func (s *slot) release() []*target {
	var released []*target
	for name, m := range s.members {
		released = append(released, m.route.lead(unavailable(notRunning(errRemoved))))
		delete(s.members, name)
	}
	return released
}

// stop ends the slot and waits for that.
func (s *slot) stop() {
	s.end()
	<-s.ended
}

// announceFirst closes tried when every provider has been opened, or not, once.
func (s *slot) announceFirst() {
	targets := make([]*target, 0, len(s.members))
	for _, m := range s.members {
		targets = append(targets, m.route.target.Load())
	}
	if s.running == nil {
		close(s.tried)
		return
	}
	s.background.Go(func() {
		defer close(s.tried)
		for _, t := range targets {
			if !t.waiting {
				continue
			}
			select {
			case <-t.replaced:
			case <-s.life.Done():
				return
			}
		}
	})
}
