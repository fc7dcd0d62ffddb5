package account

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"example.com/oauthbyhand/oauth"
)

const (
	fileName   = "accounts.jsonl"
	newName    = fileName + ".new"
	fileFormat = 1
)

// File is a [Store] on one disk: everything is in memory, and each change is first
// one more line at the end of a file, written and synced. A line is a JSON array: a
// checksum, what is sealed, and the change:
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
	Format    int
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
	switch {
	case err != nil:
		return err
	case read == 0: // nothing was ever acknowledged in here
		size, err := f.writeNew(header{fileFormat, simulated, sealer.Seal(nil, keyCheckPlace)})
		if err != nil {
			return err
		}
		return f.putInPlace(size)
	case first.Simulated != simulated:
		return fmt.Errorf("it holds accounts of %s providers, and now they are %s: take another directory", mode(first.Simulated), mode(simulated))
	}
	if _, err := sealer.Open(first.KeyCheck, keyCheckPlace); err != nil {
		return errWrongKey
	}
	if live := len(f.identity) + len(f.sessions); read > 2*live+20 {
		size, err := f.writeNew(first)
		if err == nil {
			return f.putInPlace(size)
		}
		log.Warn("dead records stay: the file could not be written anew", "file", fileName, "err", err)
	}
	f.dirty = true // a torn record, if there is one
	return f.clean()
}

func mode(simulated bool) string {
	if simulated {
		return "simulated"
	}
	return "real"
}

// load reads the file up to its end, or to a last record that was not written whole:
// that one was never acknowledged. It returns the header and the number of records.
func (f *File) load(log *slog.Logger) (first header, read int, err error) {
	defer f.removeEnded(time.Now())
	reader := bufio.NewReaderSize(f.file, 64<<10)
	for ; ; read++ {
		line, err := reader.ReadBytes('\n')
		if err == io.EOF && len(line) == 0 {
			return first, read, nil
		}
		if err != nil && err != io.EOF {
			return header{}, 0, err
		}
		r, err := parseLine(line)
		if _, end := reader.Peek(1); err != nil && end == io.EOF && torn(line, read == 0) {
			log.Warn("a last record that was not written whole is dropped", "file", fileName, "offset", f.size, "bytes", len(line))
			return first, read, nil
		}
		var apply func()
		switch {
		case err != nil:
		case read == 0 && r.Op == opHeader:
			first = r.Header
			if first.Format != fileFormat { // what follows may be anything
				return header{}, 0, fmt.Errorf("%s is of format %d, and this app knows %d", fileName, first.Format, fileFormat)
			}
		case read == 0:
			err = errors.New("no header")
		default:
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

func (m *Memory) removeEnded(now time.Time) {
	for hash, session := range m.sessions {
		if session.Ended(now) {
			m.removeSession(hash)
		}
	}
}

// append writes a change behind all others. It is there whole, on the disk, or
// refused.
func (f *File) append(r record) error {
	line, err := appendLine(nil, r)
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
	size, err = f.writeAll(file, first)
	if err = errors.Join(err, file.Close()); err != nil {
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

func (f *File) writeAll(file diskFile, first header) (size int64, err error) {
	w := bufio.NewWriterSize(file, 64<<10)
	var line []byte
	put := func(r record) {
		if err == nil {
			line, err = appendLine(line[:0], r)
		}
		if err == nil {
			_, err = w.Write(line)
			size += int64(len(line))
		}
	}
	put(record{Op: opHeader, Header: first})
	for _, u := range f.users {
		for _, key := range u.keys {
			put(record{Op: opAddIdentity, User: u.User, Identity: f.identity[key]})
		}
		for _, hash := range u.sessions {
			put(record{Op: opAddSession, Session: f.sessions[hash]})
		}
	}
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = file.Sync()
	}
	return size, err
}

// Close lets another process have the directory.
func (f *File) Close() error { return errors.Join(f.file.Close(), f.lock.Close()) }
