// Doorward lets people sign in to systems through external providers. Each mechanism is a
// plugin in its own process.
package main

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// version is set by the build.
var version = "dev"

func main() {
	hideMemory()
	ctx, stop := untilInterrupted(context.Background())
	code := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main without the process: it returns the exit code.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	root := &cobra.Command{
		Use:   "doorward",
		Short: "The login host whose mechanisms are plugins",
		Long: "Doorward lets people sign in to systems through external providers: OpenID Connect, LDAP, SAML 2.0,\n" +
			"OAuth 2.0, and any protocol that a plugin supports. Start it with \"doorward serve\".\n\n" + exitCodes,
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.AddCommand(serveCommand(environ), reloadCommand(environ), pluginsCommand(environ), checkCommand(environ), configCommand(environ),
		sessionCommand(environ), userCommand(environ), roleCommand(environ), keyCommand(environ), auditCommand(environ), forwardAuthCommand(environ),
		backupCommand(environ), keysCommand(environ), pluginCommand(environ), presetsCommand(environ), docsCommand())
	root.SetContext(ctx)
	return execute(root)
}
