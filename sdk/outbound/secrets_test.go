package outbound

import (
	"slices"
	"testing"
)

func TestSecrets(t *testing.T) {
	s := Settings{
		Proxy: "http://user:p%40ss@proxy.example:3128", Key: "key",
		GlobalAgent: ProxyRules{HTTP: "http://proxy.example", HTTPS: "http://u:q@proxy.example"},
		Standard:    ProxyRules{HTTP: "http://u:%zz@proxy.example", HTTPS: "u:x@proxy.example:3128"},
	}
	if got, want := s.Secrets(), []string{"key", "p@ss", "q", "http://u:%zz@proxy.example", "u:x@proxy.example:3128"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := (Settings{}).Secrets(); len(got) != 0 {
		t.Errorf("%q of none", got)
	}
}
