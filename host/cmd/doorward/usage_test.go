package main

import (
	"strings"
	"testing"
)

func TestExitCodes(t *testing.T) {
	for line, tc := range map[string]struct {
		code int
		says string
	}{
		"":                            {0, "Available Commands"},
		"--help":                      {0, exitCodes},
		"--version":                   {0, "dev"},
		"plugin":                      {0, "verify"},
		"plugin --help":               {0, "verify"},
		"help plugin verify":          {0, "Compare the plugins"},
		"help":                        {0, "Available Commands"},
		"docs settings":               {0, "# Settings"},
		"completion bash":             {0, "bash completion"},
		"completion":                  {0, "bash"},
		"plugin list --dir none":      {0, "MECHANISM"},
		"plugins --socket /none":      {1, "no doorward is running here"},
		"plugin remove x":             {1, "doorward plugin list"},
		"serv":                        {2, `unknown command "serv" for "doorward"; did you mean "serve"?; see: doorward --help`},
		"colour":                      {2, `unknown command "colour" for "doorward"; see: doorward --help`},
		"plugin verfy":                {2, `unknown command "verfy" for "doorward plugin"; did you mean "verify"?; see: doorward plugin --help`},
		"plugin --dir x verfy":        {2, `did you mean "verify"?`},
		"plugin verfy --help":         {2, `did you mean "verify"?`},
		"docs nope":                   {2, `unknown command "nope" for "doorward docs"; see: doorward docs --help`},
		"completion nope":             {2, `unknown command "nope" for "doorward completion"`},
		"help serv":                   {2, `did you mean "serve"?`},
		"help plugin verfy":           {2, `did you mean "verify"?`},
		"--nope":                      {2, "unknown flag: --nope; see: doorward --help"},
		"serve --wach":                {2, "unknown flag: --wach; see: doorward serve --help"},
		"serve --config":              {2, "flag needs an argument: --config"},
		"serve now":                   {2, `"now"`},
		"check a b":                   {2, "accepts at most 1 arg"},
		"plugin add":                  {2, "FILE is missing"},
		"config":                      {0, "check"},
		"config --help":               {0, "check"},
		"config check --help":         {0, "nobody can sign in"},
		"config chek":                 {2, `did you mean "check"?`},
		"config check me":             {2, `"me"`},
		"config check --json=x":       {2, "invalid argument"},
		"config check --socket /x":    {2, "unknown flag: --socket"},
		"plugin remove":               {2, "MECHANISM is missing"},
		"backup":                      {2, "FILE is missing: name the file to write the backup to; see: doorward backup --help"},
		"backup a b":                  {2, "only one FILE is allowed"},
		"session end":                 {2, "--all, --provider NAME, --user USER or --session ID; see: doorward session end --help"},
		"session end --user=":         {2, "--user is empty"},
		"session end --all --user x":  {2, "leave it out"},
		"session end --forget-secret": {2, "can be used with --all only"},
		"session end --all --forget-secret --provider x": {2, "can be used with --all only"},
		"plugins --json=x":                     {2, "invalid argument"},
		"docs settings --socket /x":            {2, "unknown flag: --socket"},
		"session end --user x --forget-secret": {2, "can be used with --all only"},
		"session end --provider=":              {2, "--provider is empty"},
		"session end --user=x --provider=":     {2, "--provider is empty"},
		"session end --all=false":              {2, "say which sessions to end"},
		"session end --session=":               {2, "--session ends one session"},
		"session end --session x --all":        {2, "cannot be used with other flags"},
		"user lst":                             {2, `did you mean "list"?`},
		"user show":                            {2, "one USER is needed"},
		"user add --provider corp":             {2, "--provider and --subject must be used together"},
		"user add --provider corp --subject x --subject-base64 eA": {2, "[subject subject-base64]"},
		"user add --provider corp --subject-base64 !!":             {2, "is not base64"},
		"user add --provider corp --subject s\xff":                 {2, "--subject is not UTF-8"},
		"user add --provider corp --subject-base64 c_8":            {2, "is not UTF-8"},
		"user link x --provider corp":                              {2, "--provider and --subject must be used together"},
		"user set x":                                               {2, "say what to change"},
		"role remove x --without --move-to y":                      {2, "[move-to without]"},
		"key add x":                                                {2, "--scope is missing; the scopes are: users:read"},
		"key add x --scope users:read --expires 10":                {2, "--expires must be"},
		"user list --socket /none":                                 {1, "no doorward is running here"},
		"user list":                                                {1, "set DB_FILENAME or --config as for the host"},
	} {
		code, out := runIn(t.Context(), t, t.TempDir(), nil, strings.Fields(line)...)
		if code != tc.code || !strings.Contains(out, tc.says) {
			t.Errorf("doorward %s: exit code %d, want %d with %q:\n%.400s", line, code, tc.code, tc.says, out)
		}
	}
}
