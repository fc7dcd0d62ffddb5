package account

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// OpenFile opens the store in the directory dir, and makes both where they are not
// there; it refuses a directory that other users of this machine can read or change, or
// that another process has open. root is the key under which the app seals (32 bytes);
// if it is nil, a key is kept in the directory. simulated says that the users are the
// fake provider's: a store of theirs is not one of real users, and the other way round.
// log gets what was found that is no failure. An error names the directory and what is
// wrong with it.
func OpenFile(dir string, simulated bool, root []byte, log *slog.Logger) (*File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" && info.Mode()&0o077 != 0 {
		return nil, fmt.Errorf("%s is open to other users of this machine: chmod go= %s", dir, dir)
	}
	// A file of its own, since the other one is replaced.
	lock, err := lockFile(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	f := &File{Memory: NewMemory(), Root: root, disk: directory(dir), lock: lock}
	f.write = f.append
	if f.Root == nil {
		f.Root, err = directory(dir).key()
	}
	if err == nil {
		err = f.open(simulated, log)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return f, nil
}

// ParseKey reads a root key, 32 bytes in 64 hexadecimal digits, as SESSION_KEY has it.
func ParseKey(text string) ([]byte, error) {
	key, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != 32 {
		return nil, errors.New("want 64 hexadecimal digits, as of: openssl rand -hex 32")
	}
	return key, nil
}

// directory is the disk of an app; tests have another.
type directory string

func (d directory) Open(name string) (diskFile, error) {
	return os.OpenFile(filepath.Join(string(d), name), os.O_RDWR|os.O_CREATE, 0o600)
}

// Create follows no link that somebody has put there.
func (d directory) Create(name string) (diskFile, error) {
	if err := d.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return os.OpenFile(filepath.Join(string(d), name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}

func (d directory) Remove(name string) error { return os.Remove(filepath.Join(string(d), name)) }

func (d directory) Rename(from, to string) error {
	if err := os.Rename(filepath.Join(string(d), from), filepath.Join(string(d), to)); err != nil {
		return err
	}
	if runtime.GOOS == "windows" { // where a directory cannot be synced
		return nil
	}
	self, err := os.Open(string(d))
	if err != nil {
		return err
	}
	return errors.Join(self.Sync(), self.Close())
}

// key returns the key that is kept in the directory, and makes one where nothing is
// sealed yet.
func (d directory) key() ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(string(d), "key"))
	if err == nil {
		key, err := ParseKey(string(text))
		if err != nil {
			err = fmt.Errorf("key: %w", err)
		}
		return key, err
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(string(d), fileName)); err == nil {
		return nil, errors.New("SESSION_KEY is not set, and there is no file key: set it to the key under which this was sealed")
	}
	key := make([]byte, 32)
	rand.Read(key)
	file, err := d.Create("key.new")
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(file, "%x\n", key)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return nil, err
	}
	return key, d.Rename("key.new", "key")
}
