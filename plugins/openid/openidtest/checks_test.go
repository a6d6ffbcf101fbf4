package openidtest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

const otherIssuer = "https://other.example"

func is(got, want any) bool { return reflect.DeepEqual(got, want) }

func has(members map[string]any, name string) bool {
	_, ok := members[name]
	return ok
}

// Checks of an answer's HTTP.

type step = func(*flow) answer

func isHTML(at step) check {
	return func(f *flow) bool {
		return at(f).status == http.StatusOK && strings.HasPrefix(string(at(f).body), "<!doctype html>")
	}
}

func hasStatus(at step, status int) check {
	return func(f *flow) bool { return at(f).status == status }
}

// isDownWith also checks that the content is good, so that only the status is wrong.
func isDownWith(at step, status int, member string) check {
	return func(f *flow) bool { return at(f).status == status && has(at(f).object(), member) }
}

func isLargerThan(at step, size int64) check {
	return func(f *flow) bool { return at(f).status == http.StatusOK && at(f).size > size }
}

// neverEnds accepts no answer at all and half an answer.
func neverEnds(at step) check {
	return func(f *flow) bool {
		f.patience = time.Second
		return errors.Is(at(f).err, context.DeadlineExceeded)
	}
}

func isCut(at step) check {
	return func(f *flow) bool { return errors.Is(at(f).err, io.EOF) }
}

// lures checks that a client that follows the redirect gets the good answer, and is
// counted.
func lures(at step, status int, follow func(f *flow, location string) answer) check {
	return func(f *flow) bool {
		if at(f).status != status {
			return false
		}
		before := f.op.Hits(openidtest.Trap)
		good := follow(f, at(f).header.Get("Location")).status == http.StatusOK
		return good && f.op.Hits(openidtest.Trap) > before
	}
}

func followGet(f *flow, location string) answer {
	req, err := http.NewRequest(http.MethodGet, location, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+f.accessToken())
	return f.do(req)
}

func followPost(f *flow, location string) answer {
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {f.response().Get("code")},
		"redirect_uri": {callbackURL}, "code_verifier": {f.verifier},
	}
	req, err := http.NewRequest(http.MethodPost, location, strings.NewReader(form.Encode()))
	if err != nil {
		f.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(f.client.ID), url.QueryEscape(f.client.Secret))
	return f.do(req)
}

// Checks of JSON members.

func metadataIs(name string, want any) check {
	return func(f *flow) bool { return is(f.discovery().object()[name], want) }
}

func metadataLacks(name string) check {
	return func(f *flow) bool {
		return has(f.discovery().object(), "claims_supported") && !has(f.discovery().object(), name)
	}
}

func tokenIs(name string, want any) check {
	return func(f *flow) bool { return has(f.token().object(), name) && is(f.token().object()[name], want) }
}

func tokenLacks(name string) check {
	return func(f *flow) bool { return f.token().status == http.StatusOK && !has(f.token().object(), name) }
}

func claimIs(name string, want any) check {
	return func(f *flow) bool { return has(f.claims(), name) && is(f.claims()[name], want) }
}

func claimLacks(name string) check {
	return func(f *flow) bool { return has(f.claims(), "sid") && !has(f.claims(), name) }
}

func headerIs(name string, want any) check {
	return func(f *flow) bool { return has(f.header(), name) && is(f.header()[name], want) }
}

func headerLacks(name string) check {
	return func(f *flow) bool { return has(f.header(), "typ") && !has(f.header(), name) }
}

func userInfoIs(name string, want any) check {
	return func(f *flow) bool { return has(f.userInfo().object(), name) && is(f.userInfo().object()[name], want) }
}

func userInfoLacks(name string) check {
	return func(f *flow) bool { return has(f.userInfo().object(), "groups") && !has(f.userInfo().object(), name) }
}

// Checks of the authorization response.

func responseIs(name string, want ...string) check {
	return func(f *flow) bool { return is(f.response()[name], want) }
}

// responseDiffers also checks that the parameter is there once.
func responseDiffers(name string, from func(*flow) string) check {
	return func(f *flow) bool {
		values := f.response()[name]
		return len(values) == 1 && values[0] != "" && values[0] != from(f)
	}
}

func responseLacks(name string) check {
	return func(f *flow) bool { return f.response().Has("iss") && !f.response().Has(name) }
}

func startsTwice(name string, right func(*flow) string) check {
	return func(f *flow) bool {
		values := f.response()[name]
		return len(values) == 2 && values[0] == right(f) && values[1] != right(f)
	}
}

// all succeeds if every check succeeds.
func all(list ...check) check {
	return func(f *flow) bool {
		for _, one := range list {
			if !one(f) {
				return false
			}
		}
		return true
	}
}

func not(one check) check { return func(f *flow) bool { return !one(f) } }

// good checks that the ID token verifies and has no other errors.
func good(f *flow) bool {
	_, err := f.verify(f.idToken())
	return err == nil
}

func numberOf(v any) float64 {
	number, ok := v.(json.Number)
	if !ok {
		return 0
	}
	value, err := number.Float64()
	if err != nil {
		return 0
	}
	return value
}

// claimAway checks how far a time claim is from now.
func claimAway(name string, want time.Duration) check {
	return func(f *flow) bool {
		away := time.Duration(numberOf(f.claims()[name])-float64(time.Now().Unix())) * time.Second
		return (away - want).Abs() < 20*time.Second
	}
}

func payloadContains(text string) check {
	return func(f *flow) bool { return bytes.Contains(part(f.idToken(), 1), []byte(text)) }
}

func payloadLargerThan(size int) check {
	return func(f *flow) bool { return len(part(f.idToken(), 1)) > size && has(f.claims(), "sub") }
}

func payloadInvalid(f *flow) bool {
	payload := part(f.idToken(), 1)
	return len(payload) > 0 && !utf8.Valid(payload)
}

func state(f *flow) string  { return f.state }
func issuer(f *flow) string { return f.op.Issuer() }

func goodCode(f *flow) bool { return f.token().status == http.StatusOK }

func describe(v any) string { return fmt.Sprintf("%v", v) }
