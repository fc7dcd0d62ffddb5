package account

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// memDisk is a disk in memory that can be full, and whose power can fail.
type memDisk struct {
	files map[string]*node // by name
	room  int              // bytes that can still be written
	cut   func()           // called at each byte, and after whatever else changes the disk
	fails []string         // operations that fail, in this order
}

type node struct{ data, synced []byte }

type memFile struct {
	*node
	disk *memDisk
	at   int
}

func newDisk() *memDisk {
	return &memDisk{files: make(map[string]*node), room: 1 << 30, cut: func() {}}
}

func (d *memDisk) Open(name string) (diskFile, error) {
	if d.files[name] == nil {
		d.files[name] = new(node)
	}
	return &memFile{d.files[name], d, 0}, nil
}

func (d *memDisk) Create(name string) (diskFile, error) {
	delete(d.files, name)
	return d.Open(name)
}

func (d *memDisk) Remove(name string) error {
	delete(d.files, name)
	d.cut()
	return nil
}

func (d *memDisk) Rename(from, to string) error {
	d.files[to] = d.files[from]
	delete(d.files, from)
	d.cut()
	return nil
}

// crash is the disk as it is found when the power is back: with all that was
// written, or with nothing but what was synced.
func (d *memDisk) crash(keepUnsynced bool) *memDisk {
	after := newDisk()
	for name, n := range d.files {
		data := n.synced
		if keepUnsynced {
			data = n.data
		}
		after.files[name] = &node{slices.Clone(data), slices.Clone(data)}
	}
	return after
}

// failing reports whether an operation is to fail now.
func (d *memDisk) failing(operation string) error {
	if len(d.fails) == 0 || d.fails[0] != operation {
		return nil
	}
	d.fails = d.fails[1:]
	return errors.New(operation + " failed")
}

func (f *memFile) Read(p []byte) (int, error) {
	if f.at == len(f.data) {
		return 0, io.EOF
	}
	n := copy(p, f.data[f.at:])
	f.at += n
	return n, nil
}

func (f *memFile) Write(p []byte) (int, error) {
	n, err := f.WriteAt(p, int64(f.at))
	f.at += n
	return n, err
}

func (f *memFile) WriteAt(p []byte, at int64) (int, error) {
	for n, b := range p {
		if f.disk.room == 0 {
			return n, errors.New("no space left on the disk")
		}
		f.disk.room--
		if i := int(at) + n; i < len(f.data) {
			f.data[i] = b
		} else {
			f.data = append(f.data, b)
		}
		f.disk.cut()
	}
	return len(p), nil
}

func (f *memFile) Truncate(size int64) error {
	if err := f.disk.failing("truncate"); err != nil {
		return err
	}
	f.data = f.data[:size]
	f.disk.cut()
	return nil
}

func (f *memFile) Sync() error {
	if err := f.disk.failing("sync"); err != nil {
		return err
	}
	f.synced = slices.Clone(f.data)
	f.disk.cut()
	return nil
}

func (f *memFile) Close() error { return nil }

func openMem(d *memDisk) (*File, error) {
	f := &File{Memory: NewMemory(), Root: make([]byte, 32), disk: d, lock: io.NopCloser(nil)}
	f.write = f.append
	return f, f.open(true, slog.New(slog.DiscardHandler))
}

// contents is what a store holds.
type contents struct {
	Users      map[string][]Key
	Identities map[Key]Identity
	Sessions   map[string]Session
}

func contentsOf(m *Memory) contents {
	c := contents{make(map[string][]Key), maps.Clone(m.identity), maps.Clone(m.sessions)}
	for id, u := range m.users {
		c.Users[id] = slices.Clone(u.keys)
	}
	return c
}

