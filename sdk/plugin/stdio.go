package plugin

import (
	"context"
	"os"
	"sync"

	"google.golang.org/grpc"
)

// discardOutput takes what is printed to os.Stdout and os.Stderr. go-plugin has put
// pipes there, for a stream that the host does not open: a plugin would stand still
// when they are full.
//
// It waits for the first call of the host, because go-plugin has done so by then.
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
