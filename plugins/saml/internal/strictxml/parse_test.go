package strictxml

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// TestRefused lists documents that must be refused. The whole list takes no time: reading
// stops at the first fault.
func TestRefused(t *testing.T) {
	laughs := `<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><l>&b;</l>`
	for name, document := range map[string]string{
		"I01 DOCTYPE":                          `<!DOCTYPE x><x/>`,
		"I01 DOCTYPE in small letters":         `<!doctype x><x/>`,
		"I01 DOCTYPE behind a declaration":     `<?xml version="1.0"?><!DOCTYPE x SYSTEM "http://evil.example/x.dtd"><x/>`,
		"I01 DOCTYPE inside":                   `<x><!DOCTYPE y></x>`,
		"I02 an external entity":               `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>`,
		"I02 an external entity, not declared": `<x>&e;</x>`,
		"I02 a parameter entity":               `<!DOCTYPE x [<!ENTITY % p SYSTEM "http://evil.example/">%p;]><x/>`,
		"I03 billion laughs":                   laughs,
		"I04 65 deep":                          strings.Repeat("<x>", 65) + strings.Repeat("</x>", 65),
		"I04 1000 deep":                        strings.Repeat("<x>", 1000) + strings.Repeat("</x>", 1000),
		"I04 60000 deep, never closed":         strings.Repeat("<x>", 60_000),
		"I05 too many siblings":                "<x>" + strings.Repeat("<y/>", 20_000) + "</x>",
		"I05 too many attributes of one":       "<x" + attributes(65) + "/>",
		"I05 too many attributes of all":       "<x>" + strings.Repeat("<y"+attributes(60)+"/>", 400) + "</x>",
		"I05 a long name":                      "<" + strings.Repeat("x", 200_000) + "/>",
		"I05 a long value":                     `<x a="` + strings.Repeat("x", 300_000) + `"/>`,
		"I05 too many namespaces":              "<x" + strings.Repeat(" ", 1) + namespaces(65) + "/>",
		"I05 too many namespaces, nested":      "<x" + namespaces(40) + "><y" + strings.ReplaceAll(namespaces(40), ":a", ":b") + "/></x>",
		"I06 an undeclared prefix":             `<a:x/>`,
		"I06 an undeclared prefix of an attr":  `<x a:y="1"/>`,
		"I06 a prefix out of its scope":        `<x><y xmlns:a="urn:a"/><a:z/></x>`,
		"I06 a prefix undeclared":              `<x xmlns:a="urn:a"><y xmlns:a=""/></x>`,
		"I06 a prefix undeclared anew":         `<x xmlns:a="urn:a"><y xmlns:a="urn:b"><z xmlns:a=""/></y></x>`,
		"I06 a prefix bound anew, beside":      `<x xmlns:a="urn:a"><y xmlns:b="urn:b"/><b:z/></x>`,
		"I06 xml bound anew, further in":       `<x><y xmlns:xml="urn:x"/></x>`,
		"I06 xml bound anew":                   `<x xmlns:xml="urn:x"/>`,
		"I06 xml bound to itself twice":        `<x xmlns:xml="http://www.w3.org/XML/1998/namespace" xmlns:xml="http://www.w3.org/XML/1998/namespace"/>`,
		"I06 xmlns bound":                      `<x xmlns:xmlns="urn:x"/>`,
		"I06 a prefix for xml's namespace":     `<x xmlns:a="http://www.w3.org/XML/1998/namespace"/>`,
		"I06 a prefix for xmlns's namespace":   `<x xmlns:a="http://www.w3.org/2000/xmlns/"/>`,
		"I06 a prefix declared twice":          `<x xmlns:a="urn:a" xmlns:a="urn:a"/>`,
		"I06 an element of prefix xmlns":       `<xmlns:x/>`,
		"I06 two colons":                       `<a:b:c xmlns:a="urn:a"/>`,
		"I06 a colon in front":                 `<:a/>`,
		"I06 a colon behind":                   `<a: xmlns:a="urn:a"/>`,
		"I06 an attribute with two colons":     `<x a:b:c="1"/>`,
		"I06 an attribute with a colon behind": `<x a:="1"/>`,
		"I07 an attribute twice":               `<x a="1" a="2"/>`,
		"I07 an attribute twice, bound anew":   `<x xmlns:a="urn:a"><y xmlns:a="urn:b" xmlns:b="urn:b" a:y="1" b:y="2"/></x>`,
		"I07 an attribute twice by namespace":  `<x xmlns:a="urn:a" xmlns:b="urn:a" a:y="1" b:y="2"/>`,
		"I08 UTF-16":                           "\xff\xfe<\x00x\x00/\x00>\x00",
		"I08 UTF-16, big end first":            "\xfe\xff\x00<\x00x\x00/\x00>",
		"I08 UTF-7":                            `<?xml version="1.0" encoding="UTF-7"?><x/>`,
		"I08 UTF-16 by label":                  `<?xml version="1.0" encoding="UTF-16"?><x/>`,
		"I08 ISO-8859-1":                       `<?xml version="1.0" encoding="ISO-8859-1"?><x/>`,
		"I08 two byte order marks":             "\ufeff\ufeff<x/>",
		"I08 a byte order mark further in":     " \ufeff<x/>",
		"I08 a byte order mark, declaration":   "<?xml version=\"1.0\"?>\ufeff<x/>",
		"I08 a byte order mark behind":         "<x/>\ufeff",
		"I08 an overlong form":                 "<x>\xc0\xbc</x>",
		"I08 a surrogate":                      "<x>\xed\xa0\x80</x>",
		"I08 broken off":                       "<x>\xc3</x>",
		"I08 beyond Unicode":                   "<x>\xf4\x90\x80\x80</x>",
		"I08 NUL":                              "<x>\x00</x>",
		"I08 U+FFFE":                           "<x>\ufffe</x>",
		"I08 U+FFFF":                           "<x>\uffff</x>",
		"I08 a form feed":                      "<x>\f</x>",
		"I08 a reference to NUL":               "<x>&#0;</x>",
		"I08 a reference to a surrogate":       "<x>&#xD800;</x>",
		"I08 a reference to U+FFFE":            "<x>&#xFFFE;</x>",
		"I08 a reference beyond Unicode":       "<x>&#x110000;</x>",
		"I08 a huge reference":                 "<x>&#99999999999999999999;</x>",
		"I08 a reference with a sign":          "<x>&#-1;</x>",
		"I08 a reference in capitals":          "<x>&#X41;</x>",
		"I08 a reference without end":          "<x>&amp</x>",
		"I08 an entity of HTML":                "<x>&nbsp;</x>",
		"I08 a bare ampersand":                 `<x a="a&b"/>`,
		"I09 something behind":                 `<x/>y`,
		"I09 two roots":                        `<x/><x/>`,
		"I09 something in front":               `y<x/>`,
		"I09 nothing":                          ``,
		"I09 white space":                      " \n",
		"I09 a style sheet":                    `<?xml-stylesheet href="x"?><x/>`,
		"I09 a processing instruction inside":  `<x><?y?></x>`,
		"I09 a processing instruction behind":  `<x/><?y?>`,
		"I09 a declaration behind a comment":   `<!-- y --><?xml version="1.0"?><x/>`,
		"I09 a declaration behind the root":    `<x/><?xml version="1.0"?>`,
		"I09 a DOCTYPE behind a mark":          "\ufeff \n<!DOCTYPE x><x/>",
		"I09 version 1.1":                      `<?xml version="1.1"?><x/>`,
		"I09 two declarations":                 `<?xml version="1.0"?><?xml version="1.0"?><x/>`,
		"a comment":                            `<x><!-- y --></x>`,
		"a comment in front":                   `<!-- y --><x/>`,
		"another end tag":                      `<x></y>`,
		"an end tag of another prefix":         `<a:x xmlns:a="urn:a" xmlns:b="urn:a"></b:x>`,
		"an end tag in other letters":          `<x></X>`,
		"an end tag with an attribute":         `<x></x a="1">`,
		"no end tag":                           `<x>`,
		"an end tag too many":                  `<x></x></x>`,
		"a tag that does not end":              `<x a="1"`,
		"no space between attributes":          `<x a="1"b="2"/>`,
		"an attribute without value":           `<x a/>`,
		"a value without quotes":               `<x a=1/>`,
		"a value with another quote":           `<x a="1'/>`,
		"< in a value":                         `<x a="<"/>`,
		"]]> in text":                          `<x>]]></x>`,
		"CDATA without end":                    `<x><![CDATA[</x>`,
		"CDATA outside":                        `<![CDATA[x]]><x/>`,
		"a name that begins with a digit":      `<1x/>`,
		"a name of other letters":              `<é/>`,
		"a name that ends in other letters":    `<xé/>`,
		"a tag with a space in front":          `< x/>`,
		"a slash elsewhere":                    `<x/ >`,
		"a conditional section":                `<![INCLUDE[<x/>]]>`,
	} {
		started := time.Now()
		_, err := Parse([]byte(document), Message())
		if !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(started); took > 10*time.Second {
			t.Errorf("%s took %v", name, took)
		}
		if err != nil && len(err.Error()) > 300 {
			t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
		}
	}
	tooLarge := "<x>" + strings.Repeat(" ", Message().Bytes) + "</x>"
	if _, err := Parse([]byte(tooLarge), Message()); !errors.Is(err, ErrRefused) {
		t.Errorf("too large: %v", err)
	}
}

