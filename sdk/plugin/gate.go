package plugin

import (
	"context"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	doorwardv1 "github.com/doorward/doorward/sdk/proto/doorward/v1"
)

// maxOfLibrary bounds the answers of go-plugin's own calls in bytes. They say
// nothing but "done" and "serving".
const maxOfLibrary = 1 << 10

// calls of go-plugin that the host makes: the one that asks the process to end, and
// its ping. Both are unary, and whoever makes them bounds how long that takes.
var callsOfLibrary = map[string]bool{
	"/plugin.GRPCController/Shutdown": true,
	"/grpc.health.v1.Health/Check":    true,
}

// onlyOurCalls lets calls of our service through, and what go-plugin needs.
func onlyOurCalls(ctx context.Context, method string, req, answer any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	switch {
	case strings.HasPrefix(method, "/"+doorwardv1.PluginService_ServiceDesc.ServiceName+"/"):
		return invoke(ctx, method, req, answer, conn, opts...)
	case callsOfLibrary[method]:
		return invoke(ctx, method, req, answer, conn, append(opts, grpc.MaxCallRecvMsgSize(maxOfLibrary))...)
	}
	return notCalled(method)
}

// noStreams refuses every stream before it reaches the plugin. go-plugin opens two by
// itself, which we do not use, and believes what it reads there: each message on that
// of its broker costs the host a goroutine for 5 s and an entry of a map, some of
// which stay for ever, so that a plugin that sends them endlessly takes the host down.
// It takes this answer for that of an old plugin, and goes on without.
func noStreams(_ context.Context, _ *grpc.StreamDesc, _ *grpc.ClientConn, method string, _ grpc.Streamer, _ ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, notCalled(method)
}

func notCalled(method string) error {
	return status.Errorf(codes.Unimplemented, "the host does not call %s", method)
}
