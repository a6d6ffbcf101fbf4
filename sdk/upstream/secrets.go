package upstream

import (
	"errors"
	"slices"
	"strings"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/redact"
)

// echoed is how many consecutive characters of a secret make a text unfit to be
// shown.
const echoed = 12

const leftOut = "(text left out: it repeats a secret)"

// WithoutSecrets returns err, but replaces its text if that repeats a part of a
// secret. Error texts quote the provider, and a provider may include the code, the
// verifier or the client secret that it refuses. Kind and reason stay.
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

// repeats looks for any part of a secret in text, and for a short secret as a whole
// word: a client secret that is "secret" must not remove a hint about client_secret.
// It ignores backslashes in both, because a quoted text has more of them.
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
