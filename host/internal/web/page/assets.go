package page

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"path"
	"strings"
)

//go:embed static
var static embed.FS

type asset struct {
	content     []byte
	contentType string
}

var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// Asset returns an asset by the last segment of its path; ok is false if there is none.
// The name contains a hash of the content, so browsers may cache it indefinitely.
func (p *Pages) Asset(name string) (content []byte, contentType string, ok bool) {
	a, ok := p.assets[name]
	return a.content, a.contentType, ok
}

// readAssets returns the assets by the names in their URLs, and those names by file name.
func readAssets() (assets map[string]asset, links map[string]string, err error) {
	entries, err := static.ReadDir("static")
	if err != nil {
		return nil, nil, err
	}
	assets, links = map[string]asset{}, map[string]string{}
	for _, entry := range entries {
		content, err := static.ReadFile("static/" + entry.Name())
		if err != nil {
			return nil, nil, err
		}
		link := hashedName(entry.Name(), content)
		links[entry.Name()] = link
		assets[link] = asset{content: content, contentType: contentTypes[path.Ext(link)]}
	}
	return assets, links, nil
}

// hashedName makes style-0a1b2c3d4e5f6071.css of style.css.
func hashedName(name string, content []byte) string {
	sum := sha256.Sum256(content)
	ext := path.Ext(name)
	return strings.TrimSuffix(name, ext) + "-" + hex.EncodeToString(sum[:8]) + ext
}
