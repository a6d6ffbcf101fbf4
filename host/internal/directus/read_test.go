package directus

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	annID    = "653925a9-970e-487a-bfc0-ab6c96affcdc"
	bobID    = "0b4e4a0a-3c5f-4f8e-9a57-2f5b9d1d3c11"
	editorID = "7c0e2d8e-0b1f-4a63-9d4c-8f6f1b1f6d10"
)

// Rows as Directus 11 and 12 write them, with their columns.
var (
	asJSON = `[
  {"id":"` + annID + `","first_name":"Ann","last_name":"O'Neil, jr.","email":"ann@example.org","password":"**********","location":null,"tags":null,"avatar":null,"language":"en-GB","tfa_secret":null,"status":"active","role":"` + editorID + `","token":null,"last_access":"2026-10-01T08:12:31.000Z","last_page":"/content","provider":"dir","external_identifier":"uid=ann,ou=people\\, all,dc=example","auth_data":null,"email_notifications":true,"appearance":null,"policies":[]},
  {"id":"` + bobID + `","first_name":null,"last_name":null,"email":null,"status":"suspended","role":{"id":"` + editorID + `","name":"Editor"},"provider":"default","external_identifier":null}
]`
	asCSV = "\xef\xbb\xbfid,first_name,last_name,email,language,status,role,provider,external_identifier,password\r\n" +
		annID + `,Ann,"O'Neil, jr.",ann@example.org,en-GB,active,` + editorID + `,dir,"uid=ann,ou=people\, all,dc=example",x` + "\r\n" +
		bobID + ",,,,,suspended," + editorID + ",default,,\r\n"
	asDump = `--
-- PostgreSQL database dump
--

\restrict 8mPbW

SET statement_timeout = 0;

CREATE TABLE public.directus_users (
    id uuid NOT NULL
);

COPY public.directus_access (id, role) FROM stdin;
` + annID + `	\N
\.

COPY public.directus_roles (id, name, icon, description, parent) FROM stdin;
` + editorID + `	Editor \\ Author	supervised_user_circle	a\tb	\N
\.

COPY public.directus_users (id, first_name, last_name, email, language, password, status, role, provider, external_identifier, auth_data) FROM stdin;
` + annID + `	Ann	O'Neil, jr.	ann@example.org	en-GB	$argon2id$v=19$	active	` + editorID + `	dir	uid=ann,ou=people\\, all,dc=example	{"a": "\\\\"}
` + bobID + `	\N	\N	\N	\N	\N	suspended	` + editorID + `	default	\N	\N
\.

\unrestrict 8mPbW
`
)

var wantUsers = []User{
	{ID: annID, Status: "active", Role: editorID, Email: "ann@example.org", FirstName: "Ann", LastName: "O'Neil, jr.", Language: "en-GB", Provider: "dir", ExternalIdentifier: `uid=ann,ou=people\, all,dc=example`},
	{ID: bobID, Status: "suspended", Role: editorID, Provider: "default"},
}

