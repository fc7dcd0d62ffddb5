package account

import (
	"io"
	"os"
	"syscall"
)

// lockFile opens a file. No other process can open it until it is closed. The system closes
// it when the process ends, even by a crash.
func lockFile(path string) (io.Closer, error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	const notShared = 0
	handle, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, notShared, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(handle), path), nil
}

// checkPrivate checks nothing. In a user's own folder, Windows lets in only that user and
// administrators.
func checkPrivate(string, int) error { return nil }
