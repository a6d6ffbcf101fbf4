package plugintest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/contract"
)

// magicBinary builds the plugin of the author's manual.
func magicBinary(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "doorward-plugin-magic")
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", path, "../internal/magic")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	return path
}

const magicSeed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA"

// authenticatorCode is the current code of an authenticator app (RFC 6238).
func authenticatorCode(t testing.TB) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(magicSeed)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	if err := binary.Write(mac, binary.BigEndian, time.Now().Unix()/30); err != nil {
		t.Fatal(err)
	}
	sum := mac.Sum(nil)
	at := sum[31] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[at:at+4])&0x7fffffff%1000000)
}

func TestConformanceOfTheManual(t *testing.T) {
	Conformance(t, Suite{
		Binary:  magicBinary(t),
		Options: map[string]any{"seeds": map[string]any{"alice": magicSeed}},
		SignIn: func(t *testing.T, step sdk.Step) sdk.ContinueRequest {
			if _, ok := step.(sdk.Prompt); !ok {
				t.Fatalf("a step of type %T", step)
			}
			return sdk.ContinueRequest{Answers: map[string]string{"name": "alice", "code": authenticatorCode(t)}}
		},
	})
}

// TestConformanceWithoutSignIn runs the suite without a way to sign in.
func TestConformanceWithoutSignIn(t *testing.T) {
	Conformance(t, Suite{Binary: demoBinary(t, "none"), Options: demoValues})
}

const (
	describesCheck  = "describes_itself"
	errorsCheck     = "keeps_secrets_out_of_errors"
	logCheck        = "keeps_secrets_out_of_the_log"
	beginsCheck     = "begins_with_a_step_that_the_host_accepts"
	concurrentCheck = "begins_many_logins_at_once"
	nonsenseCheck   = "refuses_nonsense_as_a_response"
	elsewhereCheck  = "continues_in_another_process"
	announcesCheck  = "has_what_it_announces"
	endsCheck       = "ends_with_its_host"
)

// A flaw of demo fails exactly these checks, with the name of the broken rule, if there is one.
type flaw struct {
	checks []string
	rule   contract.Rule
}

var flaws = map[string]flaw{
	"none":        {},
	"capable":     {},
	"loopback":    {},
	"misnamed":    {[]string{describesCheck}, ""},
	"unversioned": {[]string{describesCheck}, ""},
	"careless":    {[]string{describesCheck}, ""},
	"talkative":   {[]string{errorsCheck}, ""},
	"logging":     {[]string{logCheck}, ""},
	"stateless":   {[]string{beginsCheck}, contract.RuleState},
	"greedy":      {[]string{beginsCheck}, contract.RuleMemory},
	"plain":       {[]string{beginsCheck}, contract.RuleRedirectURL},
	"blank":       {[]string{beginsCheck}, contract.RuleRedirectURL},
	"umlaut":      {[]string{beginsCheck}, contract.RuleRedirectURL},
	"backslash":   {[]string{beginsCheck}, contract.RuleRedirectURL},
	"hostless":    {[]string{beginsCheck}, contract.RuleRedirectURL},
	"reasoned":    {[]string{beginsCheck}, contract.RulePromptReason},
	"eager":       {[]string{beginsCheck}, contract.RuleBeginStep},
	"nameless":    {[]string{beginsCheck}, contract.RulePromptFieldName},
	"exclusive":   {[]string{concurrentCheck}, ""},
	"gullible":    {[]string{nonsenseCheck}, ""},
	"kindless":    {[]string{nonsenseCheck, elsewhereCheck}, ""},
	"fragile":     {[]string{nonsenseCheck}, ""},
	"remembers":   {[]string{elsewhereCheck}, ""},
	"anonymous":   {[]string{elsewhereCheck}, contract.RuleSubject},
	"monthly":     {[]string{elsewhereCheck}, contract.RuleOnceUntil},
	"nulsubject":  {[]string{elsewhereCheck}, contract.RuleLogoutSubject},
	"nulsession":  {[]string{elsewhereCheck}, contract.RuleSessionID},
	"manyways":    {[]string{elsewhereCheck}, contract.RuleAMR},
	"popular":     {[]string{elsewhereCheck}, contract.RuleGroups},
	"halfway":     {[]string{announcesCheck}, ""},
	"trusting":    {[]string{announcesCheck}, contract.RuleLogout},
	"hollow":      {[]string{announcesCheck}, contract.RuleMetadataType},
	"textual":     {[]string{announcesCheck}, contract.RuleMetadataType},
	"charset":     {[]string{announcesCheck}, contract.RuleMetadataType},
	"bloated":     {[]string{announcesCheck}, contract.RuleMetadataSize},
	"speechless":  {[]string{announcesCheck}, contract.RuleFindings},
	"astray":      {[]string{announcesCheck}, contract.RuleRedirectURL},
	"immortal":    {[]string{endsCheck}, ""},
}

// flawedVariable makes TestFlawed run, which is supposed to fail.
const flawedVariable = "DOORWARD_TEST_FLAWED"

func TestFlawed(t *testing.T) {
	if os.Getenv(flawedVariable) == "" {
		t.Skip("run by TestConformanceCatchesFlaws")
	}
	for flaw := range flaws {
		t.Run(flaw, func(t *testing.T) {
			t.Parallel()
			Conformance(t, Suite{Binary: demoBinary(t, flaw), Options: demoValues, SignIn: demoSignIn})
		})
	}
}

var flawHeading = regexp.MustCompile(`^(?:FAIL|PASS): TestFlawed/(\S+)`)

var failedCheck = regexp.MustCompile(`--- FAIL: TestFlawed/([^/\s]+)/(\S+)`)

func TestConformanceCatchesFlaws(t *testing.T) {
	// With the race detector a process takes a second to end, and there are many.
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestFlawed$", "-test.parallel", "12")
	cmd.Env = append(os.Environ(), flawedVariable+"=1", "GORACE=atexit_sleep_ms=0")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Error("no flaw fails the suite")
	}
	failed, said := map[string][]string{}, map[string]string{}
	for _, part := range strings.Split("\n"+string(out), "\n    --- ")[1:] {
		heading, text, _ := strings.Cut(part, "\n")
		if name := flawHeading.FindStringSubmatch(heading); name != nil {
			said[name[1]] = text
		}
	}
	for _, match := range failedCheck.FindAllStringSubmatch(string(out), -1) {
		failed[match[1]] = append(failed[match[1]], match[2])
	}
	for name, flaw := range flaws {
		slices.Sort(flaw.checks)
		slices.Sort(failed[name])
		if diff := cmp.Diff(flaw.checks, failed[name]); diff != "" {
			t.Errorf("flaw %s (-want +got):\n%s", name, diff)
		}
		if !strings.Contains(said[name], "breaks the rule "+string(flaw.rule)) && flaw.rule != "" {
			t.Errorf("flaw %s does not fail by the name of the rule %s:\n%s", name, flaw.rule, said[name])
		}
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}