func TestFormsOfUsers(t *testing.T) {
	for name, text := range map[string]string{
		"JSON": asJSON, "JSON of the API": `{"data":` + asJSON + `,"meta":{"filter_count":2}}`, "CSV": asCSV, "pg_dump": asDump,
		"pg_dump for Windows": strings.ReplaceAll(asDump, "\n", "\r\n"),
	} {
		got, err := Read(strings.NewReader(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(wantUsers, got.Users); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if wantRoles := strings.HasPrefix(name, "pg_dump"); wantRoles != (len(got.Roles) == 1 && got.Roles[0] == Role{editorID, `Editor \ Author`}) {
			t.Errorf("%s: roles %q", name, got.Roles)
		}
	}
}

func TestFormsOfRoles(t *testing.T) {
	want := []Role{{editorID, `Editor \ Author`}}
	for name, text := range map[string]string{
		"JSON": `[{"id":"` + strings.ToUpper(editorID) + `","name":"Editor \\ Author","icon":"x","users":["` + annID + `"]}]`,
		"CSV":  "name,id\nEditor \\ Author," + editorID + "\n", "pg_dump": asDump,
	} {
		got, err := ReadRoles(strings.NewReader(text))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

func TestFilesThatAreNone(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":              "",
		"a word":               "hello",
		"an empty list":        "[]",
		"an object":            `{"users":[]}`,
		"two objects":          `{"data":[]}{"data":[]}`,
		"a list that ends":     asJSON[:len(asJSON)-3],
		"behind the list":      asJSON + "x",
		"rows that are none":   `[1]`,
		"a number as an id":    `[{"id":1,"status":"active","provider":"p","external_identifier":"x"}]`,
		"a list as identifier": `[{"id":"1","status":"active","provider":"p","external_identifier":["x"]}]`,
		"no identifiers":       `[{"id":"` + annID + `","status":"active"}]`,
		"no id":                `[{"id":null,"status":"active","provider":"p","external_identifier":"x"}]`,
		"an id twice":          `[{"id":"a","status":"","provider":"","external_identifier":""},{"id":"A","status":"","provider":"","external_identifier":""}]`,
		"CSV of other columns": "id,name\n1,x\n",
		"CSV without rows":     "id,status,provider,external_identifier\n",
		"CSV, a value short":   "id,status,provider,external_identifier\na,b,c\n",
		"CSV, an open quote":   "id,status,provider,external_identifier\na,\"b,c,d\n",
		"a dump that ends":     asDump[:strings.LastIndex(asDump, `\.`)],
		"a dump, a value more": strings.Replace(asDump, "suspended", "suspended\t", 1),
		"a dump as INSERT":     "--\nINSERT INTO public.directus_users VALUES ('a');\n",
		"a dump of others":     "--\nCOPY public.other (id) FROM stdin;\n1\n\\.\n",
		"a backslash":          strings.Replace(asDump, "uid=ann", `uid=ann\`, 1) + strings.Replace(asDump, "default\t", `default\`+"\t", 1),
		"a long value":         `[{"id":"` + strings.Repeat("x", maxValue+1) + `","status":"","provider":"","external_identifier":""}]`,
		"deep":                 `[` + strings.Repeat(`{"id":`, 20_000),
	} {
		if got, err := Read(strings.NewReader(text)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %d users, error %v", name, len(got.Users), err)
		}
	}
}

func TestFilesAreBounded(t *testing.T) {
	if _, err := Read(strings.NewReader(strings.Repeat(" ", MaxFile+1))); err == nil || !strings.Contains(err.Error(), "64 MB") {
		t.Errorf("too large a file: %v", err)
	}
	var rows strings.Builder
	rows.WriteString("id,status,provider,external_identifier\n")
	for i := range MaxRows + 1 {
		fmt.Fprintf(&rows, "%d,active,p,x\n", i)
	}
	if got, err := Read(strings.NewReader(rows.String())); err == nil || len(got.Users) > MaxRows {
		t.Errorf("too many rows: %d, %v", len(got.Users), err)
	}
}

func TestValuesOfCopy(t *testing.T) {
	for value, want := range map[string]string{
		`\N`: "", `\\N`: `\N`, `a\tb\nc`: "a\tb\nc", `\x41\102\q`: "ABq", `\x`: "x", `\1`: "\x01", `ü\\`: `ü\`, `\x414`: "A4", `\1012`: "A2",
	} {
		if got, err := uncopied(value); got != want || err != nil {
			t.Errorf("%q is %q, %v; want %q", value, got, err, want)
		}
	}
	for _, value := range []string{`\`, `a\\\`, `\777`} {
		if got, err := uncopied(value); err == nil {
			t.Errorf("%q is %q", value, got)
		}
	}
}

// Any file is either read or refused, and rows have unique IDs.
func FuzzRead(f *testing.F) {
	for _, text := range []string{asJSON, asCSV, asDump, "", "[", `{"data":[{}]}`, "--\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		export, err := Read(strings.NewReader(text))
		if err != nil {
			return
		}
		ids := map[string]bool{}
		for _, user := range export.Users {
			if user.ID == "" || ids[user.ID] {
				t.Errorf("id %q", user.ID)
			}
			ids[user.ID] = true
		}
	})
}
