package plugin

import (
	"math"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/emptypb"
)

// greedy is a plugin that answers every call with that many bytes, and counts the calls.
type greedy struct {
	size   int
	called atomic.Int32
}

func (g *greedy) answer(_ any, stream grpc.ServerStream) error {
	g.called.Add(1)
	message := &emptypb.Empty{}
	if g.size > 0 {
		field := protowire.AppendTag(nil, 15, protowire.BytesType) // an unknown field
		message.ProtoReflect().SetUnknown(protowire.AppendBytes(field, make([]byte, g.size)))
	}
	return stream.SendMsg(message)
}

// The host's calls reach the plugin; the other calls of go-plugin do not.
func TestCallsThatReachThePlugin(t *testing.T) {
	g := &greedy{}
	conn := connectAny(t, grpc.NewServer(grpc.UnknownServiceHandler(g.answer)))
	for _, tc := range []struct {
		method string
		stream bool
		want   codes.Code
	}{
		{"/doorward.v1.PluginService/Describe", false, codes.OK},
		{"/plugin.GRPCController/Shutdown", false, codes.OK},
		{"/grpc.health.v1.Health/Check", false, codes.OK},
		{"/grpc.health.v1.Health/Watch", true, codes.Unimplemented},
		{"/plugin.GRPCBroker/StartStream", true, codes.Unimplemented},
		{"/plugin.GRPCStdio/StreamStdio", true, codes.Unimplemented},
		{"/doorward.v1.PluginService/Describe", true, codes.Unimplemented}, // it has no streams
		{"/doorward.v1.PluginServices/Describe", false, codes.Unimplemented},
		{"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", true, codes.Unimplemented},
	} {
		before := g.called.Load()
		var err error
		if tc.stream {
			_, err = conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, tc.method)
		} else {
			err = conn.Invoke(t.Context(), tc.method, &emptypb.Empty{}, &emptypb.Empty{})
		}
		if status.Code(err) != tc.want {
			t.Errorf("%s: %v, want %s", tc.method, err, tc.want)
		}
		if reached := g.called.Load() - before; (reached == 1) != (tc.want == codes.OK) {
			t.Errorf("%s reached the plugin %d times", tc.method, reached)
		}
	}
}

// Calls of go-plugin itself get an answer of a few bytes, or none.
func TestAnswersToTheLibraryAreSmall(t *testing.T) {
	g := &greedy{size: math.MaxUint16}
	conn := connectAny(t, grpc.NewServer(grpc.UnknownServiceHandler(g.answer)))
	if err := conn.Invoke(t.Context(), "/plugin.GRPCController/Shutdown", &emptypb.Empty{}, &emptypb.Empty{}); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("shutdown: %v", err)
	}
	if _, err := grpc_health_v1.NewHealthClient(conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{}); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("health: %v", err)
	}
	if err := conn.Invoke(t.Context(), "/doorward.v1.PluginService/Describe", &emptypb.Empty{}, &emptypb.Empty{}); err != nil {
		t.Errorf("our own: %v", err)
	}
}
