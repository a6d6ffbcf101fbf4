package config

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// dotenvAnswers is testdata/dotenv.json, which testdata/dotenv.mjs made.
type dotenvAnswers struct {
	Dotenv string // the version
	Files  []dotenvAnswer
}

type dotenvAnswer struct {
	text string
	vars map[string]string
}

func (a *dotenvAnswer) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&a.text, &a.vars})
}

func TestDotenvIsReadAsDotenvReadsIt(t *testing.T) {
	content, err := os.ReadFile("testdata/dotenv.json")
	if err != nil {
		t.Fatal(err)
	}
	var answers dotenvAnswers
	if err := json.Unmarshal(content, &answers); err != nil {
		t.Fatal(err)
	}
	if len(answers.Files) < 200 {
		t.Fatalf("only %d files", len(answers.Files))
	}
	for _, want := range answers.Files {
		got := map[string]string{}
		for name, v := range parseDotenv(".env", want.text).vars {
			got[name] = v.value
		}
		if diff := cmp.Diff(want.vars, got); diff != "" {
			t.Errorf("%q (-dotenv +here):\n%s", want.text, diff)
		}
	}
}

// Where dotenv silently skips something or makes it part of a value, there is a warning
// with name and line but without the value.
func TestDotenvDoubts(t *testing.T) {
	for text, want := range map[string]string{
		"B=c\nhunter2\nD=e":                    "line 2 of .env is not an assignment",
		"A=\"b\nc\"\n\n\nexport hunter2":       "line 5 of .env is not an assignment",
		"A=b\nA=hunter2":                       "A is set twice in .env; the last one counts",
		"A=hunter2#x":                          "A (.env:1) ends at a #",
		"A=#hunter2":                           "A (.env:1) ends at a #",
		`A="{"hunter2":"#c"}"`:                 "A (.env:1) ends at a #",
		`A="{"hunter2":"x #c"}"`:               "A (.env:1) ends at a #",
		"\nA=\"hunter2":                        "A (.env:2) begins with a quote but does not end with it",
		"A='hunter2' b":                        "A (.env:1) begins with a quote but does not end with it",
		"B=c\nA=\"hunter2\\\"b\"":              `A (.env:2) keeps the backslash before each "`,
		"A=\n'hunter2'":                        "A (.env:1) has its value on a later line",
		"A:\nHUNTER2=hunter2":                  "A (.env:1) has its value on a later line",
		"A=\"hunter2\nAUTH_X=b\nAUTH_Y_Z=c\"":  "A (.env:1) is in quotes over several lines",
		"A='hunter2\nPORT='\nPASSWORD='hunter": "A (.env:1) is in quotes over several lines",
	} {
		warnings := textsOf(parseDotenv(".env", text).warnings)
		if all := strings.Join(warnings, "\n"); !strings.Contains(all, want) || strings.Contains(strings.ToLower(all), "hunter2") {
			t.Errorf("%q: warnings %q, want %q", text, warnings, want)
		}
	}
}

func TestDotenvHasNoDoubtAboutWhatIsUsual(t *testing.T) {
	for _, text := range []string{
		"", "# a comment\n\n  # and \"another\n", "A=b # c", "A=\"b\" # c", "A='b#c'", "A='b' #c", "A=\"b\"#c", "A=", "A=\nB=c", "A= # none", "export A=b", "A: b", "A=b\r\nB=\"c\"\r\n",
		`AUTH_APPLE_PARAMS="{"response_mode":"form_post"}"`, `A='{"b":"c"}'`, `A={"b":"c"}`, `A="it's"`, "A='say \"b\"'", "A=pa$$word", `A="b\nc"`, `A="C:\new"`,
		"A=\"-----BEGIN PRIVATE KEY-----\nMIIE==\nAbCd=\n-----END PRIVATE KEY-----\n\"\nB=c", "A=\"b\nc\" # d", "A=''", `A=""`, "A=b\n\n# c", "A='b'\n# it's c", "A=b\n\n#c",
	} {
		if d := parseDotenv(".env", text); len(d.warnings) > 0 {
			t.Errorf("%q: %q", text, textsOf(d.warnings))
		}
	}
}

func TestDotenvTellsTheLine(t *testing.T) {
	d := parseDotenv(".env", "\n# c\nA=b\r\n\r\nB=\"c\nd\"\n\n  export C=e\nnothing\nD=f")
	var origins []string
	for _, name := range slices.Sorted(maps.Keys(d.vars)) {
		origins = append(origins, d.vars[name].origin)
	}
	if diff := cmp.Diff([]string{"A (.env:3)", "B (.env:5)", "C (.env:8)", "D (.env:10)"}, origins); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
}

// A file that was named by mistake causes only a few warnings.
func TestDotenvOfManyLinesThatAreNone(t *testing.T) {
	d := parseDotenv(".env", strings.Repeat("what is this\n", 50_000)+"PORT=1001\n")
	warnings := textsOf(d.warnings)
	if d.vars["PORT"].value != "1001" || len(warnings) != 11 || !strings.HasPrefix(warnings[9], "line 10 of .env is not an assignment and is ignored") ||
		warnings[10] != "49990 more lines of .env are not assignments and are ignored" {
		t.Errorf("port %q, %d warnings: %q", d.vars["PORT"].value, len(warnings), warnings[:min(12, len(warnings))])
	}
}
