//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package account

import (
	"errors"
	"io"
	"os"
)

// lockFile refuses: two processes on one file would destroy it.
func lockFile(string) (io.Closer, error) {
	return nil, errors.New("this system has no lock that this app knows, so accounts can only be in memory")
}

func openLocked(string) (*os.File, error) { return nil, errors.ErrUnsupported }
