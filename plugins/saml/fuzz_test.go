package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/saml/internal/ownkeys"
	"github.com/doorward/doorward/plugins/saml/samltest"
	"github.com/doorward/doorward/sdk"
)

// slow is the time limit for any 64 KB (I12). Machines that fuzz run several of these at
// once, so the limit is a multiple that quadratic behaviour still exceeds by far;
// BenchmarkAnything measures without other load.
const slow = 100 * 50 * time.Millisecond

func checkOutcome(t *testing.T, started time.Time, err error) {
	t.Helper()
	if took := time.Since(started); took > slow {
		t.Errorf("took %v", took)
	}
	for _, kind := range []error{sdk.ErrDenied, sdk.ErrInvalidResponse, sdk.ErrUnavailable, sdk.ErrMisconfigured} {
		if errors.Is(err, kind) {
			return
		}
	}
	if err != nil {
		t.Errorf("neither a login nor a refusal: %v", err)
	}
}

// fixedKey is the same in each fuzzing process. With separate keys, no process could verify
// the signatures in inputs that another one found.
func fixedKey(f *testing.F) (samltest.Key, string) {
	f.Helper()
	text, err := os.ReadFile("testdata/key.pem")
	if err != nil {
		f.Fatal(err)
	}
	keys, err := ownkeys.ParseKeys(string(text), "")
	if err != nil {
		f.Fatal(err)
	}
	return samltest.Certify(keys[0], time.Now().AddDate(-5, 0, 0), time.Now().AddDate(5, 0, 0)), string(text)
}

// directFixed is direct with that key on both sides.
func directFixed(f *testing.F) (*mechanism, *samltest.IdP, samltest.Key) {
	f.Helper()
	key, text := fixedKey(f)
	idp := samltest.New(samltest.Config{URL: idpURL})
	idp.SetKeys(key, key)
	m, idp2 := direct(f, samltest.Config{}, map[string]any{"sp_private_key": text, "idp_metadata": string(idp.Metadata().XML())})
	idp2.SetKeys(key, key)
	return m, idp2, key
}

// FuzzResponse changes valid responses: anyone who is signed in is the user who was signed,
// and nothing takes long (I12).
func FuzzResponse(f *testing.F) {
	m, idp, key := directFixed(f)
	for i, style := range samltest.Styles {
		draft := idp.Draft(solicited.Request, alice)
		draft.Style, draft.SignResponse = style, i%2 == 0
		if i%3 == 0 {
			draft.Encryption = to(key)
		}
		f.Add(idp.Write(draft))
		doc := draft.Document()
		if draft.Encryption == nil {
			samltest.Wrap(doc, 3+i%6, "evil")
			f.Add(samltest.Serialise(style, doc))
		}
	}
	for _, file := range []string{"secureworks", "amazon", "keycloak"} { // of other shapes, and not signed
		if shape, err := os.ReadFile("testdata/shapes/" + file + ".response.xml"); err == nil {
			f.Add(shape)
		}
	}
	f.Add([]byte("\ufeff \n<?xml version='1.0'?><p:Response xmlns:p=\"urn:oasis:names:tc:SAML:2.0:protocol\" xmlns=\"urn:a\" ID=\"1+/=\"><x xmlns=\"\"/><p:x xmlns:p=\"urn:b\"/></p:Response>"))
	f.Add([]byte(`<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol"><s:Signature xmlns:s="http://www.w3.org/2000/09/xmldsig#"/></p:Response>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 64<<10 {
			return
		}
		started := time.Now()
		step, err := m.Continue(t.Context(), presented(data))
		checkOutcome(t, started, err)
		if err != nil {
			return
		}
		if done := step.(sdk.Authenticated); done.Identity.Subject != alice.NameID {
			t.Errorf("signed in as %q by %q", done.Identity.Subject, data)
		}
	})
}

// FuzzLogout changes valid logout messages in a query.
func FuzzLogout(f *testing.F) {
	m, idp, _ := directFixed(f)
	f.Add(idp.LogoutRequest(sloURL, alice, "a").Query("x"))
	f.Add(idp.LogoutResponse(sloURL, "_request").Query(state))
	f.Add("SAMLRequest=&SigAlg=&Signature=")
	f.Add("Signature=&RelayState=x&SigAlg=&SAMLRequest=")
	f.Fuzz(func(t *testing.T, query string) {
		if len(query) > 64<<10 {
			return
		}
		started := time.Now()
		values, _ := url.ParseQuery(query)
		got, err := m.ReceiveLogout(t.Context(), sdk.LogoutMessage{
			Request: sdk.InboundRequest{Method: "GET", RawQuery: query, Query: values}, State: state, Memory: solicited.memory,
		})
		checkOutcome(t, started, err)
		if err == nil && got.Outcome == "" && got.Subject != alice.NameID {
			t.Errorf("logs out %q by %q", got.Subject, query)
		}
	})
}

// BenchmarkBomb handles 20 MB compressed to 20 KB (H33). The limit is 10 ms.
func BenchmarkBomb(b *testing.B) {
	m, _ := direct(b, samltest.Config{}, nil)
	query := "SAMLRequest=" + url.QueryEscape(base64.StdEncoding.EncodeToString(samltest.Deflate(make([]byte, 20<<20))))
	for b.Loop() {
		if _, err := m.ReceiveLogout(b.Context(), sdk.LogoutMessage{Request: sdk.InboundRequest{Method: "GET", RawQuery: query}}); err == nil {
			b.Fatal("accepted")
		}
	}
}

// BenchmarkAnything handles the most expensive input of 64 KB in the whole response path. The
// limit is 50 ms.
func BenchmarkAnything(b *testing.B) {
	m, idp := direct(b, samltest.Config{}, map[string]any{"sp_private_key": pemKey(b, samltest.OtherKey())})
	const size = 64 << 10
	fill := func(draft *samltest.Draft, piece string) []byte {
		draft.Style = samltest.Style{Protocol: "samlp", Signature: "ds"}
		room := size - len(idp.Write(draft))
		draft.Assertion.Extra = strings.Repeat(piece, room/len(piece))
		return idp.Write(draft)
	}
	forged := func(d *samltest.Draft) *samltest.Draft {
		d.SignResponse, d.Signing.Key = true, samltest.OtherKey()
		return d
	}
	good := func() *samltest.Draft { return idp.Draft(solicited.Request, alice) }
	encrypted := good()
	encrypted.Encryption = &samltest.Encryption{To: samltest.OtherKey().Certificate, Plain: func(p []byte) []byte {
		return append(p, bytes.Repeat([]byte("<x/>"), 10_000)...)
	}}
	group := `<AttributeStatement><Attribute Name="g"><AttributeValue>a-group-of-people</AttributeValue></Attribute></AttributeStatement>`
	for name, message := range map[string][]byte{
		"good, many elements":    fill(good(), "<xyzz/>"),
		"good, many attributes":  fill(good(), `<x a="" b="" c="" d="" e="" f="" g="" h=""/>`),
		"good, many groups":      fill(good(), group),
		"forged, many elements":  fill(forged(good()), "<xyzz/>"),
		"forged, references":     fill(forged(good()), "&amp;"),
		"encrypted":              idp.Write(encrypted),
		"nothing but signatures": []byte("<x>" + strings.Repeat(`<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>`, 1000) + "</x>"),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(message)))
			req := presented(message)
			for b.Loop() {
				_, err := m.Continue(b.Context(), req)
				if strings.HasPrefix(name, "good") && err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
