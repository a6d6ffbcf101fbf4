package main

import (
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/doorward/doorward/plugins/saml/samltest"
)

// TestCostOfCanonicalForms: the output that is written to verify a signature is at most a
// small multiple of the input, although a prefix can stand for a long namespace that each of
// ten thousand elements declares again. Anyone who begins a login can send this.
func TestCostOfCanonicalForms(t *testing.T) {
	r := openRig(t, samltest.Config{}, nil)
	long, many := ` xmlns:p="urn:`+strings.Repeat("u", 110_000)+`"`, strings.Repeat("<p:a/>", 9000)
	info := `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_a"><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"` + long + `><ds:SignedInfo>` +
		`<ds:CanonicalizationMethod Algorithm="` + exclusiveC14N + `"/><ds:SignatureMethod Algorithm="` + samltest.RSASHA256 + `"/>` +
		`<ds:Reference URI="#_a">` + many + `</ds:Reference></ds:SignedInfo><ds:SignatureValue>AAAA</ds:SignatureValue></ds:Signature></samlp:Response>`
	req, memory := r.begin()
	good := r.idp.Write(r.idp.Draft(req, alice))
	signed := regexp.MustCompile(`(</(?:\w+:)?Assertion>)`).ReplaceAllString(string(good), `<Advice`+long+`>`+many+`</Advice>$1`)
	for name, bomb := range map[string]string{
		"in SignedInfo":     info,
		"in what is signed": signed,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := r.present([]byte(bomb), memory)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 100*uint64(len(bomb)) {
			t.Errorf("%s: %d bytes of memory for %d of a message", name, used, len(bomb))
		}
	}
}
