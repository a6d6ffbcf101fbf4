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

const keysReach = "The running host does it. If none runs, it is done in the database, with the settings of the host."

func keysListCommand(environ []string) *cobra.Command {
	var host *reach
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Show the keys that sign access tokens, newest first",
		Long: "Show the keys that sign access tokens, newest first.\n\n" +
			"published: in the key set, and does not sign yet\nsigning: signs access tokens\n" +
			"verifying: signs no more, and tokens that it signed are good until they expire\n" +
			"unusable: tokens that it signed are refused, and the reason stands below\n\n" + keysReach,
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
	host = reachFlags(cmd, environ)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the keys as JSON")
	return cmd
}

func printKeys(out io.Writer, keys []token.Key) error {
	if len(keys) == 0 {
		fmt.Fprintln(out, "there are no keys yet; the host makes one when it starts")
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

// moment is a time for people, to the minute as the rest of the minute matters to nobody.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// revocationCosts is what an operator must know before all keys are deleted.
const revocationCosts = "All other signing keys are deleted, and every access token is refused from now on; sessions go on.\n" +
	"Clients get a good token with their next refresh. Other systems that verify tokens refuse those until they read\n" +
	"the key set anew, up to 10 minutes, and accept old ones for as long."

func keysRotateCommand(environ []string) *cobra.Command {
	var host *reach
	var now, yes bool
	cmd := &cobra.Command{
		Use:   "rotate [--now [--yes]]",
		Short: "Make a new key that signs access tokens",
		Long: "Make a new key that signs access tokens. It is published at once and signs ten minutes later, when everybody\n" +
			"knows it; the old key goes on until then, and what it signed is good until it expires. The host does the same\n" +
			"by itself every 30 days.\n\n" +
			"--now is for a key that somebody else has: the new one signs at once. " + revocationCosts + "\n" +
			"If somebody may have SECRET as well, use \"doorward session end --all --forget-secret\" instead.\n\n" + keysReach,
		Example: "  doorward keys rotate\n  doorward keys rotate --now",
		Args: func(cmd *cobra.Command, args []string) error {
			if yes && !now {
				return errors.New("--yes goes with --now")
			}
			return cobra.NoArgs(cmd, args)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			asks := asking{in: cmd.InOrStdin(), out: cmd.ErrOrStderr(), yes: yes || !now}
			if err := asks.confirm(cmd.Context(), revocationCosts); err != nil {
				return err
			}
			var done token.Rotation
			if err := host.keys(cmd.Context(), keysOperation{rotation: &done, now: now}); err != nil {
				return err
			}
			tellRotation(cmd.OutOrStdout(), done, now)
			return nil
		},
	}
	host = reachFlags(cmd, environ)
	cmd.Flags().BoolVar(&now, "now", false, "the new key signs at once and all others are deleted: all access tokens are refused")
	cmd.Flags().BoolVar(&yes, "yes", false, "with --now: do not ask")
	return cmd
}

func tellRotation(out io.Writer, done token.Rotation, now bool) {
	k := done.Key
	switch {
	case now:
		fmt.Fprintf(out, "key %s (%s) signs now; keys deleted: %d\n", k.ID, k.Algorithm, done.Deleted)
	case k.State == token.StateSigning:
		fmt.Fprintf(out, "key %s (%s) signs already: there is no older one\n", k.ID, k.Algorithm)
	case done.Existed:
		fmt.Fprintf(out, "key %s (%s) was made at %s already, and signs from %s on; nothing was done\n", k.ID, k.Algorithm, moment(k.Made), moment(k.SignsSince))
	default:
		fmt.Fprintf(out, "key %s (%s) is published, and signs from %s on\n", k.ID, k.Algorithm, moment(k.SignsSince))
	}
}

// maintainKeysEvery is much less than token.PublishedEarly, and than the life of a key.
const maintainKeysEvery = time.Minute

// maintainKeys makes and deletes signing keys.
func maintainKeys(tokens *token.Tokens) task {
	return task{maintainKeysEvery, tokens.Maintain, "signing keys are not replaced, the old ones go on"}
}