// changes are a few of each kind, and enough updates that the file is written anew
// when it is opened after them.
func changes() []record {
	now := time.Now().UTC().Truncate(time.Second)
	key := func(n int) Key { return Key{"p", strconv.Itoa(n)} }
	var all []record
	for n := range 4 {
		user := fmt.Sprint("user", n/2)
		all = append(all, record{Op: opAddIdentity, Identity: Identity{Key: key(n), UserID: user, Created: now, Sealed: "sealed"}})
		all = append(all, record{Op: opAddSession, Session: Session{Hash: fmt.Sprint("h", n), UserID: user, Begun: now, Seen: now}})
	}
	for n := range 36 {
		all = append(all, record{Op: opUpdateTokens, Identity: Identity{Key: key(n % 4), Sealed: fmt.Sprint("s", n)}})
	}
	return append(all,
		record{Op: opSeeSession, Session: Session{Hash: "h3", Seen: now.Add(time.Minute)}},
		record{Op: opRemoveSession, Session: Session{Hash: "h2"}},
		record{Op: opRemoveIdentity, Identity: Identity{Key: key(0), UserID: "user0"}},
		record{Op: opRemoveSessions, Session: Session{UserID: "user0"}},
	)
}

// TestPowerFailure cuts a run at each byte that it writes. The file always opens, and
// holds what was acknowledged; of the change that was under way all or nothing.
func TestPowerFailure(t *testing.T) {
	all := changes()
	after := []contents{contentsOf(NewMemory())} // after so many changes
	model := NewMemory()
	for _, r := range all {
		if err := model.change(r); err != nil {
			t.Fatal(err)
		}
		after = append(after, contentsOf(model))
	}

	d := newDisk()
	acknowledged, cuts := 0, 0
	seen := make(map[string]bool) // many cuts leave the same disk behind
	d.cut = func() {
		cuts++
		for _, keep := range []bool{false, true} {
			crashed := d.crash(keep)
			image := fmt.Sprint(acknowledged)
			for _, name := range slices.Sorted(maps.Keys(crashed.files)) {
				image += "|" + name + "|" + string(crashed.files[name].data)
			}
			if seen[image] {
				continue
			}
			seen[image] = true
			f, err := openMem(crashed)
			if err != nil {
				t.Fatalf("cut %d, unsynced kept: %v: it does not open: %v", cuts, keep, err)
			}
			got := contentsOf(f.Memory)
			if !cmp.Equal(after[acknowledged], got) && !cmp.Equal(after[min(acknowledged+1, len(all))], got) {
				t.Fatalf("cut %d, unsynced kept: %v: %d changes were acknowledged:\n%s", cuts, keep, acknowledged, cmp.Diff(after[acknowledged], got))
			}
			// And it goes on from there.
			next := record{Op: opAddIdentity, Identity: Identity{UserID: "u"}}
			if err := f.change(next); err != nil {
				t.Fatalf("cut %d: the next change: %v", cuts, err)
			}
			if f, err = openMem(crashed.crash(false)); err != nil || f.users["u"] == nil {
				t.Fatalf("cut %d: after the next change: %v", cuts, err)
			}
		}
	}
	f, err := openMem(d)
	for n, r := range all {
		if n == len(all)-8 && err == nil {
			f, err = openMem(d) // which writes it anew
		}
		if err == nil {
			err = f.change(r)
		}
		if err != nil {
			t.Fatal(err)
		}
		acknowledged++
	}
	if cuts < 5000 {
		t.Errorf("only %d cuts", cuts)
	}
}

// TestFullDisk: a change that does not fit is refused and leaves nothing behind, and
// the next one that fits is made.
func TestFullDisk(t *testing.T) {
	add := func(n int) record {
		user := fmt.Sprint("user", n)
		return record{Op: opAddIdentity, Identity: Identity{Key: Key{"p", user}, UserID: user, Sealed: strings.Repeat("s", 100)}}
	}
	for room := range 300 {
		d := newDisk()
		f, err := openMem(d)
		if err != nil {
			t.Fatal(err)
		}
		d.room = room
		fitted := f.change(add(1)) == nil
		d.room = 1 << 20
		if err := f.change(add(2)); err != nil {
			t.Fatal(err)
		}
		if f, err = openMem(d.crash(false)); err != nil {
			t.Fatal(err)
		}
		if got := f.users["user1"] != nil; got != fitted {
			t.Fatalf("room for %d bytes: acknowledged %v, there %v", room, fitted, got)
		}
		if f.users["user2"] == nil {
			t.Fatalf("room for %d bytes: the change after it is not there", room)
		}
	}
}

