package strictxml

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The corpus is the same in each run: this number of documents and elements, generated from
// this seed.
var (
	documents = flag.Int("documents", 20, "how many documents are canonicalized by libxml2, too, 100 elements in each")
	seed      = flag.Uint64("seed", 14, "what the documents of libxml2 are made from")
)

const perDocument = 100

// TestDifferentialLibxml2 canonicalizes 2000 elements of random documents here and by
// libxml2: nested elements, by each supported method, with and without prefix lists, and
// SignedInfo. xmlsec1 signs one document with a reference to each element, so its digests are
// those of libxml2.
//
// To test more, with another seed: go test ./plugins/saml/internal/strictxml -run Libxml2
// -documents 300 -seed 1
func TestDifferentialLibxml2(t *testing.T) {
	corpus := newCorpus(t, *documents)
	if different := corpus.differences(func(canonical []byte) []byte { return canonical }); len(different) > 0 {
		t.Errorf("%d of %d differ, the first:\n%s", len(different), corpus.size(), different[0])
	}
	for _, kind := range []string{"xmlns=\"\"", "a prefix bound anew", "InclusiveNamespaces", inclusiveMethod, "WithComments", "xml:lang"} {
		if !corpus.has(kind) {
			t.Errorf("no document of the corpus has %s", kind)
		}
	}
}

// TestDifferentialFindsFaults introduces a fault of each kind into our output: the comparison
// above would find it.
func TestDifferentialFindsFaults(t *testing.T) {
	corpus := newCorpus(t, 3)
	replace := func(old, replacement string) func([]byte) []byte {
		return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(replacement), 1) }
	}
	anew := regexp.MustCompile(`(?s)(xmlns:p="urn:1".*?) xmlns:p="urn:2"`)
	unsorted := regexp.MustCompile(`( [a-z:]+="[^"]*")( [a-z:]+="[^"]*")`)
	last := regexp.MustCompile(`(?s)(.*) xmlns:[a-z]="[^"]*"`)
	for name, fault := range map[string]func([]byte) []byte{
		"no default namespace is not said":   replace(` xmlns=""`, ``),
		"a prefix that is bound anew is not": func(b []byte) []byte { return anew.ReplaceAll(b, []byte("$1")) },
		"attributes in another order":        func(b []byte) []byte { return unsorted.ReplaceAll(b, []byte("$2$1")) },
		"a namespace is left out":            func(b []byte) []byte { return last.ReplaceAll(b, []byte("$1")) },
		"a carriage return is not escaped":   replace("&#xD;", "\r"),
		"a tab in a value is not escaped":    replace("&#x9;", "\t"),
		"a quote in a value is not escaped":  replace("&quot;", "'"),
		"> is not escaped":                   replace("&gt;", ">"),
		"xml:lang is not inherited":          replace(` xml:lang="en"`, ``),
		"an empty element is closed at once": func(b []byte) []byte {
			return regexp.MustCompile(`></[a-z:]+>`).ReplaceAll(b, []byte("/>"))
		},
	} {
		if different := corpus.differences(fault); len(different) == 0 {
			t.Errorf("%s: not found in %d", name, corpus.size())
		}
	}
}

// corpus returns documents that libxml2 has canonicalized.
type corpus struct {
	t         *testing.T
	documents []signedDocument
}

// signedDocument holds the digests of libxml2, by the number of the element.
type signedDocument struct {
	text    string // as it was written
	signed  []byte // as xmlsec1 has signed it
	methods []method
	digests []string
}

const hmacKey = "a key of thirty-two bytes, shared"

func newCorpus(t *testing.T, size int) *corpus {
	t.Helper()
	xmlsec, err := exec.LookPath("xmlsec1")
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal("xmlsec1 is missing: run .ci/setup")
	} else if err != nil {
		t.Skip("xmlsec1 is missing: run .ci/setup")
	}
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	write(t, key, []byte(hmacKey))
	c := &corpus{t: t}
	for i := range size {
		random := rand.New(rand.NewPCG(*seed, uint64(i))) //nolint:gosec // the same in each run
		d := writeDocument(random, i%2 == 0)
		file := filepath.Join(dir, fmt.Sprintf("%d.xml", i))
		write(t, file, []byte(d.text))
		args := []string{"--sign", "--hmackey", key, "--id-attr:ID", "target"}
		for _, uri := range uris {
			args = append(args, "--id-attr:ID", uri+":target")
		}
		cmd := exec.CommandContext(t.Context(), xmlsec, append(args, file)...)
		var problem bytes.Buffer
		cmd.Stderr = &problem
		if d.signed, err = cmd.Output(); err != nil {
			t.Fatalf("xmlsec1: %v\n%s", err, problem.Bytes())
		}
		for _, found := range regexp.MustCompile(`DigestValue>([^<]+)<`).FindAllSubmatch(d.signed, -1) {
			d.digests = append(d.digests, string(found[1]))
		}
		if len(d.digests) != perDocument {
			t.Fatalf("%d digests for %d elements", len(d.digests), perDocument)
		}
		c.documents = append(c.documents, d)
	}
	return c
}

func write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (c *corpus) size() int { return len(c.documents) * (perDocument + 1) }

func (c *corpus) has(kind string) bool {
	anew := regexp.MustCompile(`(?s)<w [^>]*xmlns:p="urn:1"[^<]*<[^>]*xmlns:p="urn:2"`)
	for _, d := range c.documents {
		if strings.Contains(d.text, kind) || kind == "a prefix bound anew" && anew.MatchString(d.text) {
			return true
		}
	}
	return false
}

// differences describes the elements whose output differs from that of libxml2, after fault
// has changed our output.
func (c *corpus) differences(fault func([]byte) []byte) []string {
	c.t.Helper()
	var list []string
	for i, d := range c.documents {
		root, err := Parse([]byte(d.text), Metadata())
		if err != nil {
			c.t.Fatalf("document %d is refused: %v\n%s", i, err, d.text)
		}
		root.Walk(func(e *Element) bool {
			if e.Local != "target" {
				return true
			}
			at, err := strconv.Atoi(strings.TrimPrefix(e.Value("ID"), "t"))
			if err != nil {
				c.t.Fatal(err)
			}
			canonical := fault(d.methods[at].of(c.t, e))
			sum := sha256.Sum256(canonical)
			if base64.StdEncoding.EncodeToString(sum[:]) != d.digests[at] {
				list = append(list, fmt.Sprintf("document %d, element %d, %+v: ours is\n%s", i, at, d.methods[at], canonical))
			}
			return true
		})
		list = append(list, c.signedInfo(i, d, fault)...)
	}
	return list
}

// signedInfo compares SignedInfo, which the signature covers.
func (c *corpus) signedInfo(i int, d signedDocument, fault func([]byte) []byte) []string {
	c.t.Helper()
	root, err := Parse(d.signed, Metadata())
	if err != nil {
		c.t.Fatalf("document %d is refused when it is signed: %v", i, err)
	}
	var list []string
	root.Walk(func(e *Element) bool {
		if e.Local != "Signature" {
			return true
		}
		canonical := fault(d.methods[perDocument].of(c.t, e.Children()[0]))
		mac := hmac.New(sha256.New, []byte(hmacKey))
		mac.Write(canonical)
		value, _ := e.Children()[1].Text()
		if base64.StdEncoding.EncodeToString(mac.Sum(nil)) != strings.TrimSpace(value) {
			list = append(list, fmt.Sprintf("document %d, SignedInfo: ours is\n%.2000s", i, canonical))
		}
		return true
	})
	return list
}
