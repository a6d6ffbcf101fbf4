package openidtest_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/doorward/doorward/plugins/openid/openidtest"
	"github.com/google/go-cmp/cmp"
)

// check reports whether a flow shows the misbehaviour.
type check func(f *flow) bool

// checks has one check for each misbehaviour. It must fail for a good provider
// and succeed for one that misbehaves.
func checks() map[openidtest.Misbehaviour]check {
	all := map[openidtest.Misbehaviour]check{}
	for _, list := range []map[openidtest.Misbehaviour]check{
		discoveryChecks(), responseChecks(), tokenChecks(), keySetChecks(), claimChecks(),
		signatureChecks(), serialisationChecks(), userInfoChecks(), refreshChecks(),
	} {
		maps.Copy(all, list)
	}
	return all
}

func TestMisbehaviours(t *testing.T) {
	good := openidtest.Start(t, openidtest.Config{AutoApprove: true, Clients: clientsByAlgorithm()})
	all := checks()
	// The parent of parallel subtests ends before they do; the provider must not.
	t.Run("all", func(t *testing.T) {
		for _, m := range openidtest.Misbehaviours() {
			t.Run(strings.Join(m.Details().Rows, " ")+" "+string(m), func(t *testing.T) {
				t.Parallel()
				shows := all[m]
				if shows == nil {
					t.Fatal("there is no check for it")
				}
				if shows(flowFor(t, good, m, "alice")) {
					t.Error("the check also succeeds with a good provider")
				}
				op, hint := good, "alice+"+string(m)
				if !m.Details().PerLogin {
					op, hint = openidtest.Start(t, openidtest.Config{AutoApprove: true, Clients: clientsByAlgorithm()}), "alice"
					op.Misbehave(m)
				}
				f := flowFor(t, op, m, hint)
				if !shows(f) {
					t.Errorf("the check does not find it: %+v", f.memory)
				}
				if m.Details().Verdict == openidtest.Accept {
					checkAcceptable(t, f)
				}
			})
		}
	})
}

// clientsByAlgorithm are clients named after the algorithm of their ID tokens.
func clientsByAlgorithm() []openidtest.Client {
	var clients []openidtest.Client
	for _, alg := range algorithms {
		client := door()
		client.ID, client.IDTokenSignedResponseAlg = string(alg), string(alg)
		clients = append(clients, client)
	}
	return clients
}

// flowFor starts a flow with the configuration that the misbehaviour needs.
func flowFor(t *testing.T, op *openidtest.Provider, m openidtest.Misbehaviour, hint string) *flow {
	needs := m.Details().Needs
	client := clientsByAlgorithm()[max(0, slices.IndexFunc(clientsByAlgorithm(), func(c openidtest.Client) bool { return c.ID == needs.Alg }))]
	f := newFlow(t, op, client, hint)
	f.extra.Set("scope", "openid profile email offline_access")
	if needs.ResponseMode != "" {
		f.extra.Set("response_mode", needs.ResponseMode)
	}
	if needs.MaxAge {
		f.extra.Set("max_age", "600")
	}
	return f
}

// checkAcceptable checks that a login with a legal oddity succeeds.
func checkAcceptable(t *testing.T, f *flow) {
	t.Helper()
	if f.response().Get("state") != f.state {
		t.Errorf("state is %q", f.response().Get("state"))
	}
	if len(f.op.Issuer()) == 0 || f.op.Hits(openidtest.Trap) > 0 && f.hint == "alice" {
		t.Errorf("there were requests to the trap")
	}
	claims, err := verifyAmong(f)
	if err != nil {
		t.Fatalf("the ID token is not acceptable: %v", err)
	}
	if claims["iss"] != f.op.Issuer() || claims["nonce"] != f.nonce {
		t.Errorf("claims %v", claims)
	}
}