func attributes(n int) string {
	var all strings.Builder
	for i := range n {
		fmt.Fprintf(&all, ` a%d=""`, i)
	}
	return all.String()
}

func namespaces(n int) string {
	var all strings.Builder
	for i := range n {
		fmt.Fprintf(&all, ` xmlns:a%d="urn:a%d"`, i, i)
	}
	return all.String()
}

// TestRead lists documents that must be accepted, and how they are read.
func TestRead(t *testing.T) {
	for document, want := range map[string]string{
		`<x/>`: `<x></x>`,
		"<?xml version='1.0' encoding='utf-8' standalone='yes' ?>\r\n<x/>\n": `<x></x>`,
		`<x >a</x >`: `<x>a</x>`,
		`<x>&lt;&gt;&amp;&quot;&apos;&#65;&#x42;&#xe9;é</x>`:                  `<x>&lt;&gt;&amp;"'ABéé</x>`,
		`<x><![CDATA[<a>&amp;]]>b</x>`:                                        `<x>&lt;a&gt;&amp;amp;b</x>`,
		"<x>a\r\nb\rc\nd&#13;e</x>":                                           "<x>a\nb\nc\nd&#xD;e</x>",
		"<x a='a\r\nb\tc&#10;d&#9;\"&amp;&lt;'/>":                             "<x a=\"a b c&#xA;d&#x9;&quot;&amp;&lt;\"></x>",
		`<x xmlns="urn:a"><y xmlns="urn:b"/><z/></x>`:                         `<x xmlns="urn:a"><y xmlns="urn:b"></y><z></z></x>`,
		`<a:x xmlns:a="urn:a" xmlns:b="urn:b"><a:y/></a:x>`:                   `<a:x xmlns:a="urn:a"><a:y></a:y></a:x>`,
		`<x xmlns:a="urn:a"><y a:b="1"/><y a:b="1"/></x>`:                     `<x><y xmlns:a="urn:a" a:b="1"></y><y xmlns:a="urn:a" a:b="1"></y></x>`,
		`<x xmlns:a="urn:a"><y xmlns:a="urn:a" a:b=""/></x>`:                  `<x><y xmlns:a="urn:a" a:b=""></y></x>`,
		`<x xmlns:xml="http://www.w3.org/XML/1998/namespace" xml:lang="en"/>`: `<x xml:lang="en"></x>`,
		// Namespaces in XML 1.0 section 6.2, and exclusive canonicalization section 3.
		`<x xmlns="urn:a"><y xmlns=""><z/></y></x>`:                         `<x xmlns="urn:a"><y xmlns=""><z></z></y></x>`,
		`<x xmlns=""><y/></x>`:                                              `<x><y></y></x>`,
		`<a:x xmlns:a="urn:a" xmlns="urn:b"><a:y xmlns=""><z/></a:y></a:x>`: `<a:x xmlns:a="urn:a"><a:y><z></z></a:y></a:x>`,
		`<a:x xmlns:a="urn:a"><a:y xmlns:a="urn:b"/><a:z/></a:x>`:           `<a:x xmlns:a="urn:a"><a:y xmlns:a="urn:b"></a:y><a:z></a:z></a:x>`,
		`<a:x xmlns:a="urn:a"><y xmlns:a="urn:b"><a:z/></y></a:x>`:          `<a:x xmlns:a="urn:a"><y><a:z xmlns:a="urn:b"></a:z></y></a:x>`,
		`<a:x xmlns:a="urn:a"><b xmlns:a="urn:b" a:c=""/></a:x>`:            `<a:x xmlns:a="urn:a"><b xmlns:a="urn:b" a:c=""></b></a:x>`,
		// Leading text after copy and paste.
		"\ufeff<x/>":                                         `<x></x>`,
		"\r\n <?xml version='1.0'?>\n<x/>":                   `<x></x>`,
		"\ufeff\n\t<?xml version='1.0'?> <x/>":               `<x></x>`,
		"<x>\ufeff</x>":                                      "<x>\ufeff</x>",
		`<x xml:lang="en" b="1" a="2"/>`:                     `<x a="2" b="1" xml:lang="en"></x>`,
		`<x xmlns:b="urn:1" xmlns:a="urn:2" a:y="" b:z=""/>`: `<x xmlns:a="urn:2" xmlns:b="urn:1" b:z="" a:y=""></x>`,
	} {
		e, err := Parse([]byte(document), Message())
		if err != nil {
			t.Errorf("%s: %v", document, err)
			continue
		}
		if got := string(canonical(t, e)); got != want {
			t.Errorf("%q\ngot  %q\nwant %q", document, got, want)
		}
	}
}

