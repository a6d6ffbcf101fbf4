package discovery

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/plugins/openid/internal/jose"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/plugintest"
)

func TestLocateIssuer(t *testing.T) {
	for _, test := range []struct {
		raw, document string
		issuers       []string
		wantErr       string
	}{
		{"https://op.example", "https://op.example" + wellKnown, []string{"https://op.example"}, ""},
		{"https://op.example/", "https://op.example" + wellKnown, []string{"https://op.example/"}, ""},
		{"https://op.example:8443/realms/a", "https://op.example:8443/realms/a" + wellKnown, []string{"https://op.example:8443/realms/a"}, ""},
		{"https://op.example/o/a/", "https://op.example/o/a" + wellKnown, []string{"https://op.example/o/a/"}, ""},
		{"https://op.example" + wellKnown, "https://op.example" + wellKnown, []string{"https://op.example", "https://op.example/"}, ""},
		{"http://127.0.0.1:9000", "http://127.0.0.1:9000" + wellKnown, []string{"http://127.0.0.1:9000"}, ""},
		{"http://[::1]:9000", "http://[::1]:9000" + wellKnown, []string{"http://[::1]:9000"}, ""},
		{"http://localhost:9000", "http://localhost:9000" + wellKnown, []string{"http://localhost:9000"}, ""},
		{
			"https://login.example/common/v2.0", "https://login.example/common/v2.0" + wellKnown,
			[]string{"https://login.example/{tenantid}/v2.0"}, "",
		},
		{
			"https://login.example/organizations/v2.0" + wellKnown, "https://login.example/organizations/v2.0" + wellKnown,
			[]string{"https://login.example/{tenantid}/v2.0", "https://login.example/organizations/v2.0/"}, "",
		},
		{"", "", nil, "absolute"},
		{"op.example", "", nil, "absolute"},
		{"http://op.example", "", nil, "loopback"},
		{"http://127.0.0.1.op.example", "", nil, "loopback"},
		{"http://localhost.op.example", "", nil, "loopback"},
		{"http://10.0.0.1", "", nil, "loopback"},
		{"file:///etc/passwd", "", nil, "absolute"},
		{"javascript:alert(1)//", "", nil, "absolute"},
		{"https:op.example", "", nil, "host"},
		{"https://", "", nil, "host"},
		{"https://:443", "", nil, "host"},
		{"https://user:password@op.example", "", nil, "user name"},
		{"https://op.example/#x", "", nil, "fragment"},
		{"https://op.example/?p=1", "", nil, "query"},
		{"https://op.example" + wellKnown + "?p=1", "", nil, "query"},
		{"https://op.example/.well-known/oauth-authorization-server", "", nil, "end in"},
		{"https://op.example\x7f", "", nil, "encode"},
	} {
		t.Run(test.raw, func(t *testing.T) {
			got, err := Locate(test.raw)
			if test.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), test.wantErr) {
					t.Errorf("error %v, want %q in it", err, test.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(Location{test.document, test.issuers}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

const (
	tenant      = "72f988bf-86f1-41af-91ab-2d7cd011db47"
	otherTenant = "9188040d-6c67-4c5b-b112-36a304b66dad"
)

func TestCheckIssuerOfManyTenants(t *testing.T) {
	const template = "https://login.example/{tenantid}/v2.0"
	concrete := func(tid string) string { return strings.Replace(template, TenantID, tid, 1) }
	for _, test := range []struct {
		name      string
		claims    claims.Object
		keyIssuer string
		refuse    bool
	}{
		{name: "key for all", claims: claims.Object{"iss": concrete(tenant), "tid": tenant}, keyIssuer: template},
		{name: "key for the tenant", claims: claims.Object{"iss": concrete(tenant), "tid": tenant}, keyIssuer: concrete(tenant)},
		{name: "key for another tenant", claims: claims.Object{"iss": concrete(tenant), "tid": tenant}, keyIssuer: concrete(otherTenant), refuse: true},
		{name: "key of no issuer", claims: claims.Object{"iss": concrete(tenant), "tid": tenant}, refuse: true},
		{name: "F01 another tenant's tid", claims: claims.Object{"iss": concrete(tenant), "tid": otherTenant}, keyIssuer: template, refuse: true},
		{name: "F01 no tid", claims: claims.Object{"iss": concrete(tenant)}, keyIssuer: template, refuse: true},
		{name: "F01 tid is the placeholder", claims: claims.Object{"iss": template, "tid": TenantID}, keyIssuer: template, refuse: true},
		{name: "F01 tid is a path", claims: claims.Object{"iss": concrete("a/../b"), "tid": "a/../b"}, keyIssuer: template, refuse: true},
		{name: "F02 tid in upper case", claims: claims.Object{"iss": concrete(strings.ToUpper(tenant)), "tid": strings.ToUpper(tenant)}, keyIssuer: template, refuse: true},
		{name: "F01 another issuer", claims: claims.Object{"iss": "https://evil.example/" + tenant + "/v2.0", "tid": tenant}, keyIssuer: template, refuse: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := CheckIssuer(template, test.claims, jose.PublicKey{Issuer: test.keyIssuer})
			if test.refuse {
				plugintest.Refused(t, err, sdk.ErrInvalidResponse, ReasonIssuerMismatch)
			} else if err != nil {
				t.Errorf("refused: %v", err)
			}
		})
	}
}

// TestFits: the iss of a response has no signature; for a template, any tenant fits.
func TestFits(t *testing.T) {
	const template = "https://login.example/{tenantid}/v2.0"
	for _, test := range []struct {
		iss, issuer string
		fits        bool
	}{
		{"https://op.example", "https://op.example", true},
		{"https://op.example/", "https://op.example", false},
		{"https://login.example/" + tenant + "/v2.0", template, true},
		{"https://evil.example/" + tenant + "/v2.0", template, false},
		{"https://login.example/" + tenant + "/v2.0/", template, false},
		{"https://login.example/a/../b/v2.0", template, false},
		{template, template, false},
	} {
		if Fits(test.iss, test.issuer) != test.fits {
			t.Errorf("E04 %s, %s: fits %v", test.iss, test.issuer, !test.fits)
		}
	}
}
