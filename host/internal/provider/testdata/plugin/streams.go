package main

import (
	"os"
	"strings"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/doorward/doorward/sdk/plugin"
)

// serveStreams floods the streams of go-plugin's own services, as the argument
// says, and is otherwise an honest plugin.
func serveStreams(kind string) {
	w := withoutSDK{version: "1.2.3", mechanism: "streams-" + kind}
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig:  plugin.Handshake,
		VersionedPlugins: map[int]goplugin.PluginSet{plugin.ProtocolVersion: {"mechanism": w}},
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(opts, grpc.StreamInterceptor(floods{kind}.stream))...)
		},
	})
}

// floods answers streams. The kind "quiet" floods none.
type floods struct{ kind string }

// stream floods a stream if it is that of the kind, in place of go-plugin, for as
// long as the host takes what is sent.
func (f floods) stream(served any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	message := func(uint64) []byte { return nil }
	switch {
	case f.kind == "conninfo" && strings.HasSuffix(info.FullMethod, "/StartStream"):
		message = connInfo
	case f.kind == "knock" && strings.HasSuffix(info.FullMethod, "/StartStream"):
		message = knock
	case f.kind == "stdio" && strings.HasSuffix(info.FullMethod, "/StreamStdio"):
		message = stdioData
	default:
		return handle(served, stream)
	}
	noteStream(info.FullMethod)
	for n := uint64(1); ; n++ {
		raw := &emptypb.Empty{}
		raw.ProtoReflect().SetUnknown(message(n))
		if err := stream.SendMsg(raw); err != nil {
			return err
		}
	}
}

// connInfo says that a connection is there, always another one.
func connInfo(n uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), n) // service_id
}

// knock asks for a connection that is there, always another one.
func knock(n uint64) []byte {
	inner := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1) // knock
	return protowire.AppendBytes(protowire.AppendTag(connInfo(n), 4, protowire.BytesType), inner)
}

// stdioData prints a megabyte to standard output.
func stdioData(uint64) []byte {
	channel := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1)
	return protowire.AppendBytes(protowire.AppendTag(channel, 2, protowire.BytesType), make([]byte, 1<<20))
}

// noteStream tells a test that the host has opened a stream.
func noteStream(method string) {
	_ = os.WriteFile(os.Args[0]+".opened", []byte(method), 0o600)
}
