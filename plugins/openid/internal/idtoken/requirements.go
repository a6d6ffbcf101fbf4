package idtoken

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
)

// checkAsked checks rules 12 and 13, and Google's hd: what the operator requires in the
// request. The request passes through the browser, where anybody can remove a requirement.
func checkAsked(object claims.Object, params url.Values, now time.Time) error {
	if err := checkACR(object, params); err != nil {
		return err
	}
	if age := params.Get("max_age"); age != "" {
		if err := checkAuthTime(object, age, now); err != nil {
			return err
		}
	}
	if domain := params.Get("hd"); domain != "" {
		hosted, err := object.String("hd")
		if err != nil || hosted == "" || domain != "*" && hosted != domain {
			return sdk.InvalidResponse(ReasonHostedDomain, "the account belongs to the domain %q, but params ask for %q", upstream.Shown(hosted), domain)
		}
	}
	return nil
}

// checkACR checks acr. Two parameters can ask for one.
func checkACR(object claims.Object, params url.Values) error {
	essential, err := EssentialACR(params.Get("claims"))
	if err != nil {
		return sdk.Misconfigured("options", "params: claims %w", err)
	}
	for _, demanded := range [][]string{strings.Fields(params.Get("acr_values")), essential} {
		if len(demanded) == 0 {
			continue
		}
		acr, err := object.String("acr")
		if err != nil || !slices.Contains(demanded, acr) {
			return sdk.InvalidResponse(ReasonACR, "authenticated with acr %q, but params ask for one of %q", upstream.Shown(acr), demanded)
		}
	}
	return nil
}

// EssentialACR returns the values of acr of which the parameter claims requires one (OpenID
// Connect Core section 5.5.1.1); none if it requires none. An empty text means no parameter.
// The text of the error continues the parameter's name.
func EssentialACR(parameter string) ([]string, error) {
	if parameter == "" {
		return nil, nil
	}
	asked, err := claims.Decode([]byte(parameter))
	if err != nil {
		return nil, fmt.Errorf("must be a JSON object (OpenID Connect Core section 5.5): %w", err)
	}
	idToken, err := asked.Object("id_token")
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	acr, err := idToken.Object("acr")
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	if !acr.True("essential") {
		return nil, nil
	}
	values, err := acr.Strings("values")
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	value, err := acr.String("value")
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	if value != "" {
		values = append(values, value)
	}
	return values, nil
}

// checkAuthTime checks auth_time, and refuses a time in the future.
func checkAuthTime(object claims.Object, maxAge string, now time.Time) error {
	seconds, err := strconv.ParseUint(maxAge, 10, 31)
	if err != nil {
		return sdk.Misconfigured("options", "params: max_age is not a number of seconds")
	}
	at, err := object.Time("auth_time")
	switch {
	case err != nil || at.Unix() <= 0:
		return sdk.InvalidResponse(ReasonAuthTime, "no auth_time, but params ask for max_age")
	case at.After(now.Add(ClockSkew)):
		return sdk.InvalidResponse(ReasonAuthTime, "authenticated %v in the future: are both clocks right?", at.Sub(now))
	case now.Sub(at) > time.Duration(seconds)*time.Second+ClockSkew:
		return sdk.InvalidResponse(ReasonAuthTime, "authenticated %v ago, but params ask for at most %d seconds", now.Sub(at), seconds)
	}
	return nil
}

// CheckAsked checks at a refresh how and where the end user authenticated: Tenants, Asked and
// Methods of want. It ignores max_age, because the login of a session gets older by itself.
func CheckAsked(object claims.Object, want Expectation) error {
	if err := want.Tenants.Check(object); err != nil {
		return err
	}
	params := maps.Clone(want.Asked)
	params.Del("max_age")
	if err := checkAsked(object, params, want.Now); err != nil {
		return err
	}
	return checkMethods(object, want.Methods)
}

// checkMethods checks amr (OpenID Connect Core section 2, RFC 8176).
func checkMethods(object claims.Object, demanded []string) error {
	if len(demanded) == 0 {
		return nil
	}
	used, err := object.Strings("amr")
	if err != nil {
		return sdk.InvalidResponse(ReasonAMR, "%w", err)
	}
	for _, method := range demanded {
		if !slices.Contains(used, method) {
			return sdk.InvalidResponse(ReasonAMR, "authenticated with amr %q, but required_amr asks for %q", upstream.ShownList(used), demanded)
		}
	}
	return nil
}
