// Command doorward-plugin-magic signs in with a name and the code of an
// authenticator app: RFC 6238 with SHA-256, 6 digits, 30 seconds. It is the
// example in the manual for authors, which contains this file word for word.
package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/plugin"
)

func main() {
	plugin.Serve(plugin.Description{Mechanism: "magic", Version: "1.0.0"}, open)
}

// Options are the options of a provider: seeds__alice=GEZDGNBV...
type Options struct {
	Seeds map[string]string `option:"seeds,required,secret" doc:"seed of each user, by name in lower case: at least 20 bytes in base32"`
}

type magic struct {
	env  sdk.Env
	keys map[string][]byte // by name
}

func open(_ context.Context, env sdk.Env, opts Options) (sdk.Mechanism, error) {
	m := &magic{env: env, keys: map[string][]byte{}}
	var problems options.Problems
	for name, seed := range opts.Seeds {
		key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(seed)
		if err != nil || len(key) < 20 {
			problems.Addf("seeds", "the TOTP seed of %q must be base32 of at least 20 bytes", name)
		}
		m.keys[name] = key
	}
	return m, problems.Err()
}

const maxTries = 3

func (m *magic) Begin(context.Context, sdk.BeginRequest) (sdk.Step, error) {
	return ask("", 0), nil
}

// ask counts the tries in the memory, not in the mechanism: the next call may
// reach another process.
func ask(reason sdk.Reason, tries byte) sdk.Prompt {
	return sdk.Prompt{
		Reason: reason,
		Memory: []byte{tries},
		Fields: []sdk.PromptField{
			{Name: "name", Kind: sdk.FieldUsername},
			{Name: "code", Kind: sdk.FieldOneTimeCode},
		},
	}
}

func (m *magic) Continue(_ context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
	if len(req.Memory) != 1 {
		return nil, sdk.InvalidResponse("memory_missing", "answers without the memory of a prompt")
	}
	name := strings.ToLower(strings.TrimSpace(req.Answers["name"]))
	period, ok := m.matches(name, req.Answers["code"])
	if ok {
		return m.signIn(name, period), nil
	}
	m.env.Logger.Info("wrong code", "try", req.Memory[0]+1)
	if req.Memory[0]+1 >= maxTries {
		return nil, sdk.Denied(sdk.ReasonCodeWrong, "no correct code in %d tries", maxTries)
	}
	return ask(sdk.ReasonCodeWrong, req.Memory[0]+1), nil
}

// matches reports whether the code is that of the user for this period or the
// previous one. It takes the same time for an unknown user.
func (m *magic) matches(name, code string) (period int64, ok bool) {
	key, known := m.keys[name]
	now := m.env.Now().Unix() / 30
	for _, p := range []int64{now - 1, now} {
		if subtle.ConstantTimeCompare([]byte(codeOf(key, p)), []byte(code)) == 1 {
			period, ok = p, known
		}
	}
	return period, ok
}

// signIn names the code, so that the host accepts it only once. The subject is the
// name that the operator wrote, not the end user's input.
func (m *magic) signIn(name string, period int64) sdk.Step {
	return sdk.Authenticated{Identity: sdk.Identity{
		Subject:   name,
		Username:  name,
		AuthTime:  m.env.Now(),
		AMR:       []string{"otp"},
		OnceID:    fmt.Sprintf("%s %d", name, period),
		OnceUntil: time.Unix((period+2)*30, 0),
	}}
}

// codeOf returns the HOTP value for the period (RFC 4226 section 5.3).
func codeOf(key []byte, period int64) string {
	mac := hmac.New(sha256.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(period)))
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0xf
	number := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	return fmt.Sprintf("%06d", number%1_000_000)
}
