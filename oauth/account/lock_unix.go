//go:build !windows

package account

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// lockFile opens a file and locks it for this process; the system unlocks it when
// that ends, however it does. (Solaris, AIX and Plan 9 have no such call, and this
// package is not for them.)
func lockFile(path string) (io.Closer, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errors.New("another run of the app is using it")
		}
		return nil, err
	}
	return file, nil
}