// TestFailingDisk: a change whose sync failed is refused and not there, also where it
// cannot be cut off at once.
func TestFailingDisk(t *testing.T) {
	add := func(id string) record {
		return record{Op: opAddIdentity, Identity: Identity{Key: Key{"p", id}, UserID: id}}
	}
	for _, fails := range [][]string{{"sync"}, {"sync", "truncate"}, {"sync", "sync"}, {"sync", "truncate", "truncate"}} {
		d := newDisk()
		f, err := openMem(d)
		if err != nil {
			t.Fatal(err)
		}
		d.fails = fails
		if f.change(add("a user with a long name")) == nil {
			t.Fatalf("%v: acknowledged", fails)
		}
		if len(fails) == 1 { // the disk was good enough to cut it off
			if g, err := openMem(d.crash(true)); err != nil || len(g.users) != 0 {
				t.Errorf("%v: refused, and there after a crash: %v", fails, err)
			}
		}
		refused := 0
		for f.change(add("u")) != nil {
			refused++
		}
		if want := max(0, len(fails)-2); refused != want {
			t.Errorf("%v: %d more changes refused, want %d", fails, refused, want)
		}
		for _, keep := range []bool{false, true} {
			if g, err := openMem(d.crash(keep)); err != nil || len(g.users) != 1 || g.users["u"] == nil {
				t.Errorf("%v: after the next change: %v", fails, err)
			}
		}
	}
}