// verifyAmong tries the published keys one by one, if the token does not name its key. The
// library refuses a whole set because of one broken key, and requires a kid; a relying party
// must not refuse such a set, and may try all keys without a kid.
func verifyAmong(f *flow) (map[string]any, error) {
	keys, _ := f.keySet().object()["keys"].([]any)
	kid := f.header()["kid"]
	err := fmt.Errorf("no key with ID %q", kid)
	for _, k := range keys {
		if kid != nil && k.(map[string]any)["kid"] != kid {
			continue
		}
		body, encodeErr := json.Marshal(map[string]any{"keys": []any{k}})
		if encodeErr != nil {
			return nil, encodeErr
		}
		f.memory["jwks"] = answer{body: body}
		var claims map[string]any
		if claims, err = f.verify(f.idToken()); err == nil {
			return claims, nil
		}
	}
	return nil, err
}

func TestMisbehavioursAreDocumented(t *testing.T) {
	row := regexp.MustCompile(`^[A-L][0-9]{2}$`)
	realised := map[string]bool{}
	for _, m := range openidtest.Misbehaviours() {
		details := m.Details()
		if details.Text == "" || len(details.Rows) == 0 || details.Stage == "" || details.Verdict == "" {
			t.Errorf("%s: %+v", m, details)
		}
		for _, name := range details.Rows {
			realised[name] = true
			if !row.MatchString(name) {
				t.Errorf("%s: row %q", m, name)
			}
		}
	}
	want := strings.Fields(`A10 A11 A12 A13 A14 E04 E05 E07 E08 E09 E17 E18 E19 E21 D03 D05
		F01 F02 F03 F04 F05 F06 F07 F08 F09 F10 F11 F12 F13 F14 F15 F16 F17 F18 F19 F20 F21 F22 F23 F24 F25
		F31 F32 F33 G01 G02 G03 G04 G05 G06 G07 G08 G09 G10 G11`)
	for _, name := range want {
		if !realised[name] {
			t.Errorf("no misbehaviour has row %s", name)
		}
	}
	if got := openidtest.Misbehaviour("spells").Details(); got.Text != "" {
		t.Errorf("an unknown name has details: %+v", got)
	}
}

// A table test never uses a constant that is missing in the list.
func TestMisbehaviourConstants(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("finding the source: %v, %v", files, err)
	}
	var constants []string
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		if file.Name.Name == "openidtest" {
			constants = append(constants, misbehaviourConstants(t, file)...)
		}
	}
	var listed []string
	for _, m := range openidtest.Misbehaviours() {
		listed = append(listed, string(m))
	}
	slices.Sort(constants)
	slices.Sort(listed)
	if diff := cmp.Diff(constants, listed); diff != "" {
		t.Errorf("constants and list differ (-constants +list):\n%s", diff)
	}
	if len(slices.Compact(constants)) != len(listed) {
		t.Error("a name occurs twice")
	}
}

func TestMisbehaveReplaces(t *testing.T) {
	op := start(t, door())
	for _, step := range []struct {
		set  []openidtest.Misbehaviour
		want any
	}{
		{[]openidtest.Misbehaviour{openidtest.IssuerOther, openidtest.SubjectMissing}, "https://other.example"},
		{[]openidtest.Misbehaviour{openidtest.IssuerMissing}, nil},
		{nil, op.Issuer()},
	} {
		op.Misbehave(step.set...)
		if got := newFlow(t, op, door(), "").claims()["iss"]; got != step.want {
			t.Errorf("Misbehave(%v): iss is %v, want %v", step.set, got, step.want)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("an unknown name is accepted")
		}
	}()
	op.Misbehave("spells")
}

// misbehaviourConstants lists the constants of type Misbehaviour in a file.
func misbehaviourConstants(t *testing.T, file *ast.File) []string {
	t.Helper()
	var constants []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if of, ok := spec.Type.(*ast.Ident); ok && of.Name == "Misbehaviour" {
			name, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			constants = append(constants, name)
		}
		return true
	})
	return constants
}
