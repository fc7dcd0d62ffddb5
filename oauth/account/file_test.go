package account

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func newDirectory(t testing.TB) directory {
	return directory{filepath.Join(t.TempDir(), "data"), (*os.File).Sync}
}

func open(t testing.TB, d directory) *file {
	t.Helper()
	f, _, err := openFile(d, true, make([]byte, 32), false, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// onDisk is what the file in a directory holds, read as a start would.
func onDisk(t testing.TB, d directory) records {
	t.Helper()
	f := &file{Memory: NewMemory(), dir: d}
	if err := f.load(true, make([]byte, 32), slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	return f.records
}

// copyOf is the directory as it would be found after a power failure now.
func copyOf(t testing.TB, d directory) directory {
	t.Helper()
	after := newDirectory(t)
	if err := os.Mkdir(after.path, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{fileName, fileName + ".new"} {
		data, err := os.ReadFile(d.join(name))
		if err == nil {
			err = os.WriteFile(after.join(name), data, 0o600)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	return after
}

// same compares what is printed, in which nil and an empty list are the same.
func same(a, b records) bool {
	return fmt.Sprintf("%+v", a) == fmt.Sprintf("%+v", b)
}

type operation struct {
	name string
	do   func(Store) error
}

// operations has one change of each kind.
func operations(t *testing.T) []operation {
	ctx, day := t.Context(), time.Date(2026, 1, 2, 8, 0, 0, 0, time.UTC)
	one, two := Identity{Key: Key{"p", "1"}, UserID: "ada", Created: day, Sealed: "s"}, Identity{Key: Key{"p", "2"}, UserID: "ada", Created: day, Sealed: "s"}
	session := func(hash string) Session {
		return Session{Hash: hash, UserID: "ada", Key: one.Key, Begun: day, Seen: day, Proof: "proof"}
	}
	return []operation{
		{"add identity", func(s Store) error { return s.AddIdentity(ctx, one) }},
		{"connect", func(s Store) error { return s.AddIdentity(ctx, two) }},
		{"add session", func(s Store) error { return s.AddSession(ctx, session("h1")) }},
		{"add another", func(s Store) error { return s.AddSession(ctx, session("h2")) }},
		{"update tokens", func(s Store) error {
			return s.UpdateTokens(ctx, one.Key, func(string) (string, error) { return "new", nil })
		}},
		{"remove session", func(s Store) error { return s.RemoveSession(ctx, "h1") }},
		{"remove sessions", func(s Store) error { return s.RemoveSessions(ctx, "ada") }},
		{"and another", func(s Store) error { return s.AddSession(ctx, session("h3")) }},
		{"remove identity", func(s Store) error { return s.RemoveIdentity(ctx, "ada", one.Key) }},
		{"remove the user", func(s Store) error { return s.RemoveIdentity(ctx, "ada", two.Key) }},
	}
}

// TestPowerFailure looks at the directory at each moment of a change: after a power failure
// then, the file opens and holds all that was acknowledged, and of the change all or nothing.
func TestPowerFailure(t *testing.T) {
	d := newDirectory(t)
	var found []records // at each sync of the change under way
	var synced []string
	d.sync = func(f *os.File) error {
		synced = append(synced, filepath.Base(f.Name()))
		for _, torn := range []bool{false, true} { // what is not synced may be there in part
			after := copyOf(t, d)
			temporary := after.join(fileName + ".new")
			if info, err := os.Stat(temporary); err == nil && torn {
				if err := os.Truncate(temporary, info.Size()/2); err != nil {
					t.Fatal(err)
				}
			}
			if after.has(fileName) {
				found = append(found, open(t, after).records)
			}
		}
		return f.Sync()
	}
	f := open(t, d)
	for _, op := range operations(t) {
		before := f.records
		found, synced = nil, nil
		if err := op.do(f); err != nil {
			t.Fatalf("%s: %v", op.name, err)
		}
		if d := cmp.Diff([]string{fileName + ".new", filepath.Base(d.path)}, synced); d != "" && runtime.GOOS != "windows" {
			t.Errorf("%s: synced (-want +got): %s", op.name, d)
		}
		for n, r := range found {
			if !same(r, before) && !same(r, f.records) {
				t.Errorf("%s, power failure %d: found %+v", op.name, n, r)
			}
		}
		if same(before, f.records) || !same(f.records, onDisk(t, d)) {
			t.Errorf("%s: in memory is %+v, in the file %+v", op.name, f.records, onDisk(t, d))
		}
	}
}

// TestFailingDisk: a change that cannot be written is refused, memory is what the file
// holds, and the next change that can be written is made.
func TestFailingDisk(t *testing.T) {
	full := errors.New("no space left on device")
	for _, failing := range []string{fileName + ".new", "data"} { // the file, and the directory
		d := newDirectory(t)
		fails := false
		d.sync = func(f *os.File) error {
			if fails && filepath.Base(f.Name()) == failing {
				fails = false
				return full
			}
			return f.Sync()
		}
		f := open(t, d)
		for _, op := range operations(t) {
			before := f.records
			fails = runtime.GOOS != "windows" || failing != "data"
			if err := op.do(f); !errors.Is(err, full) || !strings.Contains(err.Error(), "not stored") {
				t.Errorf("%s, sync of %s fails: error %v", op.name, failing, err)
			}
			if !same(before, f.records) || !same(f.records, onDisk(t, d)) {
				t.Errorf("%s, sync of %s fails: in memory is %+v, in the file %+v", op.name, failing, f.records, onDisk(t, d))
			}
			if f.dir.has(fileName + ".new") {
				t.Errorf("%s, sync of %s fails: the temporary file is left behind", op.name, failing)
			}
			if err := op.do(f); err != nil {
				t.Errorf("%s, once more: %v", op.name, err)
			}
		}
	}
}

// TestDirectoryGone: without its directory a store refuses changes and still serves.
func TestDirectoryGone(t *testing.T) {
	d := newDirectory(t)
	f, all := open(t, d), operations(t)
	if err := all[0].do(f); err != nil {
		t.Fatal(err)
	}
	away := d.path + " away"
	if err := os.Rename(d.path, away); err != nil {
		t.Fatal(err)
	}
	if err := all[1].do(f); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want that it does not exist", err)
	}
	if identity, err := f.Identity(t.Context(), Key{"p", "1"}); err != nil || identity.UserID != "ada" {
		t.Errorf("reading: %v, %v", identity, err)
	}
	if err := os.Rename(away, d.path); err != nil {
		t.Fatal(err)
	}
	if err := all[1].do(f); err != nil {
		t.Errorf("once it is back: %v", err)
	}
	f.Close()
	if err := all[2].do(f); err == nil || !strings.Contains(err.Error(), "not stored: the store is closed") {
		t.Errorf("after Close: %v", err)
	}
}

// TestSharedWrite: changes that wait for a write share the next one, and each has its own
// result. If that write fails, none is made.
func TestSharedWrite(t *testing.T) {
	for _, fails := range []bool{false, true} {
		f := open(t, newDirectory(t))
		begun, release := make(chan bool), make(chan bool)
		writes := 0
		f.write = func(r records) error {
			if writes++; writes == 1 {
				close(begun)
				<-release
			} else if fails {
				return errors.New("full")
			}
			return f.writeDocument(r)
		}
		add := func(subject string) error {
			return f.AddIdentity(context.Background(), Identity{Key: Key{"p", subject}, UserID: "u"})
		}
		results := make(chan error, 51)
		go func() { results <- add("first") }()
		<-begun
		for n := range 50 {
			go func() { results <- add(strconv.Itoa(n / 2)) }() // each twice
		}
		for queued := 0; queued < 50; runtime.Gosched() {
			f.queueMu.Lock()
			queued = len(f.queue)
			f.queueMu.Unlock()
		}
		close(release)
		ok, taken := 0, 0
		for range cap(results) {
			switch err := <-results; {
			case err == nil:
				ok++
			case errors.Is(err, ErrTaken):
				taken++
			case !strings.Contains(err.Error(), "not stored"):
				t.Error(err)
			}
		}
		want, got := []int{26, 25, 26, 2}, []int{ok, taken, len(f.records.Identities), writes}
		if fails {
			want = []int{1, 0, 1, 3} // the third puts the old document back
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("the write fails: %v: changes made, taken, there, writes (-want +got): %s", fails, d)
		}
		if !same(f.records, onDisk(t, f.dir)) {
			t.Errorf("in memory is %+v, in the file %+v", f.records, onDisk(t, f.dir))
		}
	}
}

// TestSeen: a session's last use is written with the next change and not on its own, for
// 200 requests at once after a pause.
func TestSeen(t *testing.T) {
	f := open(t, newDirectory(t))
	all := operations(t)
	for _, op := range all[:3] {
		if err := op.do(f); err != nil {
			t.Fatal(err)
		}
	}
	before := onDisk(t, f.dir)
	writes := 0
	f.write = func(r records) error { writes++; return f.writeDocument(r) }
	seen := before.Sessions[0].Begun.Add(20 * time.Minute)
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			if err := f.SeeSession(t.Context(), "h1", seen); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if session, err := f.Session(t.Context(), "h1"); err != nil || !session.Seen.Equal(seen) {
		t.Errorf("last use %v, want %v: %v", session.Seen, seen, err)
	}
	if writes != 0 || !same(before, onDisk(t, f.dir)) {
		t.Errorf("%d writes", writes)
	}
	if err := all[3].do(f); err != nil {
		t.Fatal(err)
	}
	if got := onDisk(t, f.dir).Sessions[0].Seen; writes != 1 || !got.Equal(seen) {
		t.Errorf("after the next change: %d writes, last use %v, want %v", writes, got, seen)
	}
	for _, hash := range []string{"unknown", "h1"} {
		if err := f.RemoveSession(t.Context(), hash); err != nil {
			t.Error(err)
		}
	}
	if writes != 2 {
		t.Errorf("%d writes, want one more: ending a session that is not there writes nothing", writes)
	}
}

// TestOpen: an app's store and key, and each reason to refuse.
func TestOpen(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	zeros, ones := strings.Repeat("00", 32), strings.Repeat("11", 32)
	store, root, closeStore, err := Open("", true, ones, log)
	if _, ok := store.(*Memory); err != nil || !ok || fmt.Sprintf("%x", root) != ones || closeStore() != nil {
		t.Errorf("without a directory: %T, %v", store, err)
	}
	_, one, _, _ := Open("", true, "", log)
	if _, two, _, _ := Open("", true, "", log); len(one) != 32 || string(one) == string(two) {
		t.Errorf("keys of two runs: %x and %x", one, two)
	}

	rows := []struct {
		reason    string
		change    func(dir string) error
		simulated bool
		key       string
		want      string // %s is the directory
	}{
		{"as it was", func(string) error { return nil }, true, "", ""},
		{"no key", func(string) error { return nil }, true, "secret", "SESSION_KEY: want 64 hexadecimal digits, as of: openssl rand -hex 32"},
		{"a short key", func(string) error { return nil }, true, zeros[2:], "SESSION_KEY: want 64 hexadecimal digits, as of: openssl rand -hex 32"},
		{"another key", func(string) error { return nil }, true, zeros, "-data %s: SESSION_KEY, or the file key in it, is not the key under which it was sealed"},
		{"its key is gone", func(dir string) error { return os.Remove(filepath.Join(dir, "key")) }, true, "",
			"-data %s: SESSION_KEY is not set, and there is no file key: set it to the key under which this was sealed"},
		{"its key is damaged", func(dir string) error { return os.WriteFile(filepath.Join(dir, "key"), []byte("00"), 0o600) }, true, "",
			"-data %s: file key: want 64 hexadecimal digits, as of: openssl rand -hex 32"},
		{"simulated users must not sign in at real providers", func(string) error { return nil }, false, "",
			"-data %s: it holds accounts of simulated providers, and now they are real: take another directory"},
		{"a store of an older version", func(dir string) error { return os.WriteFile(filepath.Join(dir, "accounts.jsonl"), nil, 0o600) }, true, "",
			"-data %s: its accounts.jsonl was written by an older version, and this one cannot read it: take another directory"},
		{"a store of a newer version", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, fileName), []byte(`{"Version":2}`), 0o600)
		}, true, "", "-data %s: accounts.json has version 2 and this app reads version 1: take another directory"},
		{"an empty file", func(dir string) error { return os.Truncate(filepath.Join(dir, fileName), 0) }, true, "",
			"-data %s: accounts.json is damaged (unexpected end of JSON input): put a backup in its place"},
		{"an open directory", func(dir string) error { return os.Chmod(dir, 0o710) }, true, "",
			"-data %[1]s: %[1]s is open to other users of this machine: chmod go= %[1]s"},
		{"an open key", func(dir string) error { return os.Chmod(filepath.Join(dir, "key"), 0o640) }, true, "",
			"-data %[1]s: %[1]s/key is open to other users of this machine: chmod go= %[1]s/key"},
		{"an open file", func(dir string) error { return os.Chmod(filepath.Join(dir, fileName), 0o604) }, true, "",
			"-data %[1]s: %[1]s/accounts.json is open to other users of this machine: chmod go= %[1]s/accounts.json"},
		{"a link in place of the temporary file is not followed", func(dir string) error {
			return os.Symlink(filepath.Join(dir, "key"), filepath.Join(dir, fileName+".new"))
		}, true, "", ""},
	}
	for _, row := range rows {
		if runtime.GOOS == "windows" && (strings.Contains(row.want, "chmod") || strings.Contains(row.reason, "link")) {
			continue // no such modes
		}
		dir := filepath.Join(t.TempDir(), "data")
		_, first, closeStore, err := Open(dir, true, "", log)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := Open(dir, true, "", log); err == nil || err.Error() != "-data "+dir+": another run of the app is using it" {
			t.Errorf("opened twice: %v", err)
		}
		if err := errors.Join(closeStore(), row.change(dir)); err != nil {
			t.Fatal(err)
		}
		want := row.want
		if strings.Contains(want, "%") {
			want = fmt.Sprintf(want, dir)
		}
		store, root, closeStore, err := Open(dir, row.simulated, row.key, log)
		if want != "" {
			if err == nil || err.Error() != want {
				t.Errorf("%s: error %v, want %s", row.reason, err, want)
			}
			continue
		}
		if err != nil || string(root) != string(first) {
			t.Errorf("%s: %v, and the key is not the first run's", row.reason, err)
			continue
		}
		if err := operations(t)[0].do(store); err != nil {
			t.Errorf("%s: %v", row.reason, err)
		}
		if text, err := os.ReadFile(filepath.Join(dir, "key")); err != nil || strings.TrimSpace(string(text)) != fmt.Sprintf("%x", first) {
			t.Errorf("%s: the file key holds %s: %v", row.reason, text, err)
		}
		closeStore()
	}
}

// TestPrivate: directory and files belong to this user, and others can do nothing with them.
func TestPrivate(t *testing.T) {
	for _, row := range []struct {
		mode  fs.FileMode
		owner int
		want  string
	}{
		{0o700, 5, ""},
		{0o600, 5, ""},
		{0o710, 5, "d is open to other users of this machine: chmod go= d"},
		{0o740, 5, "d is open to other users of this machine: chmod go= d"},
		{0o702, 5, "d is open to other users of this machine: chmod go= d"},
		{0o700, 0, "d belongs to user 0, and the app runs as user 5: chown 5 d"},
	} {
		got := ""
		if err := private("d", row.mode, row.owner, 5); err != nil {
			got = err.Error()
		}
		if got != row.want {
			t.Errorf("%v of user %d: %q, want %q", row.mode, row.owner, got, row.want)
		}
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
		f := open(t, directory{dir, (*os.File).Sync})
		for subject, value := range acknowledged {
			// At most the one change more that was under way.
			want, _ := strconv.Atoi(value)
			if got, err := strconv.Atoi(f.identityOf(Key{"p", subject}).Sealed); err != nil || got != want && got != want+1 {
				t.Fatalf("%s: %d was acknowledged, and %d is there (%v)", subject, want, got, err)
			}
			acknowledged[subject] = f.identityOf(Key{"p", subject}).Sealed
		}
		f.Close()
	}
	fmt.Printf("%d acknowledged changes, none lost\n", total)
}

// work counts up, in several identities at once, and says what is acknowledged.
func work(dir string) {
	f, _, err := openFile(directory{dir, (*os.File).Sync}, true, make([]byte, 32), false, slog.Default())
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
			if err := f.AddIdentity(context.Background(), identity); err != nil && err != ErrTaken {
				panic(err)
			}
			value, _ := strconv.Atoi(f.identityOf(identity.Key).Sealed)
			for {
				value++
				if err := f.UpdateTokens(context.Background(), identity.Key, func(string) (string, error) { return strconv.Itoa(value), nil }); err != nil {
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