func diskWith(t *testing.T, changes []record) *memDisk {
	t.Helper()
	d := newDisk()
	f, err := openMem(d)
	for _, r := range changes {
		if err == nil {
			err = f.change(r)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestDamage changes each byte of a file: the start stops and says where. Only without
// its end could the last record be one that was not written whole.
func TestDamage(t *testing.T) {
	d := diskWith(t, changes()[:12])
	good := d.files[fileName].data
	for at := range len(good) - 1 {
		damaged := d.crash(false)
		damaged.files[fileName].data[at] ^= 0x01
		_, err := openMem(damaged)
		begin := bytes.LastIndexByte(good[:at], '\n') + 1
		if want := fmt.Sprintf("%s is damaged at byte %d,", fileName, begin); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Fatalf("byte %d changed: error %v, want %s…", at, err, want)
		}
	}
}

// TestNotTorn: what this app never wrote is not taken for a record that it wrote in
// part, and the file stays as it is.
func TestNotTorn(t *testing.T) {
	whole := diskWith(t, changes()[:4]).files[fileName].data
	for reason, data := range map[string][]byte{
		"zeros":                    make([]byte, 5000),
		"a note":                   []byte("a note of mine, which has nothing to do with this"),
		"a header cut short":       whole[:20], // it is put in place whole
		"records, and then zeros":  append(slices.Clone(whole), 0, 0, 0),
		"a record, and then zeros": append(slices.Clone(whole), "[\"9ae0\x00\x00"...),
		"records, and then a note": append(slices.Clone(whole), "a note"...),
	} {
		d := newDisk()
		d.files[fileName] = &node{data: slices.Clone(data)}
		_, err := openMem(d)
		if err == nil || !strings.Contains(err.Error(), "is damaged at byte") || !bytes.Equal(d.files[fileName].data, data) {
			t.Errorf("%s: error %v, and %d of %d bytes are there", reason, err, len(d.files[fileName].data), len(data))
		}
	}
}

// TestSignOutFullDisk: the session ends, though only until the next start.
func TestSignOutFullDisk(t *testing.T) {
	for name, out := range map[string]func(*File) error{
		"here":       func(f *File) error { return f.RemoveSession(t.Context(), "h0") },
		"everywhere": func(f *File) error { return f.RemoveSessions(t.Context(), "user0") },
	} {
		d := diskWith(t, changes()[:4])
		f, err := openMem(d)
		if err != nil {
			t.Fatal(err)
		}
		d.room = 0
		if err := out(f); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := f.Session(t.Context(), "h0"); err != ErrNotFound {
			t.Errorf("%s: still signed in: %v", name, err)
		}
	}
}

// TestStartOnFullDisk: a file that has room for no new one beside it opens as it is.
func TestStartOnFullDisk(t *testing.T) {
	all := changes()
	d := diskWith(t, all[:len(all)-5])
	before := slices.Clone(d.files[fileName].data)
	for _, room := range []int{0, 500} {
		d.room = room
		f, err := openMem(d)
		if err != nil {
			t.Fatal(err)
		}
		if d.files[newName] != nil || !bytes.Equal(d.files[fileName].data, before) || len(f.identity) != 4 {
			t.Errorf("room for %d bytes: %d identities; %d files", room, len(f.identity), len(d.files))
		}
		d.room = 1 << 20
		if err := f.change(record{Op: opUpdateTokens, Identity: Identity{Key: Key{"p", "0"}, Sealed: "new"}}); err != nil {
			t.Error(err)
		}
		before = slices.Clone(d.files[fileName].data)
	}
	if f, err := openMem(d); err != nil || len(d.files[fileName].data) >= len(before) || f.identity[Key{"p", "0"}].Sealed != "new" {
		t.Errorf("with room again: %v", err)
	}
}

func TestHeader(t *testing.T) {
	d := diskWith(t, changes()[:4])
	rows := []struct {
		reason    string
		change    func(*File, *memDisk)
		simulated bool
		want      string
	}{
		{"as it was", func(*File, *memDisk) {}, true, ""},
		{"simulated users must not sign in at real providers", func(*File, *memDisk) {}, false, "accounts of simulated providers, and now they are real"},
		{"another key would make every sealed record look damaged", func(f *File, _ *memDisk) { f.Root = bytes.Repeat([]byte{1}, 32) }, true, "is not the key"},
		{"a file that lost its first line", func(_ *File, d *memDisk) {
			n := d.files[fileName]
			n.data = n.data[bytes.IndexByte(n.data, '\n')+1:]
		}, true, "damaged at byte 0, line 1 (no header)"},
	}
	for _, row := range rows {
		t.Run(row.reason, func(t *testing.T) {
			d := d.crash(true)
			f := &File{Memory: NewMemory(), Root: make([]byte, 32), disk: d}
			row.change(f, d)
			err := f.open(row.simulated, slog.New(slog.DiscardHandler))
			if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want %q", err, row.want)
			}
		})
	}
}

func TestDirectory(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	dir := filepath.Join(t.TempDir(), "data")
	f, err := OpenFile(dir, true, nil, log)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFile(dir, true, nil, log); err == nil || !strings.Contains(err.Error(), "another run of the app is using it") {
		t.Errorf("opened twice: %v", err)
	}
	if runtime.GOOS != "windows" {
		modes := map[string]os.FileMode{"": 0o700, "key": 0o600, "lock": 0o600, fileName: 0o600}
		for name, want := range modes {
			info, err := os.Stat(filepath.Join(dir, name))
			if err != nil || info.Mode().Perm() != want {
				t.Errorf("%q: %v, want mode %v: %v", name, info.Mode().Perm(), want, err)
			}
		}
	}
	key := f.Root
	f.Close()
	if f, err = OpenFile(dir, true, nil, log); err != nil || !bytes.Equal(f.Root, key) {
		t.Fatalf("the key of the first run is not the second's: %v", err)
	}
	f.Close()
	os.Remove(filepath.Join(dir, "key"))
	if _, err := OpenFile(dir, true, nil, log); err == nil || !strings.Contains(err.Error(), "SESSION_KEY is not set") {
		t.Errorf("without its key: %v", err)
	}
	if _, err := OpenFile(dir, true, make([]byte, 32), log); err == nil || !strings.Contains(err.Error(), "is not the key") {
		t.Errorf("with another key: %v", err)
	}
	if f, err = OpenFile(dir, true, key, log); err != nil {
		t.Fatal(err)
	}
	f.Close()
}

// TestOthers: what other users of the machine can read or change is refused, and what
// they have put there is not followed.
func TestOthers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no such modes")
	}
	log := slog.New(slog.DiscardHandler)
	dir := filepath.Join(t.TempDir(), "data")
	for _, mode := range []os.FileMode{0o710, 0o704, 0o720} {
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.Chmod(dir, mode)); err != nil {
			t.Fatal(err)
		}
		_, err := OpenFile(dir, true, nil, log)
		if want := dir + " is open to other users of this machine: chmod go= " + dir; err == nil || err.Error() != want {
			t.Errorf("%v: error %v, want %s", mode, err, want)
		}
	}

	theirs := filepath.Join(t.TempDir(), "theirs")
	if err := errors.Join(os.Chmod(dir, 0o700), os.WriteFile(theirs, []byte("precious"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{newName, "key.new"} {
		if err := os.Symlink(theirs, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	f, err := OpenFile(dir, true, nil, log)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if data, err := os.ReadFile(theirs); string(data) != "precious" {
		t.Errorf("a link was followed: %q, %v", data, err)
	}
}

// TestKill kills a process that is at work on a file, as often as KILLS says, each
// time at another moment, and looks for what it had acknowledged.
func TestKill(t *testing.T) {
	if dir := os.Getenv("KILL_ME_IN"); dir != "" {
		work(dir)
		return
	}
	kills, _ := strconv.Atoi(os.Getenv("KILLS"))
	kills = max(kills, 1)
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("KILL_SEED"); text != "" {
		seed, _ = strconv.ParseUint(text, 10, 64)
	}
	fmt.Printf("%d kills, KILL_SEED=%d\n", kills, seed)
	moments := rand.New(rand.NewPCG(seed, 0))
	dir := filepath.Join(t.TempDir(), "data")
	acknowledged := make(map[string]string) // the last value of each identity
	total := 0
	for range kills {
		child := exec.Command(os.Args[0], "-test.run=^TestKill$")
		child.Env = append(os.Environ(), "KILL_ME_IN="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		child.Stderr = os.Stderr
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		reader := bufio.NewReader(out)
		if line, _ := reader.ReadString('\n'); line != "open\n" {
			t.Fatalf("it did not open after %d changes: %q", total, line)
		}
		time.AfterFunc(time.Duration(moments.IntN(300))*time.Millisecond, func() { child.Process.Kill() })
		for {
			line, err := reader.ReadString('\n')
			if err != nil { // a line cut short says nothing
				break
			}
			subject, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			acknowledged[subject] = value
			total++
		}
		child.Wait()
		f, err := OpenFile(dir, true, nil, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		for subject, value := range acknowledged {
			// At most the one change more that was under way.
			want, _ := strconv.Atoi(value)
			if got, err := strconv.Atoi(f.identity[Key{"p", subject}].Sealed); err != nil || got != want && got != want+1 {
				t.Fatalf("%s: %d was acknowledged, and %d is there (%v)", subject, want, got, err)
			}
			acknowledged[subject] = f.identity[Key{"p", subject}].Sealed
		}
		f.Close()
	}
	fmt.Printf("%d acknowledged changes, none lost\n", total)
}

// work counts up, in several identities at once, and says what is acknowledged.
func work(dir string) {
	f, err := OpenFile(dir, true, nil, slog.Default())
	if err != nil {
		fmt.Println(err)
		return
	}
	os.Stdout.WriteString("open\n")
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			user := fmt.Sprint("user", n)
			identity := Identity{Key: Key{"p", user}, UserID: user, Sealed: "0"}
			if err := f.change(record{Op: opAddIdentity, Identity: identity}); err != nil && err != ErrTaken {
				panic(err)
			}
			value, _ := strconv.Atoi(f.identityOf(identity.Key).Sealed)
			for {
				value++
				if err := f.change(record{Op: opUpdateTokens, Identity: Identity{Key: identity.Key, Sealed: strconv.Itoa(value)}}); err != nil {
					panic(err)
				}
				fmt.Fprintf(os.Stdout, "%s %d\n", user, value)
			}
		})
	}
	wg.Wait()
}

func (m *Memory) identityOf(key Key) Identity {
	identity, _ := m.Identity(nil, key)
	return identity
}
