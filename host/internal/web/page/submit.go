package page

import (
	"bufio"
	"bytes"
	"html/template"
	"io"
)

// Anybody can send a megabyte that ends up in hidden fields. In the template, each
// would be escaped into one string, up to five times as large, and copied from buffer to
// buffer: 64 requests at once took 800 MB. Therefore the fields are written outside the
// template, a piece at a time.

// fieldsMark marks the place of the fields in the rendered template. No inserted text
// can contain it: html/template replaces NUL.
const fieldsMark template.HTML = "\x00fields\x00"

// submitBuffer avoids most of the writes to the network.
const submitBuffer = 16 << 10

// writeSubmit writes a page with the fields in place of the mark.
func writeSubmit(w io.Writer, rendered []byte, fields []HiddenField) error {
	before, after, _ := bytes.Cut(rendered, []byte(fieldsMark))
	out := bufio.NewWriterSize(w, submitBuffer)
	_, _ = out.Write(before) // Flush returns the error
	for _, f := range fields {
		_, _ = out.WriteString("\n<input type=\"hidden\" name=\"")
		writeEscaped(out, f.Name)
		_, _ = out.WriteString(`" value="`)
		writeEscaped(out, f.Value)
		_, _ = out.WriteString(`">`)
	}
	_, _ = out.Write(after)
	return out.Flush()
}

// writeEscaped writes text as the value of an attribute in double quotation marks.
func writeEscaped(out *bufio.Writer, text string) {
	var room [5 * escapedPiece]byte // no escape is longer
	for len(text) > 0 {
		piece := text[:min(len(text), escapedPiece)]
		_, _ = out.Write(appendEscaped(room[:0], piece))
		text = text[len(piece):]
	}
}

const escapedPiece = 1 << 10

// appendEscaped escapes text as html/template does. The escapes are appended byte by byte
// because copying a string takes several times longer, and anybody can send half a
// megabyte of quotation marks.
func appendEscaped(to []byte, text string) []byte {
	plain := 0
	for i := range len(text) {
		c := text[i]
		if c > '>' || c != '"' && c != '&' && c != '\'' && c != '<' && c != '>' && c != 0 {
			continue
		}
		if plain < i {
			to = append(to, text[plain:i]...)
		}
		plain = i + 1
		switch c {
		case '"':
			to = append(to, '&', '#', '3', '4', ';')
		case '&':
			to = append(to, '&', 'a', 'm', 'p', ';')
		case '\'':
			to = append(to, '&', '#', '3', '9', ';')
		case '<':
			to = append(to, '&', 'l', 't', ';')
		case '>':
			to = append(to, '&', 'g', 't', ';')
		default:
			to = append(to, "\uFFFD"...)
		}
	}
	return append(to, text[plain:]...)
}
