package web

import (
	"fmt"
	"slices"
	"sync"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/web/redirect"
	"github.com/doorward/doorward/sdk"
)

// redirects caches the rules of each provider until its allow list or the applications
// change, which can happen while the host runs.
type redirects struct {
	publicURL string
	others    []string // our further public URLs
	apps      func() []string
	cache     sync.Map // cachedRules by name of the provider
}

type cachedRules struct {
	list, apps []string
	rules      *redirect.Rules
}

// resolve checks where a login with the provider is allowed to return to.
func (r *redirects) resolve(p sso.Provider, target string) (string, error) {
	rules, err := r.rules(p)
	if err != nil {
		return "", err
	}
	return rules.Resolve(target)
}

// resolver is resolve for one target and many providers. Most of them agree, and reading a
// long URL takes 100 µs: a target at this host or at an application is allowed for all or
// for none, and providers with the same list give the same answer.
func (r *redirects) resolver(target string) func(p sso.Provider) (string, error) {
	type resolved struct {
		list   []string
		target string
		err    error
	}
	var known []resolved
	own := false
	return func(p sso.Provider) (string, error) {
		if len(known) == 0 {
			checked, err := r.resolve(sso.Provider{}, target)
			known, own = append(known, resolved{nil, checked, err}), err == nil
		}
		for _, one := range known {
			if own || slices.Equal(one.list, p.RedirectAllowList) {
				return one.target, one.err
			}
		}
		checked, err := r.resolve(p, target)
		known = append(known, resolved{p.RedirectAllowList, checked, err})
		return checked, err
	}
}

func (r *redirects) rules(p sso.Provider) (*redirect.Rules, error) {
	apps := r.apps()
	if found, ok := r.cache.Load(p.Name); ok {
		if cached, ok := found.(cachedRules); ok && slices.Equal(cached.list, p.RedirectAllowList) && slices.Equal(cached.apps, apps) {
			return cached.rules, nil
		}
	}
	rules, err := redirect.New(r.publicURL, p.RedirectAllowList)
	if err != nil {
		return nil, sdk.Misconfigured("redirect_allow_list", "reading the redirect allow list of provider %s: %w", p.Name, err)
	}
	if rules, err = rules.WithPublicURLs(r.others); err != nil {
		return nil, fmt.Errorf("reading the additional public URLs: %w", err)
	}
	rules = rules.WithApps(apps)
	r.cache.Store(p.Name, cachedRules{slices.Clone(p.RedirectAllowList), apps, rules})
	return rules, nil
}
