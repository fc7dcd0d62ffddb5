package account

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"

	"example.com/oauthbyhand/oauth"
)

const (
	fileName    = "accounts.json"
	fileVersion = 1
	// manyIdentities is when a start recommends a database: each change writes the whole file.
	manyIdentities = 5000
)

// file is a [Store] in one JSON document, all of which is in memory as well. Each write
// replaces the document as a whole.
type file struct {
	*Memory
	dir    directory
	header header
	lock   io.Closer
}

// document is what the file holds.
type document struct {
	header
	records
}

type header struct {
	Version   int
	Simulated bool   // the users are the fake provider's, and must not sign in at a real one
	KeyCheck  string // opens under the key that sealed the rest
}

const keyCheckContext = "key check"

// load reads the document. If there is none, it makes an empty one.
func (f *file) load(simulated bool, root []byte, log *slog.Logger) error {
	sealer, err := oauth.NewSealer(root, "store")
	if err != nil {
		return err
	}
	data, err := os.ReadFile(f.dir.join(fileName))
	if errors.Is(err, fs.ErrNotExist) {
		f.header = header{fileVersion, simulated, sealer.Seal(nil, keyCheckContext)}
		return f.writeDocument(records{})
	}
	if err != nil {
		return err
	}
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		return fmt.Errorf("%s is damaged (%w): put a backup in its place", fileName, err)
	}
	if d.Version != fileVersion {
		return fmt.Errorf("%s has version %d and this app reads version %d: take another directory", fileName, d.Version, fileVersion)
	}
	if d.Simulated != simulated {
		mode := map[bool]string{true: "simulated", false: "real"}
		return fmt.Errorf("it holds accounts of %s providers, and now they are %s: take another directory", mode[d.Simulated], mode[simulated])
	}
	if _, err := sealer.Open(d.KeyCheck, keyCheckContext); err != nil {
		return errors.New("SESSION_KEY, or the file key in it, is not the key under which it was sealed")
	}
	if n := len(d.Identities); n > manyIdentities {
		log.Warn("each change writes the whole file: with so many accounts, take a database", "file", f.dir.join(fileName), "accounts", n)
	}
	f.header, f.records = d.header, d.records
	return nil
}

func (f *file) writeDocument(r records) error {
	data, err := json.Marshal(document{f.header, r})
	if err != nil {
		return err
	}
	return f.dir.replace(fileName, data)
}

// Close lets another process have the directory. Later changes fail.
func (f *file) Close() error {
	f.changing.Lock()
	defer f.changing.Unlock()
	f.write = func(records) error { return errors.New("the store is closed") }
	return f.lock.Close()
}
