package upstream

import (
	"errors"
	"slices"
	"strings"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/redact"
)

// echoed is how many characters of a secret in a row make a text unfit to be
// shown.
const echoed = 12

const leftOut = "(text left out: it repeats a secret)"

// WithoutSecrets returns err, without its text if that repeats a part of a
// secret. Error texts show names and words of the provider's, and a provider may
// well put the code, the verifier or the client secret that it does not like
// into one. Kind and reason stay.
func WithoutSecrets(err error, secrets ...string) error {
	if err == nil || !repeats(err.Error(), secrets) {
		return err
	}
	refusal, ok := errors.AsType[*sdk.Error](err)
	if !ok {
		return errors.New(leftOut)
	}
	return &sdk.Error{Kind: refusal.Kind, Reason: refusal.Reason, Detail: leftOut}
}

// repeats looks for any part of a secret in text, and for a short one as a whole
// word: a client secret that is "secret" must not take away a hint about
// client_secret. Backslashes are left out of both, because a quoted text has more
// of them.
func repeats(text string, secrets []string) bool {
	var words redact.Set
	words.Replace(slices.DeleteFunc(slices.Clone(secrets), func(s string) bool { return len(s) >= redact.Long }))
	if words.Text(text) != text {
		return true
	}
	text = strings.ReplaceAll(text, `\`, "")
	for _, secret := range secrets {
		if len(secret) < redact.Long {
			continue
		}
		secret = strings.ReplaceAll(secret, `\`, "")
		length := min(len(secret), echoed)
		for at := 0; length > 0 && at+length <= len(secret); at++ {
			if strings.Contains(text, secret[at:at+length]) {
				return true
			}
		}
	}
	return false
}
