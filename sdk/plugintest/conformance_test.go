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
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/sdk"
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

// authenticatorCode is what an authenticator app would show now (RFC 6238).
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

// TestConformanceWithoutSignIn runs the suite where nobody can sign in.
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

// flaws names the checks that each flaw of demo must fail, and no others.
var flaws = map[string][]string{
	"none":        nil,
	"capable":     nil,
	"misnamed":    {describesCheck},
	"unversioned": {describesCheck},
	"careless":    {describesCheck},
	"talkative":   {errorsCheck},
	"logging":     {logCheck},
	"stateless":   {beginsCheck, elsewhereCheck},
	"greedy":      {beginsCheck, elsewhereCheck},
	"plain":       {beginsCheck, elsewhereCheck},
	"eager":       {beginsCheck, elsewhereCheck},
	"nameless":    {beginsCheck, elsewhereCheck},
	"exclusive":   {concurrentCheck},
	"gullible":    {nonsenseCheck},
	"kindless":    {nonsenseCheck, elsewhereCheck},
	"fragile":     {nonsenseCheck},
	"remembers":   {elsewhereCheck},
	"anonymous":   {elsewhereCheck},
	"halfway":     {announcesCheck},
	"trusting":    {announcesCheck},
	"hollow":      {announcesCheck},
	"speechless":  {announcesCheck},
	"astray":      {announcesCheck},
	"immortal":    {endsCheck},
}

// flawedVariable makes TestFlawed run: it fails, which is the point.
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

var failedCheck = regexp.MustCompile(`--- FAIL: TestFlawed/([^/\s]+)/(\S+)`)

func TestConformanceCatchesFlaws(t *testing.T) {
	// With the race detector a process takes a second to end, and there are many.
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestFlawed$", "-test.parallel", "12")
	cmd.Env = append(os.Environ(), flawedVariable+"=1", "GORACE=atexit_sleep_ms=0")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Error("no flaw fails the suite")
	}
	failed := map[string][]string{}
	for _, match := range failedCheck.FindAllStringSubmatch(string(out), -1) {
		failed[match[1]] = append(failed[match[1]], match[2])
	}
	for flaw, want := range flaws {
		slices.Sort(want)
		slices.Sort(failed[flaw])
		if diff := cmp.Diff(want, failed[flaw]); diff != "" {
			t.Errorf("flaw %s (-want +got):\n%s", flaw, diff)
		}
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}
