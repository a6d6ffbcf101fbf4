package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/doorward/doorward/host/internal/provider"
)

func pluginsCommand(environ []string) *cobra.Command {
	var host *hostFinder
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "plugins",
		Short: "Show the status of the plugins of the running host",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := host.client()
			if err != nil {
				return err
			}
			var plugins []provider.Plugin
			if err := client.Plugins(cmd.Context(), &plugins); err != nil {
				return err
			}
			if asJSON {
				encoder := json.NewEncoder(cmd.OutOrStdout())
				encoder.SetIndent("", "  ")
				return encoder.Encode(plugins)
			}
			return printPlugins(cmd.OutOrStdout(), plugins, time.Now())
		},
	}
	host = hostFlags(cmd, environ)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the whole status as JSON")
	return cmd
}

func printPlugins(out io.Writer, plugins []provider.Plugin, now time.Time) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PLUGIN\tSTATE\tFOR\tVERSION\tSHA256\tPID\tRESTARTS\tSWAPS\tPROVIDERS")
	for _, p := range plugins {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%s\n", p.Name, p.State, now.Sub(p.Since).Round(time.Second), orDash(p.Version),
			orDash(p.SHA256[:min(len(p.SHA256), 12)]), orDash(number(p.PID)), p.Restarts, p.Swaps, providersOf(p))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, p := range plugins {
		printProblems(out, p, now)
	}
	return nil
}

// printProblems prints current and recent problems of a plugin.
func printProblems(out io.Writer, p provider.Plugin, now time.Time) {
	if p.LastError != "" {
		fmt.Fprintf(out, "\n%s, %s ago: %s\n", p.Name, now.Sub(p.ErrorAt).Round(time.Second), p.LastError)
	}
	for _, line := range p.LastLines {
		fmt.Fprintf(out, "    %s\n", line)
	}
	if !p.NextTry.IsZero() && p.NextTry.After(now) {
		fmt.Fprintf(out, "%s: next try in %s\n", p.Name, p.NextTry.Sub(now).Round(time.Second))
	}
	for _, one := range p.Providers {
		if one.Error != "" {
			fmt.Fprintf(out, "\nprovider %s: %s\n", one.Name, one.Error)
		}
	}
}

func providersOf(p provider.Plugin) string {
	var names []string
	for _, one := range p.Providers {
		name := one.Name
		if one.Error != "" {
			name += " (unavailable)"
		}
		names = append(names, name)
	}
	return orDash(strings.Join(names, ", "))
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
