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
		{"https://op.example" + wellKnown, "https://op.example" + wellKnown, []string{"https://op.example", "https://op.example/", "https://op.example" + wellKnown}, ""},
		{"http://127.0.0.1:9000", "http://127.0.0.1:9000" + wellKnown, []string{"http://127.0.0.1:9000"}, ""},
		{"http://[::1]:9000", "http://[::1]:9000" + wellKnown, []string{"http://[::1]:9000"}, ""},
		{"http://localhost:9000", "http://localhost:9000" + wellKnown, []string{"http://localhost:9000"}, ""},
		{"https://login.example/common/v2.0", "https://login.example/common/v2.0" + wellKnown, []string{"https://login.example/common/v2.0"}, ""},
		{
			"https://login.microsoftonline.com.evil.example/common/v2.0", "https://login.microsoftonline.com.evil.example/common/v2.0" + wellKnown,
			[]string{"https://login.microsoftonline.com.evil.example/common/v2.0"}, "",
		},
		{microsoft + "common/v2.0", microsoft + "common/v2.0" + wellKnown, []string{microsoft + "{tenantid}/v2.0"}, ""},
		{
			microsoft + "organizations/v2.0" + wellKnown, microsoft + "organizations/v2.0" + wellKnown,
			[]string{microsoft + "organizations/v2.0" + wellKnown, microsoft + "{tenantid}/v2.0"}, "",
		},
		{
			"https://login.microsoftonline.us/organizations/v2.0", "https://login.microsoftonline.us/organizations/v2.0" + wellKnown,
			[]string{"https://login.microsoftonline.us/{tenantid}/v2.0"}, "",
		},
		{microsoft + "consumers/v2.0", microsoft + "consumers/v2.0" + wellKnown, []string{microsoft + otherTenant + "/v2.0"}, ""},
		{microsoft + tenant + "/v2.0", microsoft + tenant + "/v2.0" + wellKnown, []string{microsoft + tenant + "/v2.0"}, ""},
		{microsoft + tenant, microsoft + tenant + wellKnown, []string{microsoft + tenant, "https://sts.windows.net/" + tenant + "/"}, ""},
		{"https://appleid.apple.com", "https://appleid.apple.com" + wellKnown, []string{"https://appleid.apple.com", "https://account.apple.com"}, ""},
		{"https://accounts.google.com", "https://accounts.google.com" + wellKnown, []string{"https://accounts.google.com", "accounts.google.com"}, ""},
		{"https://op.example/o" + wellKnown + "/", "https://op.example/o" + wellKnown + "/", []string{"https://op.example/o", "https://op.example/o/", "https://op.example/o" + wellKnown + "/"}, ""},
		{"https://op.example" + wellKnown + "?p=1", "https://op.example" + wellKnown + "?p=1", []string{"https://op.example", "https://op.example/", "https://op.example" + wellKnown + "?p=1"}, ""},
		{
			"https://op.example/.well-known/oauth-authorization-server/a/b?x", "https://op.example/.well-known/oauth-authorization-server/a/b?x",
			[]string{"https://op.example", "https://op.example/", "https://op.example/.well-known/oauth-authorization-server/a/b?x", "https://op.example/a/b"}, "",
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
		{"https://op.example/?x=/.well-known/", "", nil, "query"},
		{"https://op.example\x7f", "", nil, "encode"},
	} {
		t.Run(test.raw, func(t *testing.T) {
			got, err := Locate(test.raw, "")
			if test.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), test.wantErr) {
					t.Errorf("error %v, want %q in it", err, test.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(Location{Document: test.document, Issuers: test.issuers, WorkOnly: strings.Contains(test.raw, "organizations/")}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestLocateByIssuer: the option issuer is then the only allowed name.
func TestLocateByIssuer(t *testing.T) {
	got, err := Locate("https://tenant.b2clogin.example/tenant/v2.0"+wellKnown+"?p=b2c_1", "https://login.example/"+tenant+"/v2.0/")
	want := Location{Document: "https://tenant.b2clogin.example/tenant/v2.0" + wellKnown + "?p=b2c_1", Issuers: []string{"https://login.example/" + tenant + "/v2.0/"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

// TestTwins: two issuers of one provider count as the same, and no others do.
func TestTwins(t *testing.T) {
	for _, test := range []struct {
		issuer, iss string
		good        bool
	}{
		{"https://appleid.apple.com", "https://appleid.apple.com", true},
		{"https://appleid.apple.com", "https://account.apple.com", true},
		{"https://appleid.apple.com", "https://account.apple.com/", false},
		{"https://accounts.google.com", "accounts.google.com", true},
		{"https://accounts.google.com", "http://accounts.google.com", false},
		{"https://accounts.google.com", "https://appleid.apple.com", false},
		{"https://op.example", "op.example", false},
		{"https://op.example", "accounts.google.com", false},
	} {
		err := CheckIssuer(test.issuer, claims.Object{"iss": test.iss}, jose.PublicKey{})
		if (err == nil) != test.good || Fits(test.iss, test.issuer) != test.good {
			t.Errorf("F01 %s by %s: %v", test.iss, test.issuer, err)
		}
	}
	md := Metadata{Issuer: "https://account.apple.com"}
	location, err := Locate("https://appleid.apple.com", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := checkIssuer(&md, location); err != nil || md.Issuer != "https://appleid.apple.com" {
		t.Errorf("the provider is called %s, %v", md.Issuer, err)
	}
}

func TestAllowedTenants(t *testing.T) {
	for _, test := range []struct {
		object  claims.Object
		allowed []string
		good    bool
	}{
		{claims.Object{}, nil, true},
		{claims.Object{"tid": tenant}, []string{otherTenant, tenant}, true},
		{claims.Object{"tid": tenant}, []string{otherTenant}, false},
		{claims.Object{"tid": strings.ToUpper(tenant)}, []string{tenant}, false},
		{claims.Object{"tid": []any{tenant}}, []string{tenant}, false},
		{claims.Object{}, []string{tenant}, false},
		{claims.Object{}, []string{""}, false},
	} {
		err := Tenants{Allowed: test.allowed}.Check(test.object)
		if test.good && err != nil {
			t.Errorf("%v: %v", test.object, err)
		} else if !test.good {
			plugintest.Refused(t, err, sdk.ErrDenied, ReasonTenant)
		}
	}
}

// TestUnlistedPKCE: only these hosts need not list PKCE.
func TestUnlistedPKCE(t *testing.T) {
	for issuer, want := range map[string]bool{
		"https://tenant.b2clogin.com/" + tenant + "/v2.0/":                      true,
		"https://tenant.ciamlogin.com/" + tenant + "/v2.0":                      true,
		"https://b2clogin.com/x":                                                false,
		"https://tenant.b2clogin.com.evil.example/x":                            false,
		"https://evil.example/tenant.b2clogin.com":                              false,
		"https://evilb2clogin.com/x":                                            false,
		"http://tenant.b2clogin.com/x":                                          false,
		"https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_aB":        true,
		"https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_aB":         true,
		"https://cognito-idp.eu-central-1.amazonaws.com.evil.example/x":         false,
		"https://s3.eu-central-1.amazonaws.com/cognito-idp":                     false,
		"https://bucket.cognito-idp.eu-central-1.amazonaws.com/eu-central-1_aB": false,
		"https://account.apple.com":                                             true,
		"https://accounts.google.com":                                           false,
	} {
		if unlistedPKCE(issuer) != want {
			t.Errorf("E03 %s: %v", issuer, !want)
		}
	}
}

// FuzzLocate: with any configuration, the document is on https or loopback, and only
// Microsoft's issuers have a placeholder.
func FuzzLocate(f *testing.F) {
	for _, seed := range []string{"https://op.example", microsoft + "common/v2.0", "https://op.example/.well-known/x/y?z", "https://op.example/{tenantid}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := Locate(raw, "")
		if err != nil {
			return
		}
		if !strings.HasPrefix(got.Document, raw) && !strings.HasPrefix(got.Document, strings.TrimSuffix(raw, "/")) || len(got.Issuers) == 0 {
			t.Fatalf("%+v", got)
		}
		if _, ok := CloudOf(got.Document); got.Template() && !ok && !strings.Contains(raw, TenantID) {
			t.Fatalf("%+v", got)
		}
	})
}

const (
	microsoft = "https://login.microsoftonline.com/"

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

// TestFits: for a template, the iss of a response can name any tenant.
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
