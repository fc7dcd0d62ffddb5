package account

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Open opens the store that an app asks for, with the root key (32 bytes) under which the
// app seals. Without dir the store is in memory. Otherwise it is a file in that directory,
// and both are made if they do not exist. sessionKey is the root key in 64 hexadecimal
// digits. If it is empty, the key is random, and kept in dir if there is one.
//
// simulated says that the users are the fake provider's: their store is refused to real
// users, and the other way round. Open refuses a directory that belongs to another user,
// that other users can open, or that another process uses. Its errors name SESSION_KEY or
// -data. Call close when the app ends.
func Open(dir string, simulated bool, sessionKey string, log *slog.Logger) (store Store, root []byte, close func() error, err error) {
	if sessionKey == "" {
		root = make([]byte, 32)
		rand.Read(root)
	} else if root, err = parseKey(sessionKey); err != nil {
		return nil, nil, nil, fmt.Errorf("SESSION_KEY: %w", err)
	}
	if dir == "" {
		return NewMemory(), root, func() error { return nil }, nil
	}
	f, root, err := openFile(directory{dir, (*os.File).Sync}, simulated, root, sessionKey == "", log)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("-data %s: %w", dir, err)
	}
	return f, root, f.Close, nil
}

// openFile opens the file store in a directory. If the key is made up, one that is kept in
// the directory comes before it.
func openFile(d directory, simulated bool, root []byte, madeUp bool, log *slog.Logger) (*file, []byte, error) {
	lock, err := d.open()
	if err != nil {
		return nil, nil, err
	}
	if madeUp {
		root, err = d.key(root)
	}
	f := &file{Memory: NewMemory(), dir: d, lock: lock}
	f.write = f.writeDocument
	if err == nil {
		err = f.load(simulated, root, log)
	}
	if err != nil {
		return nil, nil, errors.Join(err, lock.Close())
	}
	return f, root, nil
}

// parseKey reads a root key of 32 bytes in 64 hexadecimal digits.
func parseKey(text string) ([]byte, error) {
	key, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != 32 {
		return nil, errors.New("want 64 hexadecimal digits, as of: openssl rand -hex 32")
	}
	return key, nil
}

// directory is where a file store is.
type directory struct {
	path string
	sync func(*os.File) error // (*os.File).Sync; tests have a disk that fails
}

func (d directory) join(name string) string { return filepath.Join(d.path, name) }

func (d directory) has(name string) bool {
	_, err := os.Stat(d.join(name))
	return err == nil
}

// open makes the directory if it does not exist, locks it, and checks what is in it.
func (d directory) open() (lock io.Closer, err error) {
	if err := os.MkdirAll(d.path, 0o700); err != nil {
		return nil, err
	}
	if err := checkPrivate(d.path); err != nil {
		return nil, err
	}
	// The lock has a file of its own because the document is replaced.
	if lock, err = lockFile(d.join("lock")); err != nil {
		return nil, err
	}
	err = errors.Join(checkPrivate(d.join("lock")), checkPrivate(d.join("key")), checkPrivate(d.join(fileName)))
	if d.has("accounts.jsonl") {
		err = errors.New("its accounts.jsonl was written by an older version, and this one cannot read it: take another directory")
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// replace puts data in the place of a file. After a crash at any moment, the file holds
// either the old data or the new; when replace returns, it holds the new.
func (d directory) replace(name string, data []byte) error {
	temporary := d.join(name + ".new")
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// O_EXCL follows no link that somebody has put there.
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err = file.Write(data); err == nil {
		err = d.sync(file)
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(temporary, d.join(name))
	}
	if err != nil {
		os.Remove(temporary) // or the next replace will
		return err
	}
	if runtime.GOOS == "windows" { // there, a directory cannot be synced
		return nil
	}
	self, err := os.Open(d.path)
	if err != nil {
		return err
	}
	return errors.Join(d.sync(self), self.Close())
}

// key returns the key in the directory. If there is none, and nothing is sealed yet, it
// stores the new one.
func (d directory) key(new []byte) ([]byte, error) {
	text, err := os.ReadFile(d.join("key"))
	if err == nil {
		key, err := parseKey(string(text))
		if err != nil {
			return nil, fmt.Errorf("file key: %w", err)
		}
		return key, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if d.has(fileName) {
		return nil, errors.New("SESSION_KEY is not set, and there is no file key: set it to the key under which this was sealed")
	}
	return new, d.replace("key", fmt.Appendf(nil, "%x\n", new))
}

// private returns an error that says what to do if a file belongs to another user, or
// others can open it.
func private(path string, mode fs.FileMode, owner, self int) error {
	if owner != self {
		return fmt.Errorf("%s belongs to user %d, and the app runs as user %d: chown %d %s", path, owner, self, self, path)
	}
	if mode&0o077 != 0 {
		return fmt.Errorf("%s is open to other users of this machine: chmod go= %s", path, path)
	}
	return nil
}
