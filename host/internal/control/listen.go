package control

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
)

// listenPrivately makes a socket that no other user can open, not even between its
// creation and a chmod: it is created in a private folder and then moved.
func listenPrivately(ctx context.Context, path string) (net.Listener, error) {
	dir, err := os.MkdirTemp(filepath.Dir(path), ".d") // short, as the path of a socket must be
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	made := dir + "/s"
	listener, err := new(net.ListenConfig).Listen(ctx, "unix", made)
	if err != nil {
		return nil, err
	}
	unix, ok := listener.(*net.UnixListener)
	if ok {
		unix.SetUnlinkOnClose(false) // it will be moved
	}
	if err := errors.Join(os.Chmod(made, 0o600), os.Rename(made, path)); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return unlinkingListener{listener, path}, nil
}

// unlinkingListener removes the socket just before it stops listening: another host puts
// its own socket there as soon as nobody listens.
type unlinkingListener struct {
	net.Listener
	path string
}

func (r unlinkingListener) Close() error {
	return errors.Join(os.Remove(r.path), r.Listener.Close())
}
