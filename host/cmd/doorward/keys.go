package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/doorward/doorward/host/internal/token"
)

func keysCommand(environ []string) *cobra.Command {
	cmd := &cobra.Command{Use: "keys", Short: "Show and replace the keys that sign access tokens"}
	cmd.AddCommand(keysListCommand(environ), keysRotateCommand(environ))
	return cmd
}

const whereKeysAreChanged = "The running host does this. If no host runs, the command works in the database, with the settings of the host."

func keysListCommand(environ []string) *cobra.Command {
	var host *hostFinder
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Show the keys that sign access tokens, newest first",
		Long: "Show the keys that sign access tokens, newest first.\n\n" +
			"published: in the key set, but does not sign yet\nsigning: signs access tokens\n" +
			"verifying: no longer signs; tokens that it signed are valid until they expire\n" +
			"unusable: tokens that it signed are refused, for the reason shown below the list\n\n" + whereKeysAreChanged,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var keys []token.Key
			if err := host.keys(cmd.Context(), keysOperation{list: &keys}); err != nil {
				return err
			}
			if asJSON {
				encoder := json.NewEncoder(cmd.OutOrStdout())
				encoder.SetIndent("", "  ")
				return encoder.Encode(keys)
			}
			return printKeys(cmd.OutOrStdout(), keys)
		},
	}
	host = hostFlags(cmd, environ)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the keys as JSON")
	return cmd
}

func printKeys(out io.Writer, keys []token.Key) error {
	if len(keys) == 0 {
		fmt.Fprintln(out, "there are no keys yet; the host makes a key when it starts")
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KEY\tALGORITHM\tSTATE\tMADE\tSIGNS SINCE\tSIGNS UNTIL\tVERIFIES UNTIL")
	for _, k := range keys {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Algorithm, k.State,
			moment(k.Made), moment(k.SignsSince), moment(k.SignsUntil), moment(k.VerifiesUntil))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, k := range keys {
		if k.Reason != "" {
			fmt.Fprintf(out, "\n%s: %s\n", k.ID, k.Reason)
		}
	}
	return nil
}

// moment formats a time to the minute.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// revocationCosts is what an operator must know before all keys are deleted.
const revocationCosts = "All other signing keys are deleted, and every access token is refused from now on; sessions continue.\n" +
	"Clients get a valid token with their next refresh. Other systems that verify tokens refuse the new tokens, and\n" +
	"accept old ones, until they read the key set again, which takes up to 10 minutes."

func keysRotateCommand(environ []string) *cobra.Command {
	var host *hostFinder
	var now, yes bool
	cmd := &cobra.Command{
		Use:   "rotate [--now [--yes]]",
		Short: "Make a new key that signs access tokens",
		Long: "Make a new key that signs access tokens. It is published at once and signs ten minutes later, when all systems\n" +
			"have read it. The old key signs until then, and its tokens are valid until they expire. The host does the same\n" +
			"automatically every 30 days.\n\n" +
			"--now is for a key that somebody else may have: the new one signs at once.\n" + revocationCosts + "\n" +
			"If somebody else may also have SECRET, use \"doorward session end --all --forget-secret\" instead.\n\n" + whereKeysAreChanged,
		Example: "  doorward keys rotate\n  doorward keys rotate --now",
		Args: func(cmd *cobra.Command, args []string) error {
			if yes && !now {
				return errors.New("--yes needs --now")
			}
			return cobra.NoArgs(cmd, args)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			asks := confirmation{in: cmd.InOrStdin(), out: cmd.ErrOrStderr(), yes: yes || !now}
			if err := asks.confirm(cmd.Context(), revocationCosts); err != nil {
				return err
			}
			var done token.Rotation
			if err := host.keys(cmd.Context(), keysOperation{rotation: &done, now: now}); err != nil {
				return err
			}
			printRotation(cmd.OutOrStdout(), done, now)
			return nil
		},
	}
	host = hostFlags(cmd, environ)
	cmd.Flags().BoolVar(&now, "now", false, "make the new key sign at once and delete all others: all access tokens are refused")
	cmd.Flags().BoolVar(&yes, "yes", false, "with --now: do not ask")
	return cmd
}

func printRotation(out io.Writer, done token.Rotation, now bool) {
	k := done.Key
	switch {
	case now:
		fmt.Fprintf(out, "key %s (%s) signs now; keys deleted: %d\n", k.ID, k.Algorithm, done.Deleted)
	case k.State == token.StateSigning:
		fmt.Fprintf(out, "key %s (%s) already signs: there is no older key\n", k.ID, k.Algorithm)
	case done.Existed:
		fmt.Fprintf(out, "key %s (%s) was already made at %s, and signs from %s on; nothing was done\n", k.ID, k.Algorithm, moment(k.Made), moment(k.SignsSince))
	default:
		fmt.Fprintf(out, "key %s (%s) is published, and signs from %s on\n", k.ID, k.Algorithm, moment(k.SignsSince))
	}
}

// maintainKeysEvery is much less than token.PublishedEarly, and than the life of a key.
const maintainKeysEvery = time.Minute

// maintainKeys makes and deletes signing keys.
func maintainKeys(tokens *token.Tokens) task {
	return task{maintainKeysEvery, tokens.Maintain, "signing keys are not replaced, the old keys stay in use"}
}
