package plugin

import (
	"context"
	"errors"
	"testing"

	"google.golang.org/grpc"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	doorwardv1 "github.com/doorward/doorward/sdk/proto/doorward/v1"
)

// foreign is a plugin in another language: it declares options, and accepts the values that
// it gets.
type foreign struct {
	doorwardv1.UnimplementedPluginServiceServer
	got *string
}

func (foreign) Describe(context.Context, *doorwardv1.DescribeRequest) (*doorwardv1.DescribeResponse, error) {
	return &doorwardv1.DescribeResponse{Mechanism: "foreign", Options: []*doorwardv1.Option{
		{Name: "flag", Type: "boolean"}, {Name: "list", Type: "list"}, {Name: "wait", Type: "duration", DefaultValue: "10s"},
		{Name: "params", Type: "map"}, {Name: "id", Type: "string", Required: true},
	}}, nil
}

func (f foreign) Open(_ context.Context, req *doorwardv1.OpenRequest) (*doorwardv1.OpenResponse, error) {
	*f.got = string(req.GetOptionsJson())
	return &doorwardv1.OpenResponse{Handle: 1}, nil
}

// A plugin in another language gets each option in the declared type, with defaults, and no
// undeclared options.
func TestOptionsArriveAsDeclared(t *testing.T) {
	var got string
	server := grpc.NewServer()
	doorwardv1.RegisterPluginServiceServer(server, foreign{got: &got})
	client := newClient(connectTo(t, server))
	if _, _, err := client.Describe(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := client.Open(t.Context(), OpenRequest{Options: map[string]any{"id": 7, "flag": "yes", "list": "a, b", "params__x": "y"}})
	if want := `{"flag":true,"id":"7","list":["a","b"],"params":{"x":"y"},"wait":10000}` + "\n"; err != nil || got != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
	got = ""
	_, err = client.Open(t.Context(), OpenRequest{Options: map[string]any{"flags": "yes", "flag": "maybe"}})
	problems, _ := errors.AsType[options.Problems](err)
	if !errors.Is(err, sdk.ErrMisconfigured) || len(problems) != 3 || got != "" {
		t.Errorf("got %v, and the plugin %q", err, got)
	}
}
