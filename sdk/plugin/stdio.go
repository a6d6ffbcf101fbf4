package plugin

import (
	"context"
	"os"
	"sync"

	"google.golang.org/grpc"
)

// discardOutput discards what is printed to os.Stdout and os.Stderr. go-plugin replaces
// these with pipes for a stream that the host does not open, so that a plugin would block
// once they are full.
//
// It acts at the first call of the host, because go-plugin has installed its pipes by
// then.
func discardOutput() grpc.UnaryServerInterceptor {
	discard := sync.OnceFunc(func() {
		if nowhere, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0); err == nil {
			os.Stdout, os.Stderr = nowhere, nowhere
		}
	})
	return func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
		discard()
		return handle(ctx, req)
	}
}
