package plugin

import (
	"context"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	doorwardv1 "github.com/doorward/doorward/sdk/proto/doorward/v1"
)

// maxLibraryResponse bounds the responses to go-plugin's own calls in bytes. They say only
// "done" and "serving".
const maxLibraryResponse = 1 << 10

// libraryCalls are the calls of go-plugin that the host makes: one asks the process to
// end, the other is a ping. Both are unary, and their callers limit the time.
var libraryCalls = map[string]bool{
	"/plugin.GRPCController/Shutdown": true,
	"/grpc.health.v1.Health/Check":    true,
}

// allowedCalls admits only the calls of the plugin service and those that go-plugin needs.
func allowedCalls(ctx context.Context, method string, req, answer any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	switch {
	case strings.HasPrefix(method, "/"+doorwardv1.PluginService_ServiceDesc.ServiceName+"/"):
		return invoke(ctx, method, req, answer, conn, opts...)
	case libraryCalls[method]:
		return invoke(ctx, method, req, answer, conn, append(opts, grpc.MaxCallRecvMsgSize(maxLibraryResponse))...)
	}
	return notCalled(method)
}

// noStreams refuses every stream before it reaches the plugin. go-plugin opens two streams
// itself, which Doorward does not use, and trusts what it reads there. Each message on its
// broker's stream costs the host a goroutine for 5 s and a map entry, and some entries stay
// forever, so that a plugin that sends messages endlessly brings the host down. go-plugin
// treats this error like that of an old plugin, and continues without the stream.
func noStreams(_ context.Context, _ *grpc.StreamDesc, _ *grpc.ClientConn, method string, _ grpc.Streamer, _ ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, notCalled(method)
}

func notCalled(method string) error {
	return status.Errorf(codes.Unimplemented, "the host does not call %s", method)
}