// TestBoundAnew: a name is read by the meaning of its prefix at its place.
func TestBoundAnew(t *testing.T) {
	e, err := Parse([]byte(`<a:x xmlns:a="urn:1" xmlns="urn:d"><a:x xmlns:a="urn:2" a:i="1"><y/><y xmlns=""/></a:x><a:x/></a:x>`), Message())
	if err != nil {
		t.Fatal(err)
	}
	inner := e.Child("urn:2", "x")
	if !e.Is("urn:1", "x") || inner == nil || e.Child("urn:1", "x") == nil || inner.Attrs[0].Space != "urn:2" {
		t.Errorf("%+v", e.Children())
	}
	if inner.Child("urn:d", "y") == nil || inner.Child("", "y") == nil {
		t.Errorf("%+v", inner.Children())
	}
	if scope := inner.Children()[1].Namespaces(); scope["a"] != "urn:2" || scope[""] != "" {
		t.Errorf("%v", scope)
	}
}

func TestMetadataHasComments(t *testing.T) {
	e, err := Parse([]byte("<!-- a --><x>b<!-- c -->d</x><!-- e -->"), Metadata())
	if err != nil {
		t.Fatal(err)
	}
	if text, ok := e.Text(); !ok || text != "bd" {
		t.Errorf("%q %v", text, ok)
	}
	for _, bad := range []string{"<x><!-- a -- b --></x>", "<x><!-- a", "<!DOCTYPE x><x/>", "<x><!-x--></x>"} {
		if _, err := Parse([]byte(bad), Metadata()); err == nil {
			t.Errorf("%s is read", bad)
		}
	}
}

