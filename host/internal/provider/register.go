package provider

import (
	"fmt"
	"slices"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// subjectCallback is what a mechanism says under which callback is to be registered.
const subjectCallback = "callback"

// alsoRegister adds what else is to be registered where a mechanism says that a callback
// is: a mechanism knows the one below PUBLIC_URL.
func (p *Providers) alsoRegister(all []Checked) []Checked {
	for i := range all {
		at := slices.IndexFunc(all[i].Findings, func(f sdk.Finding) bool { return f.Subject == subjectCallback })
		if at < 0 {
			continue
		}
		var more []sdk.Finding
		for _, public := range p.config.AllowedPublicURLs {
			urls := sso.URLsOf(public, all[i].Provider)
			more = append(more, sdk.Finding{Severity: sdk.SeverityOK, Subject: subjectCallback, Text: fmt.Sprintf(
				"register %s there, too, for logins that begin at %s, and %s as a post-logout redirect URI if one is registered", urls.Callback, public, urls.Logout)})
		}
		all[i].Findings = slices.Insert(all[i].Findings, at+1, more...)
	}
	return all
}
