package process

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	hclog "github.com/hashicorp/go-hclog"
)

// read passes what a plugin wrote through a logReader, and returns the lines of
// the log.
func read(t testing.TB, writes ...string) []map[string]any {
	t.Helper()
	var out bytes.Buffer
	logger := hclog.New(&hclog.LoggerOptions{JSONFormat: true, Level: hclog.Trace, Output: &out})
	r := newLogReader(logger, func() time.Time { return time.Unix(1, 0) }, nil)
	for _, text := range writes {
		if n, err := r.Write([]byte(text)); n != len(text) || err != nil {
			t.Fatalf("writing %d bytes: %d, %v", len(text), n, err)
		}
	}
	var lines []map[string]any
	for decoder := json.NewDecoder(&out); decoder.More(); {
		var line map[string]any
		if err := decoder.Decode(&line); err != nil {
			t.Fatalf("the log is not JSON: %v", err)
		}
		delete(line, "@timestamp")
		lines = append(lines, line)
	}
	return lines
}

func line(level, message string, attributes ...any) map[string]any {
	m := map[string]any{"@level": level, "@message": message}
	for i := 0; i < len(attributes); i += 2 {
		m[attributes[i].(string)] = attributes[i+1]
	}
	return m
}

func TestLogReader(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	for _, tc := range []struct {
		name   string
		writes []string
		want   []map[string]any
	}{
		{"a line of hclog", []string{`{"@level":"warn","@message":"slow","@module":"m","@timestamp":"t","n":5,"on":true,"s":"text","list":[1,"a"],"none":null}` + "\n"},
			[]map[string]any{line("warn", "slow", "n", "5", "on", "true", "s", "text", "list", `[1,"a"]`, "none", "null")}},
		{"plain text", []string{"panic: oh\n\ngoroutine 1\n"}, []map[string]any{line("debug", "panic: oh"), line("debug", "goroutine 1")}},
		{"in pieces", []string{`{"@level":"in`, `fo","@mess`, "age\":\"m\"}\nnext", "\n"}, []map[string]any{line("info", "m"), line("debug", "next")}},
		{"without an end", []string{"half a li"}, nil},
		{"K01 message that is a number", []string{`{"@message":5}` + "\n"}, []map[string]any{line("debug", "")}},
		{"K01 level that is a number", []string{`{"@message":"m","@level":5}` + "\n"}, []map[string]any{line("debug", "m")}},
		{"K01 time that is a number", []string{`{"@message":"m","@timestamp":5}` + "\n"}, []map[string]any{line("debug", "m")}},
		{"levels", []string{`{"@level":"off","@message":"a"}` + "\n" + `{"@level":"trace","@message":"b"}` + "\n" + `{"@level":"ERROR","@message":"c"}` + "\n" + `{"@level":"fatal","@message":"d"}` + "\n"},
			[]map[string]any{line("debug", "a"), line("debug", "b"), line("error", "c"), line("debug", "d")}},
		{"JSON that is no object", []string{"null\n5\n[]\n{\n"}, []map[string]any{line("debug", "null"), line("debug", "5"), line("debug", "[]"), line("debug", "{")}},
		{"L05 control characters", []string{"a\x1b[2Jb\rc\x00d\te\u202ef\n"}, []map[string]any{line("debug", "a\uFFFD[2Jb\uFFFDc\uFFFDd\te\uFFFDf")}},
		{"L05 control characters in JSON", []string{`{"@message":"a\nb\u001bc","x":"d\ne"}` + "\n"}, []map[string]any{line("debug", "a\uFFFDb\uFFFDc", "x", "d\uFFFDe")}},
		{"L05 name of an attribute", []string{`{"@message":"m","a=1 b":"c","\n\"":"d"}` + "\n"}, []map[string]any{line("debug", "m", "a_1_b", "c", "__", "d")}},
		{"L05 not UTF-8", []string{"a\xff\xfeb\n"}, []map[string]any{line("debug", "a\uFFFDb")}},
		{"L05 a long line", []string{long, long + "y", "\nnext\n"}, []map[string]any{line("debug", long), line("debug", "next")}},
		{"L05 a long attribute", []string{`{"@message":"m","a":"` + strings.Repeat("é", 3000) + `"}` + "\n"},
			[]map[string]any{line("debug", "m", "a", strings.Repeat("é", maxAttrValue/2))}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, read(t, tc.writes...)); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLogReaderBoundsAttributes(t *testing.T) {
	entry := map[string]any{"@message": "m"}
	for i := range 10 * maxAttrs {
		entry[fmt.Sprintf("a%03d", i)] = i
	}
	data, err := json.Marshal(entry)
	if err != nil {
		t.Fatal(err)
	}
	got := read(t, string(data)+"\n")[0]
	if len(got) != 2+maxAttrs || got["a000"] != "0" {
		t.Errorf("%d attributes: %v", len(got)-2, got)
	}
}

func TestLogReaderBoundsTheRate(t *testing.T) {
	var out bytes.Buffer
	now, counted := time.Unix(1, 0), 0
	r := newLogReader(hclog.New(&hclog.LoggerOptions{JSONFormat: true, Level: hclog.Trace, Output: &out}),
		func() time.Time { return now }, func(lines int) { counted += lines })
	flood := strings.Repeat(`{"@level":"error","@message":"flood"}`+"\n", 5*maxLines)
	for range 3 {
		fmt.Fprint(r, flood)
		fmt.Fprint(r, "panic: at the end of a flood\n")
		if n := strings.Count(out.String(), `"@level":"warn"`); n != 1 {
			t.Errorf("%d warnings of a flood that goes on, want 1", n)
		}
		now = now.Add(time.Second)
	}
	fmt.Fprint(r, `{"@level":"info","@message":"quiet again"}`+"\n")
	now = now.Add(time.Hour)
	fmt.Fprint(r, flood[:maxLines*len(flood)/(5*maxLines)]) // as much as is taken
	if n := strings.Count(out.String(), `"@level":"warn"`); n != 1 {
		t.Errorf("%d warnings, want none of what is taken", n)
	}
	all := strings.Replace(out.String(), `"flood"`, "", maxLines)
	if n := strings.Count(all, `"flood"`); n != 3*maxLines {
		t.Errorf("%d lines of the flood, want %d", n, 3*maxLines)
	}
	if n := strings.Count(all, fmt.Sprintf(`"dropped":%d`, 4*maxLines+1)); n != 3 {
		t.Errorf("%d reports of what was dropped, want 3:\n%s", n, all[len(all)-500:])
	}
	if !strings.Contains(all, "quiet again") {
		t.Error("the log stays silent after a flood")
	}
	if want := 3 * (4*maxLines + 1); counted != want {
		t.Errorf("%d dropped lines were counted, want %d", counted, want)
	}
	if got := r.tail(); len(got) == 0 || got[0] != "panic: at the end of a flood" {
		t.Errorf("last lines: %q", got)
	}
}

func TestLastWords(t *testing.T) {
	var many, trace []string
	for i := range 20 {
		many = append(many, fmt.Sprint("line ", i))
		trace = append(trace, fmt.Sprint("frame ", i))
	}
	for _, tc := range []struct{ name, written, want string }{
		{"nothing", "", ""},
		{"the last lines", strings.Join(many, "\n") + "\n", strings.Join(many[20-keptLines:], " | ")},
		{"the first ones of a crash", "hello\npanic: oh\n" + strings.Join(trace, "\n") + "\n", "panic: oh | " + strings.Join(trace[:keptLines-1], " | ")},
		{"a fatal error", "hello\nfatal error: all goroutines are asleep\nx\n", "fatal error: all goroutines are asleep | x"},
		{"no JSON", `{"@message":"m"}` + "\nx\n", "x"},
		{"long lines", strings.Repeat("x", 1000) + "\n", strings.Repeat("x", maxTailLine)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newLogReader(hclog.NewNullLogger(), time.Now, nil)
			fmt.Fprint(r, tc.written)
			if diff := cmp.Diff(tc.want, strings.Join(r.tail(), " | ")); diff != "" {
				t.Errorf("last lines (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSecretsAreRedacted(t *testing.T) {
	var out bytes.Buffer
	r := newLogReader(hclog.New(&hclog.LoggerOptions{JSONFormat: true, Level: hclog.Trace, Output: &out}), time.Now, nil)
	r.secrets.Replace([]string{"canary-secret-of-length", "abc", "other\"secret"})
	fmt.Fprint(r, `{"@level":"info","@message":"with canary-secret-of-length","canary":"xcanary-secret-of-lengthx","a":{"b":["other\"secret"]}}`+"\n")
	fmt.Fprint(r, "panic: canary-secret-of-length abc abcdef\n")
	all := out.String() + strings.Join(r.tail(), "\n")
	if strings.Contains(all, "canary-secret") || strings.Count(all, "[redacted]") < 4 {
		t.Errorf("secrets in the log: %s", all)
	}
	if !strings.Contains(all, "abcdef") || strings.Contains(all, " abc ") {
		t.Errorf("a secret that is part of many words is redacted: %s", all)
	}
}

func FuzzLogReader(f *testing.F) {
	f.Add("{\"@message\":5}\n", 3)
	f.Add("{\"@message\":\"m\",\"a\":{\"b\":[1,null]}}\nplain\xff\x1b[2J\n", 7)
	f.Add(strings.Repeat("x", 2*maxLine)+"\n{\"@level\":\"off\"", 1000)
	f.Fuzz(func(t *testing.T, text string, cut int) {
		cut = max(0, min(cut, len(text)))
		for _, line := range read(t, text[:cut], text[cut:]) {
			for name, value := range line {
				got, ok := value.(string)
				if !ok || len(got) > 3*maxLine || !fit(got) || !fit(name) {
					t.Errorf("the log holds %q: %q", name, got)
				}
			}
		}
	})
}

// fit reports whether a text can neither forge a line nor move a cursor.
func fit(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(c rune) bool { return c != '\t' && !unicode.IsPrint(c) })
}

// What a plugin writes of a secret is not always the secret byte for byte.
func TestSecretsAreRedactedInEveryForm(t *testing.T) {
	secrets := []string{"canary-one", "canary-one-and-more", "first-canary-line\nsecond-canary-line\n", "canary<\"quoted\">"}
	for range 2 { // they come in any order
		slices.Reverse(secrets)
		var out bytes.Buffer
		r := newLogReader(hclog.New(&hclog.LoggerOptions{JSONFormat: true, Level: hclog.Trace, Output: &out}), time.Now, nil)
		r.secrets.Replace(secrets)
		fmt.Fprint(r, "plain canary-one-and-more\nfirst-canary-line\nsecond-canary-line\n")
		fmt.Fprint(r, `{"@level":"info","@message":"nested","a":{"b":["canary<\"quoted\">"]}}`+"\n")
		all := out.String() + strings.Join(r.tail(), "\n")
		if strings.Contains(all, "and-more") || strings.Contains(all, "canary") {
			t.Fatalf("parts of secrets in the log: %s", all)
		}
	}
}
