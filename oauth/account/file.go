package account

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"example.com/oauthbyhand/oauth"
)

const (
	fileName        = "accounts.json"
	fileVersion     = 1
	keyCheckContext = "key check"
)

// Open opens the store of an app, and returns it with the root key (32 bytes) under which
// the app seals. Without dir the store is in memory only. Otherwise it is also in a file
// in this directory, and Open makes both if they do not exist. sessionKey is the root key
// in 64 hexadecimal digits. If it is empty, the key is random, and kept in dir if there is
// one.
//
// simulated says that the users are the fake provider's. Such users and real ones cannot
// share a store: Open refuses a store of the other kind. It also refuses a directory that
// belongs to another user, that other users can open, or that another process uses. Its
// errors name SESSION_KEY or -data.
func Open(dir string, simulated bool, sessionKey string) (*LocalStore, []byte, error) {
	l := NewMemory()
	if dir == "" {
		root, err := parseKey("SESSION_KEY", cmp.Or(sessionKey, newKey()))
		return l, root, err
	}
	l.file = &file{dir: dir, sync: (*os.File).Sync}
	root, err := l.open(simulated, sessionKey)
	if err != nil {
		return nil, nil, fmt.Errorf("-data %s: %w", dir, errors.Join(err, l.Close()))
	}
	return l, root, nil
}

func (l *LocalStore) open(simulated bool, sessionKey string) (root []byte, err error) {
	f := l.file
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return nil, err
	}
	for _, name := range []string{".", "lock", "key", fileName} {
		if err := checkPrivate(f.path(name), os.Geteuid()); err != nil {
			return nil, err
		}
	}
	if _, err := os.Stat(f.path("accounts.jsonl")); err == nil {
		return nil, errors.New("its accounts.jsonl was written by an older version, and this one cannot read it: take another directory")
	}
	if f.lock, err = lockFile(f.path("lock")); err != nil { // the document cannot be the lock: each write replaces it
		return nil, err
	}
	if root, err = f.rootKey(sessionKey); err != nil {
		return nil, err
	}
	r, err := f.load(simulated, root)
	l.records.Store(r)
	return root, err
}

// newKey makes a root key from 260 random bits.
func newKey() string { return hash(rand.Text() + rand.Text()) }

// parseKey reads a root key. name is where the key comes from, for the error.
func parseKey(name, text string) ([]byte, error) {
	key, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("%s: want 64 hexadecimal digits; make them with: openssl rand -hex 32", name)
	}
	return key, nil
}

// file is the file of a [LocalStore]: one JSON document in a directory of its own. Each
// write replaces the whole document.
type file struct {
	dir  string
	sync func(*os.File) error // (*os.File).Sync; a test can make it fail
	lock io.Closer            // nil before the directory is open and after Close
}

func (f *file) path(name string) string { return filepath.Join(f.dir, name) }

// rootKey returns the root key from sessionKey. If that is empty, it reads the file "key".
// If there is no such file, and nothing is sealed yet, it makes one.
func (f *file) rootKey(sessionKey string) ([]byte, error) {
	if sessionKey != "" {
		return parseKey("SESSION_KEY", sessionKey)
	}
	text, err := os.ReadFile(f.path("key"))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(f.path(fileName)); err == nil {
			return nil, errors.New("SESSION_KEY is not set, and the directory has no file named key: set SESSION_KEY to the key that sealed the accounts")
		}
		text = []byte(newKey() + "\n")
		err = f.replace("key", text)
	}
	if err != nil {
		return nil, err
	}
	return parseKey("the file named key", string(text))
}

// load reads the document. If there is none, load writes an empty one.
func (f *file) load(simulated bool, root []byte) (*records, error) {
	sealer, err := oauth.NewSealer(root, "store")
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(f.path(fileName))
	if errors.Is(err, fs.ErrNotExist) {
		r := &records{Version: fileVersion, Simulated: simulated, KeyCheck: sealer.Seal(nil, keyCheckContext)}
		return r, f.write(r)
	}
	if err != nil {
		return nil, err
	}
	var r records
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("%s is damaged (%w): put a backup in its place", fileName, err)
	}
	if r.Version != fileVersion {
		return nil, fmt.Errorf("%s has version %d and this app reads version %d: take another directory", fileName, r.Version, fileVersion)
	}
	if r.Simulated != simulated {
		mode := map[bool]string{true: "simulated", false: "real"}
		return nil, fmt.Errorf("it holds accounts of %s providers, and this run has %s ones: take another directory", mode[r.Simulated], mode[simulated])
	}
	if _, err := sealer.Open(r.KeyCheck, keyCheckContext); err != nil {
		return nil, errors.New("SESSION_KEY, or else the directory's file named key, is not the key that sealed the accounts")
	}
	return &r, nil
}

// write replaces the document. If the store is in memory only, write does nothing.
func (f *file) write(r *records) error {
	if f == nil {
		return nil
	}
	if f.lock == nil {
		return errors.New("the store is closed")
	}
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return f.replace(fileName, data)
}

// replace puts data in the place of a file. After a crash at any moment, the file holds
// either the old data or the new. If replace returns no error, it holds the new.
func (f *file) replace(name string, data []byte) error {
	temporary := f.path(name + ".new")
	os.Remove(temporary)       // left by a crash, or by somebody before the directory was private
	defer os.Remove(temporary) // if it was not renamed
	out, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err = out.Write(data); err == nil {
		err = f.sync(out)
	}
	if err = errors.Join(err, out.Close()); err == nil {
		err = os.Rename(temporary, f.path(name))
	}
	if err != nil || runtime.GOOS == "windows" { // Windows cannot sync a directory
		return err
	}
	dir, err := os.Open(f.dir)
	if err != nil {
		return err
	}
	return errors.Join(f.sync(dir), dir.Close())
}
