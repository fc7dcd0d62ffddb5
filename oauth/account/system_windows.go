package account

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// lockFile opens a file that no other process can open meanwhile. The system closes it
// when the process ends, however it ends.
func lockFile(path string) (io.Closer, error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	const shared = 0
	handle, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, shared, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, syscall.Errno(32)) { // ERROR_SHARING_VIOLATION
		return nil, errors.New("another run of the app is using it")
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(handle), path), nil
}

// checkPrivate checks nothing: in a user's profile, Windows lets in only that user and
// administrators.
func checkPrivate(string) error { return nil }
