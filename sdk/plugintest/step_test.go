package plugintest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/contract"
)

func TestCheckStep(t *testing.T) {
	const state = "the-state"
	redirect := func(url string) sdk.Step { return sdk.Redirect{URL: url} }
	post := func(url string, fields ...sdk.FormField) sdk.Step { return sdk.FormPost{URL: url, Fields: fields} }
	prompt := func(fields ...sdk.PromptField) sdk.Step { return sdk.Prompt{Fields: fields} }
	relayState := sdk.FormField{Name: "RelayState", Value: state}
	name := sdk.PromptField{Name: "name_1", Kind: sdk.FieldUsername, Label: strings.Repeat("x", sdk.MaxLabel)}
	label := func(text string) sdk.PromptField {
		return sdk.PromptField{Name: "name", Kind: sdk.FieldText, Label: text}
	}
	for what, test := range map[string]struct {
		step sdk.Step
		good bool
	}{
		"redirect":               {redirect("https://op.example/?state=" + state), true},
		"to loopback":            {redirect("http://127.0.0.1:1/?state=" + state), true},
		"to localhost":           {redirect("http://localhost/?state=" + state), true},
		"to LOCALHOST":           {redirect("http://LOCALHOST:9/?state=" + state), true},
		"without state":          {redirect("https://op.example/"), false},
		"plain http":             {redirect("http://op.example/?state=" + state), false},
		"script":                 {redirect("javascript:alert('" + state + "')"), false},
		"relative":               {redirect("/?state=" + state), false},
		"user name":              {redirect("https://a@op.example/?state=" + state), false},
		"no URL":                 {redirect("https://op.example/%zz" + state), false},
		"long URL":               {redirect("https://op.example/?state=" + state + strings.Repeat("x", sdk.MaxURL)), false},
		"memory":                 {sdk.Redirect{URL: "https://op.example/" + state, Memory: make([]byte, sdk.MaxMemory)}, true},
		"much memory":            {sdk.Redirect{URL: "https://op.example/" + state, Memory: make([]byte, sdk.MaxMemory+1)}, false},
		"form":                   {post("https://idp.example/", relayState), true},
		"form with much memory":  {sdk.FormPost{URL: "https://idp.example/", Fields: []sdk.FormField{relayState}, Memory: make([]byte, 2000)}, false},
		"form without state":     {post("https://idp.example/", sdk.FormField{Name: "a", Value: "b"}), false},
		"form to plain http":     {post("http://idp.example/", relayState), false},
		"large form":             {post("https://idp.example/", relayState, sdk.FormField{Value: strings.Repeat("x", sdk.MaxFormBytes)}), false},
		"many fields":            {sdk.FormPost{URL: "https://idp.example/", Fields: append(make([]sdk.FormField, sdk.MaxFormFields), relayState)}, false},
		"prompt":                 {prompt(name), true},
		"prompt of nothing":      {prompt(), false},
		"prompt of much":         {sdk.Prompt{Fields: make([]sdk.PromptField, sdk.MaxPromptFields+1)}, false},
		"prompt of much memory":  {sdk.Prompt{Fields: []sdk.PromptField{name}, Memory: make([]byte, 2000)}, false},
		"prompt twice":           {prompt(name, name), false},
		"prompt for state":       {prompt(sdk.PromptField{Name: "state", Kind: sdk.FieldText}), false},
		"prompt with odd name":   {prompt(sdk.PromptField{Name: "Name", Kind: sdk.FieldText}), false},
		"prompt of odd kind":     {prompt(sdk.PromptField{Name: "name", Kind: "html"}), false},
		"prompt of no kind":      {prompt(sdk.PromptField{Name: "name"}), false},
		"long label":             {prompt(label(strings.Repeat("x", sdk.MaxLabel+1))), false},
		"label of two lines":     {prompt(label("a\nb")), false},
		"label that is no UTF-8": {prompt(label("\xff")), false},
		"authenticated":          {sdk.Authenticated{}, false},
		"nothing":                {nil, false},
	} {
		err := errors.Join(contract.CheckBegin(test.step), contract.CarriesState(test.step, state))
		if (err == nil) != test.good {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestCheckIdentity(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	for what, test := range map[string]struct {
		change func(*sdk.Identity)
		good   bool
	}{
		"all good":           {func(*sdk.Identity) {}, true},
		"no subject":         {func(i *sdk.Identity) { i.Subject = "" }, false},
		"long subject":       {func(i *sdk.Identity) { i.Subject = strings.Repeat("x", sdk.MaxSubject+1) }, false},
		"subject of 2 lines": {func(i *sdk.Identity) { i.Subject = "a\nb" }, false},
		"odd group":          {func(i *sdk.Identity) { i.Groups = []string{"a\x00"} }, false},
		"many groups":        {func(i *sdk.Identity) { i.Groups = make([]string, sdk.MaxGroups+1) }, false},
		"large grant":        {func(i *sdk.Identity) { i.Grant = make([]byte, sdk.MaxGrant+1) }, false},
		"expired":            {func(i *sdk.Identity) { i.ExpiresAt = now }, false},
		"once, but not kept": {func(i *sdk.Identity) { i.OnceUntil = now }, false},
	} {
		identity := sdk.Identity{
			Subject: "1", Email: "jane@example.com", Groups: []string{"staff"}, Grant: make([]byte, sdk.MaxGrant),
			ExpiresAt: now.Add(1), OnceID: "_1", OnceUntil: now.Add(1),
		}
		test.change(&identity)
		if err := contract.CheckIdentity(identity, now); (err == nil) != test.good {
			t.Errorf("%s: %v", what, err)
		}
	}
}
