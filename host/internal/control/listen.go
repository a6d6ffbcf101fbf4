package control

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
)

// listenPrivately makes a socket that nobody else may open, not even for the
// moment between its making and a chmod: it is made in a folder of its own and
// moved to its place.
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
		unix.SetUnlinkOnClose(false) // it will lie elsewhere
	}
	if err := errors.Join(os.Chmod(made, 0o600), os.Rename(made, path)); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return removing{listener, path}, nil
}

// removing removes the socket when the listening ends: before that, because another
// host puts its own there as soon as nobody listens.
type removing struct {
	net.Listener
	path string
}

func (r removing) Close() error {
	return errors.Join(os.Remove(r.path), r.Listener.Close())
}
