package main

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // the codec below
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	"github.com/doorward/doorward/sdk/plugin"
	doorwardv1 "github.com/doorward/doorward/sdk/proto/doorward/v1"
)

// withoutSDK does not use the SDK, which would keep a plugin from sending too much, or
// text that is not UTF-8.
type withoutSDK struct {
	goplugin.NetRPCUnsupportedPlugin
	doorwardv1.UnimplementedPluginServiceServer
	version   string
	mechanism string
	features  []string
}

func serveWithoutSDK(w withoutSDK) {
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig:  plugin.Handshake,
		VersionedPlugins: map[int]goplugin.PluginSet{plugin.ProtocolVersion: {"mechanism": w}},
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(opts, grpc.ForceServerCodecV2(brokenText{encoding.GetCodecV2("proto")}))...)
		},
	})
}

func (withoutSDK) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.ErrUnsupported
}

func (w withoutSDK) GRPCServer(_ *goplugin.GRPCBroker, s *grpc.Server) error {
	doorwardv1.RegisterPluginServiceServer(s, w)
	return nil
}

func (w withoutSDK) Describe(context.Context, *doorwardv1.DescribeRequest) (*doorwardv1.DescribeResponse, error) {
	return &doorwardv1.DescribeResponse{Mechanism: w.mechanism, Version: w.version, Features: w.features, Options: []*doorwardv1.Option{
		{Name: "client_secret", Type: "string", Secret: true}, {Name: "tenant", Type: "string"},
	}}, nil
}

// given are the options of the provider that was opened last.
var given atomic.Value

func (withoutSDK) Open(_ context.Context, req *doorwardv1.OpenRequest) (*doorwardv1.OpenResponse, error) {
	given.Store(string(req.GetOptionsJson()))
	return &doorwardv1.OpenResponse{Handle: 1}, nil
}

func (withoutSDK) Begin(_ context.Context, req *doorwardv1.BeginRequest) (*doorwardv1.BeginResponse, error) {
	step := &doorwardv1.Step{}
	url := "https://idp.test/?state=" + req.GetState()
	switch req.GetLoginHint() {
	case "64 MiB":
		step.Memory = make([]byte, 64<<20)
	case "not UTF-8":
		url += broken
	case "secret":
		return nil, status.Errorf(codes.Internal, "the options are %s", given.Load())
	case "no step":
		return &doorwardv1.BeginResponse{Step: step}, nil
	}
	step.Kind = &doorwardv1.Step_Redirect{Redirect: &doorwardv1.Redirect{Url: url}}
	return &doorwardv1.BeginResponse{Step: step}, nil
}

// broken stands for as many bytes that are not UTF-8.
const broken = "~broken~"

// brokenText sends what a careful library would not.
type brokenText struct{ encoding.CodecV2 }

func (c brokenText) Marshal(v any) (mem.BufferSlice, error) {
	data, err := c.CodecV2.Marshal(v)
	if err != nil {
		return nil, err
	}
	sent := bytes.ReplaceAll(data.Materialize(), []byte(broken), bytes.Repeat([]byte{0xff}, len(broken)))
	return mem.BufferSlice{mem.SliceBuffer(sent)}, nil
}
