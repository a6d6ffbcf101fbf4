package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/doorward/doorward/sdk/options"
)

// Exit codes, so that a script can tell its own mistakes from errors of the system.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2 // the command line cannot be understood, and nothing was done
)

const exitCodes = "Exit codes: 0 for success, 1 for an error, 2 for an invalid command line."

// commandLine records how the command line was processed.
type commandLine struct {
	begun   bool  // a command was found and accepted its arguments
	unknown error // help was requested for a command that does not exist
}

// execute runs the command that the arguments name, and returns the exit code.
func execute(root *cobra.Command) int {
	line := &commandLine{}
	root.InitDefaultCompletionCmd()
	root.SetHelpCommand(line.helpCommand(root))
	groupsKnowTheirCommands(root)
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if err := cmd.ValidateFlagGroups(); err != nil { // which cobra does after this
			return err
		}
		line.begun = true
		return nil
	}
	printHelp := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		if line.unknown = unknownCommand(cmd, cmd.Flags().Args()); line.unknown == nil {
			printHelp(cmd, args)
		}
	})
	cmd, err := root.ExecuteC()
	switch {
	case err == nil && line.unknown == nil:
		return exitOK
	case err != nil && line.begun:
		root.PrintErrln("doorward:", err)
		return exitError
	case err == nil:
		err = line.unknown
	}
	root.PrintErrf("doorward: %v; see: %s --help\n", err, cmd.CommandPath())
	return exitUsage
}

// groupsKnowTheirCommands makes an unknown subcommand an error. By default cobra prints a
// help text for it and exits with 0.
func groupsKnowTheirCommands(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		groupsKnowTheirCommands(sub)
	}
	if cmd.HasSubCommands() {
		cmd.DisableFlagsInUseLine = true
		cmd.Args = unknownCommand
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
}

// atLeastOne requires at least one argument.
func atLeastOne(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return fmt.Errorf("%s is missing: %s", what, cmd.UseLine())
		}
		return nil
	}
}

// exactly requires one argument that is not empty.
func exactly(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 || args[0] == "" {
			return fmt.Errorf("one %s is needed: %s", what, cmd.UseLine())
		}
		return nil
	}
}

// withFlags also checks the combination of flags.
func withFlags(positional cobra.PositionalArgs, flags func(cmd *cobra.Command) error) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := positional(cmd, args); err != nil {
			return err
		}
		return flags(cmd)
	}
}

// unknownCommand returns an error if a command with subcommands has arguments.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if !cmd.HasSubCommands() || len(args) == 0 {
		return nil
	}
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() || sub.Name() == "help" {
			names = append(names, sub.Name())
		}
	}
	did := ""
	if near := options.Suggest(args[0], names); near != "" {
		did = fmt.Sprintf("; did you mean %q?", near)
	}
	return fmt.Errorf("unknown command %q for %q%s", args[0], cmd.CommandPath(), did)
}

func (l *commandLine) helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND...]",
		Short: "Help about any command",
		Run: func(_ *cobra.Command, args []string) {
			cmd, rest, err := root.Find(args)
			if err == nil {
				err = unknownCommand(cmd, rest)
			}
			if l.unknown = err; err == nil {
				cmd.InitDefaultHelpFlag()
				_ = cmd.Help()
			}
		},
	}
}
