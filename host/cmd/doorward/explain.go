package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/doorward/doorward/host/internal/config"
	"github.com/doorward/doorward/host/internal/forwardauth"
	"github.com/doorward/doorward/host/internal/sso"
)

func forwardAuthCommand(environ []string) *cobra.Command {
	cmd := &cobra.Command{Use: "forward-auth", Short: "Examine the rules of applications behind a proxy"}
	cmd.AddCommand(explainCommand(environ))
	return cmd
}

// explainQuery is the request to explain.
type explainQuery struct {
	file, user  string
	groups      []string
	method, url string
}

func explainCommand(environ []string) *cobra.Command {
	var q explainQuery
	cmd := &cobra.Command{
		Use:   "explain [--user USER] METHOD URL",
		Short: "Say whether a request is admitted to an application, by which rule, and why",
		Long: "Say whether a request is admitted to an application, by which rule, and why.\n\n" +
			"The answer comes from the configuration as it is now, which may not be in force yet, and from the database: the\n" +
			"user, with the groups of their last session. The command asks no proxy and no running host, and changes nothing.\n" +
			"Without --user nobody is signed in.",
		Example: "  doorward forward-auth explain --user ann@example.org GET https://wiki.example.org/x\n" +
			"  doorward forward-auth explain --user ann --group admins GET https://admin.example.org/",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return errors.New("METHOD and URL are needed, such as GET https://wiki.example.org/x")
			}
			if cmd.Flag("user").Changed && q.user == "" {
				return errors.New("--user is empty; leave it out if nobody is signed in")
			}
			if len(q.groups) > 0 && q.user == "" {
				return errors.New("--group needs --user")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			q.method, q.url = args[0], args[1]
			cfg, err := loadConfig(environ, q.file)
			if err != nil {
				return err
			}
			return q.explain(cmd.Context(), cmd.OutOrStdout(), cfg)
		},
	}
	cmd.Flags().StringVarP(&q.file, "config", "c", "", "file of the host (or CONFIG_PATH)")
	cmd.Flags().StringVar(&q.user, "user", "", "ID, e-mail address or username of the user who sends the request")
	cmd.Flags().StringArrayVar(&q.groups, "group", nil, "assume that the user is in this group and in no others; can be repeated")
	return cmd
}

func (q explainQuery) explain(ctx context.Context, out io.Writer, cfg *config.Config) error {
	request, err := forwardauth.RequestTo(q.method, q.url)
	if err != nil {
		return fmt.Errorf("explaining %s: %w", shown(cutTo(q.method+" "+q.url, 200)), err)
	}
	var person *forwardauth.Person
	line := func(name, text string) { fmt.Fprintf(out, "%-9s%s\n", name, shown(text)) }
	line("request", q.method+" "+request.URL())
	if q.user != "" {
		who, err := q.principal(ctx, cfg)
		if err != nil {
			return err
		}
		p, err := forwardauth.SignedIn{Roles: rolesOfDatabase(cfg.Database)}.Person(ctx, &who)
		if err != nil {
			return err
		}
		line("user", whoIs(&p))
		line("groups", groupsText(p.Groups))
		if who.User.Status == sso.UserActive {
			person = &p
		} else {
			line("", "the account is "+string(who.User.Status)+", so they are not signed in")
		}
	}
	d := rulesOf(cfg).Decide(&request, person)
	if d.Verdict == forwardauth.Admitted {
		if d.Missing = userHeader(cfg).Missing(d.App, person); len(d.Missing) > 0 {
			d.Verdict = forwardauth.Denied
		}
	}
	if d.App != nil {
		line("app", d.App.Name+" ("+d.App.Root()+")")
	}
	line("verdict", d.Verdict.String())
	line("because", d.Why())
	return nil
}

// principal finds the user in the database.
func (q explainQuery) principal(ctx context.Context, cfg *config.Config) (sso.Principal, error) {
	found, err := whoIn(ctx, cfg.Database, q.user)
	switch {
	case err != nil:
		return sso.Principal{}, err
	case len(found) == 0:
		return sso.Principal{}, fmt.Errorf("no user has the ID, e-mail address or username %q; an account is made when a user signs in", q.user)
	case len(found) > 1:
		var ids []string
		for _, p := range found {
			ids = append(ids, p.User.ID+" (provider "+p.User.Provider+")")
		}
		return sso.Principal{}, fmt.Errorf("several users match %q, use an ID: %s", q.user, strings.Join(ids, ", "))
	}
	if len(q.groups) > 0 {
		found[0].Session.Groups = sso.NewGroups(q.groups)
	}
	return found[0], nil
}

// rolesOfDatabase reads the roles in a database, for the names of users' roles.
type rolesOfDatabase config.Database

// Roles implements forwardauth.Roles.
func (r rolesOfDatabase) Roles(ctx context.Context) ([]sso.Role, error) {
	return rolesIn(ctx, config.Database(r))
}

func whoIs(p *forwardauth.Person) string {
	parts := []string{p.ID}
	for _, part := range []struct{ name, value string }{{"", p.Name()}, {"", p.Email}, {"provider ", p.Provider}, {"role ", roleOfPerson(p)}} {
		if part.value != "" {
			parts = append(parts, part.name+part.value)
		}
	}
	return strings.Join(parts, ", ")
}

func roleOfPerson(p *forwardauth.Person) string {
	if p.RoleName == "" {
		return p.Role
	}
	return p.RoleName + " (" + p.Role + ")"
}

func groupsText(groups sso.Groups) string {
	switch list := groups.List(); {
	case !groups.Known():
		return "not known: there is no session, or its provider did not send groups"
	case len(list) == 0:
		return "none"
	default:
		return strings.Join(list, ", ")
	}
}