func TestWithin(t *testing.T) {
	e, err := ParseWithin([]byte(`<a:x/>`), Message(), map[string]string{"a": "urn:a", "": "urn:d"})
	if err != nil || !e.Is("urn:a", "x") {
		t.Fatalf("%+v %v", e, err)
	}
	if got := string(canonical(t, e)); got != `<a:x xmlns:a="urn:a"></a:x>` {
		t.Error(got)
	}
	if _, err := ParseWithin([]byte(`<a:x/>`), Message(), map[string]string{"b": "urn:a"}); err == nil {
		t.Error("a prefix that was not in scope")
	}
}

func canonical(t testing.TB, e *Element, prefixes ...string) []byte {
	t.Helper()
	written, err := Canonical(e, prefixes, nil, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	return written
}

// TestCanonicalIsBounded: a namespace that the document declares once is declared in each
// element that uses it in the canonical form.
func TestCanonicalIsBounded(t *testing.T) {
	document := `<x xmlns:p="urn:` + strings.Repeat("u", 1000) + `">` + strings.Repeat("<p:y/>", 100) + `</x>`
	e, err := Parse([]byte(document), Message())
	if err != nil {
		t.Fatal(err)
	}
	whole := len(canonical(t, e))
	if whole < 100_000 {
		t.Fatalf("%d bytes of %d", whole, len(document))
	}
	if _, err := Canonical(e, nil, nil, whole); err != nil {
		t.Error(err)
	}
	if _, err := Canonical(e, nil, nil, whole-1); !errors.Is(err, ErrRefused) {
		t.Errorf("a byte too many: %v", err)
	}
	if inclusive, err := Inclusive(e, 3000); err != nil || len(inclusive) > 2500 {
		t.Errorf("%d %v", len(inclusive), err)
	}
	if _, err := Inclusive(e, 2000); !errors.Is(err, ErrRefused) {
		t.Errorf("a byte too many: %v", err)
	}
}

// TestPrefixList tests section 3 of Exclusive XML Canonicalization.
func TestPrefixList(t *testing.T) {
	e, err := Parse([]byte(`<o xmlns="urn:d" xmlns:xs="urn:xs" xmlns:y="urn:y"><y:i t="xs:string"><y:j xmlns:z="urn:z"/></y:i></o>`), Message())
	if err != nil {
		t.Fatal(err)
	}
	inner := e.Children()[0]
	for _, test := range []struct {
		prefixes []string
		want     string
	}{
		{nil, `<y:i xmlns:y="urn:y" t="xs:string"><y:j></y:j></y:i>`},
		{[]string{"xs"}, `<y:i xmlns:xs="urn:xs" xmlns:y="urn:y" t="xs:string"><y:j></y:j></y:i>`},
		{[]string{"z", "nowhere"}, `<y:i xmlns:y="urn:y" t="xs:string"><y:j xmlns:z="urn:z"></y:j></y:i>`},
		{[]string{"#default"}, `<y:i xmlns="urn:d" xmlns:y="urn:y" t="xs:string"><y:j></y:j></y:i>`},
	} {
		if got := string(canonical(t, inner, test.prefixes...)); got != test.want {
			t.Errorf("%q\ngot  %s\nwant %s", test.prefixes, got, test.want)
		}
	}
}

// FuzzParse compares the parser with three other readers: they read everything that it
// accepts in the same way (I11), and its output is read as the same document.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`<?xml version="1.0" encoding="UTF-8"?><a:x xmlns:a="urn:a" ID="_1"><a:y b="&amp;">c<![CDATA[d]]></a:y></a:x>`,
		`<x xmlns="urn:a"><y xmlns="urn:b" xml:lang="en"/></x>`, "<x a='\t\r\n'>\r\n</x>", `<!DOCTYPE x><x/>`, `<x xmlns:a="urn:a" xmlns:b="urn:a" a:c="1" b:c="2"/>`,
		"\ufeff <?xml version='1.0'?><x/>", `<x xmlns="urn:a"><y xmlns=""/></x>`, `<A xmlns=""/>`, `<a:x xmlns:a="urn:a"><a:y xmlns:a="urn:b"/></a:x>`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := Parse(data, Message())
		if err != nil {
			return
		}
		once := canonical(t, e)
		again, err := Parse(once, Message())
		if err != nil {
			t.Fatalf("what is written is refused: %v\n%q", err, once)
		}
		if twice := canonical(t, again); !bytes.Equal(once, twice) {
			t.Fatalf("%q\n%q", once, twice)
		}
		if bytes.Contains(data, []byte("\r")) || bytes.ContainsAny(data, "\t\n") {
			return // attributes with line ends: encoding/xml does not normalize them
		}
		doc := etree.NewDocument()
		if err := doc.ReadFromBytes(bytes.TrimLeft(bytes.TrimPrefix(data, byteOrderMark), whiteSpace)); err != nil {
			t.Fatalf("etree: %v\n%q", err, data)
		}
		if odd(e) {
			return
		}
		theirs, err := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("").Canonicalize(doc.Root())
		if err != nil {
			t.Fatalf("goxmldsig: %v\n%q", err, data)
		}
		if !bytes.Equal(once, theirs) {
			t.Fatalf("ours   %q\ntheirs %q", once, theirs)
		}
	})
}

