package account

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"example.com/oauthbyhand/oauth"
)

const (
	fileName = "accounts.jsonl"
	newName  = fileName + ".new"
)

// File is a [Store] on one disk: everything is in memory, and each change is first
// one more line at the end of a file, written and synced. A line is a JSON array: a
// checksum (CRC-32C), what is sealed, and the change:
//
//	["9ae0daaf","",{"Op":"remove session","Session":{"Hash":"…"}}]
type File struct {
	*Memory
	Root []byte // the key under which the app seals

	disk  disk
	file  diskFile
	size  int64 // up to here the file holds what was acknowledged
	dirty bool  // and perhaps something behind it
	lock  io.Closer
}

// disk is a directory, so that tests can have one that forgets what was not synced.
type disk interface {
	Open(name string) (diskFile, error)   // to read and write; made where it is not there
	Create(name string) (diskFile, error) // a new one, and one that was there is gone
	Remove(name string) error
	Rename(from, to string) error // lasting when it returns
}

type diskFile interface {
	io.ReadWriteCloser
	io.WriterAt
	Truncate(size int64) error
	Sync() error
}

// header is the first line.
type header struct {
	Simulated bool   // the users are the fake provider's, and sign nobody in at a real one
	KeyCheck  string // opens under the key under which the rest is sealed
}

const keyCheckPlace = "key check"

// open reads the file, and makes it where it is not there.
func (f *File) open(simulated bool, log *slog.Logger) error {
	sealer, err := oauth.NewSealer(f.Root, "store")
	if err != nil {
		return err
	}
	if f.file, err = f.disk.Open(fileName); err != nil {
		return err
	}
	first, read, err := f.load(log)
	if err != nil {
		return err
	}
	if read == 0 { // nothing was ever acknowledged in here
		first = header{simulated, sealer.Seal(nil, keyCheckPlace)}
	}
	if first.Simulated != simulated {
		mode := map[bool]string{true: "simulated", false: "real"}
		return fmt.Errorf("it holds accounts of %s providers, and now they are %s: take another directory", mode[first.Simulated], mode[simulated])
	}
	if _, err := sealer.Open(first.KeyCheck, keyCheckPlace); err != nil {
		return errors.New("SESSION_KEY, or the file key in it, is not the key under which it was sealed")
	}
	if live := len(f.identity) + len(f.sessions); read == 0 || read > 2*live+20 {
		size, err := f.writeNew(first)
		if err == nil {
			return f.putInPlace(size)
		}
		if read == 0 {
			return err
		}
		log.Warn("dead records stay: the file could not be written anew", "file", fileName, "err", err)
	}
	f.dirty = true // a torn record, if there is one
	return f.clean()
}

// load reads the file up to its end, or to a last record that was not written whole:
// that one was never acknowledged. It returns the header and the number of records.
func (f *File) load(log *slog.Logger) (first header, read int, err error) {
	reader := bufio.NewReaderSize(f.file, 64<<10)
	for ; ; read++ {
		line, err := reader.ReadBytes('\n')
		switch {
		case err != nil && err != io.EOF:
			return header{}, 0, err
		case err == io.EOF && len(line) == 0:
			return first, read, nil
		case err == io.EOF && read > 0 && line[0] == '[' && bytes.IndexByte(line, 0) < 0:
			// What looks otherwise was not written by this app: a disk that lost what it
			// had, or a file that is somebody's. Nor was half a header: see putInPlace.
			log.Warn("a last record that was not written whole is dropped", "file", fileName, "offset", f.size, "bytes", len(line))
			return first, read, nil
		}
		r, err := parseLine(line)
		apply := func() { first = r.Header }
		if err == nil && read == 0 && r.Op != opHeader {
			err = errors.New("no header")
		}
		if err == nil && read > 0 {
			apply, err = f.plan(r)
		}
		if err != nil {
			return header{}, 0, fmt.Errorf("%s is damaged at byte %d, line %d (%w): put a backup in its place", fileName, f.size, read+1, err)
		}
		if apply != nil {
			apply()
		}
		f.size += int64(len(line))
	}
}

// append writes a change behind all others. It is there whole, on the disk, or
// refused.
func (f *File) append(r record) error {
	line, err := formatLine(r)
	if err == nil {
		err = f.clean()
	}
	if err == nil {
		f.dirty = true
		_, err = f.file.WriteAt(line, f.size)
	}
	if err == nil {
		err = f.file.Sync()
	}
	if err != nil {
		f.clean() // or before the next change
		return fmt.Errorf("account: not stored: %w", err)
	}
	f.size += int64(len(line))
	f.dirty = false
	return nil
}

// clean cuts off what is not acknowledged.
func (f *File) clean() error {
	if !f.dirty {
		return nil
	}
	if err := f.file.Truncate(f.size); err != nil {
		return err
	}
	err := f.file.Sync()
	f.dirty = err != nil
	return err
}

// writeNew writes all there is, without dead records, beside the file.
func (f *File) writeNew(first header) (size int64, err error) {
	file, err := f.disk.Create(newName)
	if err != nil {
		return 0, err
	}
	w := bufio.NewWriterSize(file, 64<<10)
	put := func(r record) {
		line, failed := formatLine(r)
		err = cmp.Or(err, failed)
		size += int64(len(line))
		w.Write(line) // if that fails, so does Flush
	}
	put(record{Op: opHeader, Header: first})
	for _, u := range f.users {
		for _, key := range u.keys {
			put(record{Op: opAddIdentity, Identity: f.identity[key]})
		}
		for _, hash := range u.sessions {
			put(record{Op: opAddSession, Session: f.sessions[hash]})
		}
	}
	if err = errors.Join(err, w.Flush(), file.Sync(), file.Close()); err != nil {
		f.disk.Remove(newName)
	}
	return size, err
}

// putInPlace puts what writeNew wrote in the file's place.
func (f *File) putInPlace(size int64) error {
	if err := f.file.Close(); err != nil {
		return err
	}
	if err := f.disk.Rename(newName, fileName); err != nil {
		return err
	}
	f.size = size
	var err error
	f.file, err = f.disk.Open(fileName)
	return err
}

// Close lets another process have the directory.
func (f *File) Close() error {
	var err error
	if f.file != nil { // as in one that did not open
		err = f.file.Close()
	}
	return errors.Join(err, f.lock.Close())
}
