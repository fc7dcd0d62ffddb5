//go:build !windows

package account

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// lockFile opens a file and locks it for this process. The system unlocks it when the
// process ends, even by a crash. (Solaris, AIX and Plan 9 have no such call.)
func lockFile(path string) (io.Closer, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		return nil, fmt.Errorf("it cannot be locked (%w): another run of the app may be using it", err)
	}
	return file, nil
}

// checkPrivate returns an error if a file exists and does not belong to the user with the id self,
// or if other users can open it. The error says what to do.
func checkPrivate(path string, self int) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if int(info.Sys().(*syscall.Stat_t).Uid) != self || info.Mode()&0o077 != 0 {
		return fmt.Errorf("%s must belong to the app's user and be closed to all others: chown %d %s; chmod go= %s", path, self, path, path)
	}
	return nil
}
