package bindings

import (
	"crypto/rand"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/doorward/doorward/plugins/saml/internal/saml2"
	"github.com/doorward/doorward/plugins/saml/internal/strictxml"
)

// The limit that the host is told allows the largest message that is read here, with any line
// breaks in its base64.
func TestInboundHoldsTheLargestMessage(t *testing.T) {
	message := make([]byte, strictxml.MaxMessage)
	rand.Read(message)
	for name, width := range map[string]int{"one line": 1 << 30, "64 characters": 64, "76 characters": 76, "as long as is read": 64} {
		text := base64.StdEncoding.EncodeToString(message)
		var lines []string
		for len(text) > width {
			lines, text = append(lines, text[:width]), text[width:]
		}
		text = strings.Join(append(lines, text), "\r\n")
		if name == "as long as is read" {
			text += strings.Repeat(" ", MaxMessageText-len(text))
		}
		if len(text) > MaxMessageText {
			t.Errorf("%s: %d characters are more than are read, %d", name, len(text), MaxMessageText)
		}
		body := url.Values{saml2.ParamResponse: {text}, saml2.ParamRelayState: {strings.Repeat("/", 80)}}.Encode()
		if len(body) > MaxInbound {
			t.Errorf("%s: a body of %d bytes, more than the %d that the host lets through", name, len(body), MaxInbound)
		}
	}
}
