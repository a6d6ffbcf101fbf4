// Demo runs Doorward on this machine with an application and simulated identity providers:
// two OpenID providers, a SAML identity provider and a GitHub. They ask for no password, so
// that you can sign in by clicking. `make demo` builds and starts the demo.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/doorward/doorward/host/e2e"
)

// preferredPort is the port of Doorward, if it is free.
const preferredPort = 8055

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run runs the demo until ctx is done, and removes all its files.
func run(ctx context.Context, args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	port := flags.Int("port", 0, "port of Doorward (default 8055, or a free one)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *port == 0 {
		if *port, err = choosePort(); err != nil {
			return err
		}
	}
	publicURL := "http://localhost:" + strconv.Itoa(*port)
	providers, err := startProviders(publicURL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAll(providers)) }()
	campus, err := startSAML(publicURL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, campus.Close()) }()
	gitHub, gitHubSettings, err := startGitHub(publicURL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, gitHub.Close()) }()
	staff, err := startDirectory()
	if err != nil {
		return err
	}
	defer staff.Stop()
	application, err := startWiki(ctx, publicURL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, application.Close()) }()
	env := environment(providers)
	campus.addTo(env)
	env["AUTH_PROVIDERS"] += "," + gitHubName
	maps.Copy(env, gitHubSettings)
	staff.addTo(env)
	application.addTo(env)
	host, err := e2e.StartHost(ctx, e2e.HostConfig{Port: *port, OwnGroup: true, Env: env})
	if err != nil {
		return fmt.Errorf("starting doorward: %w", err)
	}
	defer func() { err = errors.Join(err, host.Remove()) }()
	return wait(ctx, host, providers, application.url, out)
}

func wait(ctx context.Context, host *e2e.Host, providers []demoProvider, wikiURL string, out io.Writer) error {
	labels := []string{samlLabel}
	for _, p := range providers {
		labels = append(labels, p.label)
	}
	fmt.Fprintf(out, "\nDoorward is running. Open\n\n    %s/\n\n", host.URL)
	fmt.Fprintf(out, "and sign in through %s: a click on a name is enough.\n", strings.Join(labels, " or "))
	fmt.Fprintf(out, "\nBehind it is an application that knows no login, and who you are:\n\n    wiki: %s/\n\n", wikiURL)
	fmt.Fprintf(out, "Through %s, alice can sign in, because she is a member of an organization, and bob cannot.\n", gitHubLabel)
	fmt.Fprintf(out, "Through %s sign in as %s with the password %q.\n\nCtrl-C stops everything.\n\n",
		directoryLabel, strings.Join(directoryPeople, ", "), directoryPassword)
	select {
	case <-ctx.Done():
		fmt.Fprintln(out, "\nStopping.")
		return nil
	case <-host.Done():
		return fmt.Errorf("doorward ended by itself:\n%s", host.Logs())
	}
}

func choosePort() (int, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(preferredPort)))
	if err != nil {
		return e2e.FreePort()
	}
	return preferredPort, listener.Close()
}
