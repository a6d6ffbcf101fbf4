package main

import (
	"io"
	"log/slog"
	"maps"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/saml/samltest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/plugin"
	"github.com/doorward/doorward/sdk/plugintest"
)

// direct opens a mechanism in this process, without the wire, for fuzzing and benchmarks.
func direct(t testing.TB, config samltest.Config, values map[string]any) (*mechanism, *samltest.IdP) {
	t.Helper()
	now := plugintest.NewClock().Now()
	config.URL, config.Now = idpURL, func() time.Time { return now }
	idp := samltest.New(config)
	all := map[string]any{"idp_metadata": string(idp.Metadata().XML())}
	maps.Copy(all, values)
	opts, err := options.Decode[Options](all)
	if err != nil {
		t.Fatal(err)
	}
	m, err := open(t.Context(), sdk.Env{
		Provider: "test", CallbackURL: acsURL, MetadataURL: usURL, LogoutURL: sloURL,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: config.Now, HTTPClient: plugin.HTTPClient,
	}, opts)
	if err != nil {
		t.Fatal(err)
	}
	return m.(*mechanism), idp
}

// solicited returns a request and the memory of the login that sent it.
var solicited = struct {
	samltest.Request
	memory []byte
}{
	samltest.Request{ID: "_request", Issuer: usURL, ACS: acsURL},
	[]byte(`{"r":"_request","p":"` + idpURL + `/metadata","t":"2026-11-23T12:00:00Z"}`),
}

func presented(response []byte) sdk.ContinueRequest {
	return sdk.ContinueRequest{
		State: state, Memory: solicited.memory,
		Response: sdk.InboundRequest{Method: "POST", Form: samltest.Form(response, state)},
	}
}
