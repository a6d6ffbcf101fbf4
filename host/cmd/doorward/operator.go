package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/doorward/doorward/host/internal/admin"
	"github.com/doorward/doorward/host/internal/control"
	"github.com/doorward/doorward/host/internal/sso"
)

const whereItIsDone = "The running host does this. If no host runs, the command works in the database, and no host can\n" +
	"start on this machine until it is done."

// operator calls the administration: through the socket of the running host, or in this
// process if no host runs.
type operator struct {
	*hostFinder
	asJSON bool

	hostOnly bool // do nothing if no host runs

	out    io.Writer
	client *admin.Client
}

// operatorFlags adds the flags of a command that calls the administration.
func operatorFlags(cmd *cobra.Command, environ []string) *operator {
	o := &operator{hostFinder: hostFlags(cmd, environ)}
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print the answer as JSON")
	return o
}

// runs makes the RunE of a command.
func (o *operator) runs(do func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) (err error) {
		at, err := o.database()
		if err != nil {
			return err
		}
		if o.hostOnly {
			at.database = nil
		}
		line := &adminTransport{finder: o.hostFinder, socket: control.NewClient(at.socket), at: at}
		defer func() { err = errors.Join(err, line.close()) }()
		o.out, o.client = cmd.OutOrStdout(), admin.NewClient(line.do)
		return do(cmd.Context(), args)
	}
}

// call calls an operation and reads its answer into the value that to points to, unless to
// is nil. With --json it prints the answer instead, and done is true.
func (o *operator) call(ctx context.Context, id string, in, to any) (done bool, err error) {
	answer, err := o.client.Call(ctx, id, in)
	if err != nil {
		return false, err
	}
	if o.asJSON {
		return true, o.printJSON(answer)
	}
	if to == nil {
		return false, nil
	}
	if err := json.Unmarshal(answer.Data, to); err != nil {
		return false, fmt.Errorf("reading the answer of the host: %w; does it have another version?", err)
	}
	return false, nil
}

// printJSON prints the data of an answer. For a list it prints the whole answer, because a
// program that reads pages needs the cursor.
func (o *operator) printJSON(answer admin.Answer) error {
	data := any(answer.Data)
	if len(answer.Data) > 0 && answer.Data[0] == '[' {
		data = json.RawMessage(answer.Body)
	}
	return writeJSON(o.out, data, "  ")
}

// adminTransport sends requests to the host, or handles them here, in its database.
type adminTransport struct {
	finder *hostFinder
	socket *control.Client
	at     location

	local   func(*http.Request) (*http.Response, error) // nil: requests go to the host
	closing []io.Closer
}

// do sends a request of an admin.Client.
func (l *adminTransport) do(req *http.Request) (*http.Response, error) {
	if l.local == nil {
		resp, err := l.socket.Do(req)
		if !errors.Is(err, control.ErrNotRunning) || l.at.database == nil {
			return resp, err
		}
		if err := l.open(req.Context()); err != nil {
			return nil, err
		}
		if req.Body, err = req.GetBody(); err != nil {
			return nil, fmt.Errorf("repeating a request: %w", err)
		}
	}
	return l.local(req)
}

// open opens the database for as long as the command runs, and keeps hosts from starting
// until then.
func (l *adminTransport) open(ctx context.Context) error {
	claimed, err := control.Claim(ctx, l.at.socket)
	if errors.Is(err, control.ErrInUse) {
		return fmt.Errorf("%w (%w)", errHostRuns, err)
	}
	if err != nil {
		return err
	}
	l.closing = append(l.closing, claimed)
	database, err := openExisting(ctx, *l.at.database, nil)
	if err != nil {
		return err
	}
	l.closing = append(l.closing, database)
	l.local = admin.InProcess(admin.NewOperatorHandler(admin.Config{ //nolint:bodyclose // the caller closes it
		Operations: peopleOf(database, l.finder.configured(), nil), Version: version,
	}))
	return nil
}

// configured returns what the configuration says about the host, or nothing if this command
// cannot load it: SECRET may be readable by the host only.
func (r *hostFinder) configured() hostInfo {
	cfg, err := loadConfig(r.environ, r.file)
	if err != nil {
		return hostInfo{}
	}
	var list []sso.Provider
	for _, p := range cfg.Providers {
		list = append(list, p.Provider)
	}
	subjects, _ := sso.NewSubjectHasher([]byte(cfg.Secret.Reveal())) // without it, events name users by their ID only
	return hostInfo{func() []sso.Provider { return list }, cfg.PublicURL.String(), subjects}
}

// close closes everything that open opened, the database first.
func (l *adminTransport) close() (err error) {
	for i := len(l.closing) - 1; i >= 0; i-- {
		err = errors.Join(err, l.closing[i].Close())
	}
	return err
}