// odd reports known differences in the output of the other library: it sorts attributes of
// several namespaces by prefix, and writes redundant declarations of an empty default
// namespace. TestDifferentialLibxml2 covers both.
func odd(e *Element) bool {
	found := false
	e.Walk(func(e *Element) bool {
		for _, a := range e.Attrs {
			found = found || a.Prefix != ""
		}
		for _, d := range e.Declares {
			found = found || d.URI == ""
		}
		return true
	})
	return found
}

// BenchmarkHostile parses the most expensive input of 64 KB. The limit is 50 ms.
func BenchmarkHostile(b *testing.B) {
	fill := func(head, piece, tail string) []byte {
		return []byte(head + strings.Repeat(piece, (64<<10-len(head)-len(tail))/len(piece)) + tail)
	}
	for name, document := range map[string][]byte{
		"siblings":          fill("<x>", "<y/>", "</x>"),
		"references":        fill("<x>", "&lt;", "</x>"),
		"references, value": fill(`<x a="`, "&lt;", `"/>`),
		"CDATA":             fill("<x>", "<![CDATA[]]>", "</x>"),
		"deep":              fill("", "<x>", ""),
		"name":              fill("<", "x", "/>"),
		"attributes":        fill("<x>", "<y"+attributes(64)+"/>", "</x>"),
		"namespaces":        fill("<x"+namespaces(63)+">", "<a0:y a62:z='' a1:z=''/>", "</x>"),
		"space":             fill("<x", " ", "/>"),
		"declaration":       fill("<?xml version='1.0'", " ", "?><x/>"),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(document)))
			for b.Loop() {
				if e, err := Parse(document, Message()); err == nil {
					_, _ = Canonical(e, []string{"a5"}, nil, MaxMessage)
				}
			}
		})
	}
}
