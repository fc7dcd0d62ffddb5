package account

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
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

// noError ends the test if there is an error.
func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newDir(t testing.TB) string { return filepath.Join(t.TempDir(), "data") }

func reopen(t testing.TB, dir string) *LocalStore {
	t.Helper()
	l, _, err := Open(dir, true, strings.Repeat("00", 32))
	noError(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

// onDisk returns the records in a directory's file, as an app that starts would read them.
func onDisk(t testing.TB, dir string) records {
	t.Helper()
	r, err := (&file{dir: dir}).load(true, make([]byte, 32))
	noError(t, err)
	return *r
}

// copyOf returns a directory as it could be after a power failure at this moment. If torn, only
// half of the temporary file is there.
func copyOf(t testing.TB, dir string, torn bool) string {
	t.Helper()
	after := newDir(t)
	noError(t, os.Mkdir(after, 0o700))
	for _, name := range []string{fileName, fileName + ".new"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if torn && name != fileName {
			data = data[:len(data)/2]
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(after, name), data, 0o600)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	return after
}

// same reports whether two records print alike: then nil and an empty list are equal.
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
			return s.UpdateTokens(ctx, "ada", one.Key, func(string) (string, error) { return "new", nil })
		}},
		{"remove session", func(s Store) error { return s.RemoveSession(ctx, "h1") }},
		{"remove sessions", func(s Store) error { return s.RemoveSessions(ctx, "ada") }},
		{"and another", func(s Store) error { return s.AddSession(ctx, session("h3")) }},
		{"remove identity", func(s Store) error { return s.RemoveIdentity(ctx, "ada", one.Key) }},
		{"remove the user", func(s Store) error { return s.RemoveIdentity(ctx, "ada", two.Key) }},
	}
}

// TestPowerFailure simulates a power failure at each moment of a change. The file opens and
// holds all earlier changes, and this change as a whole or not at all.
func TestPowerFailure(t *testing.T) {
	dir := newDir(t)
	l := reopen(t, dir)
	var found []records // at each sync of the change under way
	var synced []string
	l.file.sync = func(f *os.File) error {
		synced = append(synced, f.Name())
		for _, torn := range []bool{false, true} {
			found = append(found, *reopen(t, copyOf(t, dir, torn)).records.Load())
		}
		return f.Sync()
	}
	for _, op := range operations(t) {
		before := *l.records.Load()
		found, synced = nil, nil
		if err := op.do(l); err != nil {
			t.Fatalf("%s: %v", op.name, err)
		}
		after := *l.records.Load()
		if d := cmp.Diff([]string{filepath.Join(dir, fileName+".new"), dir}, synced); d != "" && runtime.GOOS != "windows" {
			t.Errorf("%s: synced (-want +got): %s", op.name, d)
		}
		for n, r := range found {
			if !same(r, before) && !same(r, after) {
				t.Errorf("%s, power failure %d: found %+v", op.name, n, r)
			}
		}
		if same(before, after) || !same(after, onDisk(t, dir)) {
			t.Errorf("%s: in memory is %+v, in the file %+v", op.name, after, onDisk(t, dir))
		}
	}
}

// TestFailingDisk: a change that cannot be written is refused. Memory and file stay the same,
// and the next change that can be written is made.
func TestFailingDisk(t *testing.T) {
	full := errors.New("no space left on device")
	for name, row := range map[string]struct {
		file  string // whose sync fails
		times int    // how often it fails
		fail  func(*os.File) error
	}{
		"disk full": {fileName + ".new", 9, func(*os.File) error { return full }},
		"close":     {fileName + ".new", 1, func(f *os.File) error { return f.Close() }}, // then replace cannot close it
		"directory": {"data", 1, func(*os.File) error { return full }},                   // after the file was replaced
	} {
		if runtime.GOOS == "windows" && name == "directory" {
			continue // Windows cannot sync it
		}
		dir, fails := newDir(t), 0
		l := reopen(t, dir)
		l.file.sync = func(f *os.File) error {
			if fails > 0 && row.file == filepath.Base(f.Name()) {
				fails--
				return row.fail(f)
			}
			return f.Sync()
		}
		for _, op := range operations(t) {
			before := *l.records.Load()
			fails = row.times
			if err := op.do(l); err == nil || !errors.Is(err, full) && !errors.Is(err, os.ErrClosed) || !strings.Contains(err.Error(), "not stored") {
				t.Errorf("%s, %s fails: error %v", op.name, name, err)
			}
			if after := *l.records.Load(); !same(before, after) || !same(after, onDisk(t, dir)) {
				t.Errorf("%s, %s fails: in memory is %+v, in the file %+v", op.name, name, after, onDisk(t, dir))
			}
			if _, err := os.Stat(filepath.Join(dir, fileName+".new")); err == nil {
				t.Errorf("%s, %s fails: the temporary file is left behind", op.name, name)
			}
			fails = 0
			if err := op.do(l); err != nil {
				t.Errorf("%s, once more: %v", op.name, err)
			}
		}
		noError(t, errors.Join(l.Close(), l.Close()))
		if err := operations(t)[0].do(l); err == nil || err.Error() != "account: not stored: the store is closed" {
			t.Errorf("after Close: %v", err)
		}
	}
}

// TestSharedWrite: changes that wait for a write share the next one, and each has its own
// result. If that write fails, none is made.
func TestSharedWrite(t *testing.T) {
	for _, fails := range []bool{false, true} {
		dir := newDir(t)
		l := reopen(t, dir)
		begun, release := make(chan bool), make(chan bool)
		writes := 0
		l.file.sync = func(f *os.File) error {
			if filepath.Base(f.Name()) != fileName+".new" {
				return f.Sync()
			}
			if writes++; writes == 1 {
				close(begun)
				<-release
			} else if fails {
				return errors.New("full")
			}
			return f.Sync()
		}
		add := func(subject string) error {
			return l.AddIdentity(context.Background(), Identity{Key: Key{"p", subject}, UserID: "u"})
		}
		results := make(chan error, 51)
		go func() { results <- add("first") }()
		<-begun
		for n := range 50 {
			go func() { results <- add(strconv.Itoa(n / 2)) }() // each identity twice
		}
		for len(l.queue) < 50 {
			runtime.Gosched()
		}
		noError(t, l.SeeSession(t.Context(), "h", time.Now())) // it does not wait for the write
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
		after := *l.records.Load()
		want, got := []int{26, 25, 26, 2}, []int{ok, taken, len(after.Identities), writes}
		if fails {
			want = []int{1, 0, 1, 3} // the third write puts the old document back
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("the write fails: %v: changes made, taken, there, writes (-want +got): %s", fails, d)
		}
		if !same(after, onDisk(t, dir)) {
			t.Errorf("in memory is %+v, in the file %+v", after, onDisk(t, dir))
		}
	}
}

// TestSeen: a session's last use is written with the next change, and not by itself: 200
// requests at once write nothing. A change that changes nothing is not written.
func TestSeen(t *testing.T) {
	dir, all := newDir(t), operations(t)
	l := reopen(t, dir)
	for _, op := range all[:3] {
		noError(t, op.do(l))
	}
	before := onDisk(t, dir)
	writes := 0
	l.file.sync = func(f *os.File) error {
		if filepath.Base(f.Name()) == fileName+".new" {
			writes++
		}
		return f.Sync()
	}
	seen := before.Sessions[0].Begun.Add(20 * time.Minute)
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			if err := l.SeeSession(t.Context(), "h1", seen); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if session, err := l.Session(t.Context(), "h1"); err != nil || !session.Seen.Equal(seen) {
		t.Errorf("last use %v, want %v: %v", session.Seen, seen, err)
	}
	if writes != 0 || !same(before, onDisk(t, dir)) {
		t.Errorf("%d writes", writes)
	}
	noError(t, all[3].do(l))
	if got := onDisk(t, dir).Sessions[1].Seen; writes != 1 || !got.Equal(seen) {
		t.Errorf("after the next change: %d writes, last use %v, want %v", writes, got, seen)
	}
	noError(t, l.RemoveSession(t.Context(), "unknown"))
	noError(t, l.RemoveSession(t.Context(), "h1"))
	if err := all[0].do(l); !errors.Is(err, ErrTaken) || writes != 2 {
		t.Errorf("error %v, %d writes, want one more: a session that is not there and a taken identity write nothing", err, writes)
	}
}

// TestOpen: the store and the key that Open returns, and each reason to refuse.
func TestOpen(t *testing.T) {
	zeros, ones := strings.Repeat("00", 32), strings.Repeat("11", 32)
	store, root, err := Open("", true, ones)
	if err != nil || fmt.Sprintf("%x", root) != ones || store.file != nil || store.Close() != nil {
		t.Errorf("without a directory: %v, %v", store.file, err)
	}
	_, one, _ := Open("", true, "")
	if _, two, _ := Open("", true, ""); len(one) != 32 || string(one) == string(two) {
		t.Errorf("keys of two runs: %x and %x", one, two)
	}
	const badKey = ": want 64 hexadecimal digits; make them with: openssl rand -hex 32"
	if _, _, err := Open("", true, "secret"); err == nil || err.Error() != "SESSION_KEY"+badKey {
		t.Errorf("no key: %v", err)
	}

	open := func(name string, mode fs.FileMode) func(string) error {
		return func(dir string) error { return os.Chmod(filepath.Join(dir, name), mode) }
	}
	write := func(name, text string) func(string) error {
		return func(dir string) error { return os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600) }
	}
	remove := func(name string) func(string) error {
		return func(dir string) error { return os.Remove(filepath.Join(dir, name)) }
	}
	makeDir := func(name string) func(string) error {
		return func(dir string) error {
			return errors.Join(remove(name)(dir), os.Mkdir(filepath.Join(dir, name), 0o700))
		}
	}
	none := func(string) error { return nil }
	const private = " must belong to the app's user and be closed to all others: chown %[2]d "
	for _, row := range []struct {
		reason string
		change func(dir string) error
		real   bool // this run has real providers
		key    string
		want   string // behind "-data DIR: "; %[1]s is the directory and %[2]d this user
	}{
		{"as it was", none, false, "", ""},
		{"a temporary file is left", write(fileName+".new", strings.Repeat("{", 9999)), false, "", ""},
		{"a short key", none, false, zeros[2:], "SESSION_KEY" + badKey},
		{"a key and more", none, false, zeros + "zz", "SESSION_KEY" + badKey},
		{"another key", none, false, zeros, "SESSION_KEY, or else the directory's file named key, is not the key that sealed the accounts"},
		{"its key is gone", remove("key"), false, "", "SESSION_KEY is not set, and the directory has no file named key: set SESSION_KEY to the key that sealed the accounts"},
		{"its key is damaged", write("key", "00"), false, "", "the file named key" + badKey},
		{"simulated users must not sign in at real providers", none, true, "", "it holds accounts of simulated providers, and this run has real ones: take another directory"},
		{"a store of an older version", write("accounts.jsonl", ""), false, "", "its accounts.jsonl was written by an older version, and this one cannot read it: take another directory"},
		{"a store of a newer version", write(fileName, `{"Version":2}`), false, "", "accounts.json has version 2 and this app reads version 1: take another directory"},
		{"an empty file", write(fileName, ""), false, "", "accounts.json is damaged (unexpected end of JSON input): put a backup in its place"},
		{"a directory in its place", makeDir(fileName), false, "", "read %[1]s/accounts.json: is a directory"},
		{"a directory in the key's place", makeDir("key"), false, "", "read %[1]s/key: is a directory"},
		{"a directory in the lock's place", makeDir("lock"), false, "", "open %[1]s/lock: is a directory"},
		{"a directory that the group can enter", open("", 0o710), false, "", "%[1]s" + private + "%[1]s; chmod go= %[1]s"},
		{"a directory that others can enter", open("", 0o701), false, "", "%[1]s" + private + "%[1]s; chmod go= %[1]s"},
		{"a directory that the group can write to", open("", 0o720), false, "", "%[1]s" + private + "%[1]s; chmod go= %[1]s"},
		{"an open key", open("key", 0o640), false, "", "%[1]s/key" + private + "%[1]s/key; chmod go= %[1]s/key"},
		{"an open file", open(fileName, 0o604), false, "", "%[1]s/accounts.json" + private + "%[1]s/accounts.json; chmod go= %[1]s/accounts.json"},
		{"an open lock", open("lock", 0o602), false, "", "%[1]s/lock" + private + "%[1]s/lock; chmod go= %[1]s/lock"},
	} {
		if runtime.GOOS == "windows" && strings.Contains(row.want, "%[1]s") {
			continue // Windows has other file modes and other errors
		}
		dir := newDir(t)
		before, first, err := Open(dir, true, "")
		noError(t, err)
		if _, _, err := Open(dir, true, ""); err == nil || !strings.HasPrefix(err.Error(), "-data "+dir+": ") || runtime.GOOS != "windows" && !strings.HasSuffix(err.Error(), "): another run of the app may be using it") {
			t.Errorf("opened twice: %v", err)
		}
		noError(t, errors.Join(before.Close(), row.change(dir)))
		if row.want != "" {
			want := "-data " + dir + ": " + strings.NewReplacer("%[1]s", dir, "%[2]d", strconv.Itoa(os.Geteuid())).Replace(row.want)
			for range 2 { // the first refusal leaves no lock
				if _, _, err := Open(dir, !row.real, row.key); err == nil || err.Error() != want {
					t.Errorf("%s: error\n%v, want\n%s", row.reason, err, want)
				}
			}
			continue
		}
		store, root, err := Open(dir, true, "")
		if err != nil || string(root) != string(first) {
			t.Errorf("%s: %v, and the key is not the first run's", row.reason, err)
			continue
		}
		err = errors.Join(operations(t)[0].do(store), store.Close())
		if again, _, err2 := Open(dir, true, ""); err != nil || err2 != nil || again.identityOf(Key{"p", "1"}).UserID != "ada" {
			t.Errorf("%s: %v, %v", row.reason, err, err2)
		}
		if text, err := os.ReadFile(filepath.Join(dir, "key")); err != nil || string(text) != fmt.Sprintf("%x\n", first) {
			t.Errorf("%s: the file key holds %s: %v", row.reason, text, err)
		}
	}
}

// TestLeftBehind: before the directory was private, an attacker may have left links in it to a
// file of the attacker's own. Open writes neither the key nor the accounts into that file.
func TestLeftBehind(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // on Windows only administrators make links
	}
	for how, link := range map[string]func(string, string) error{"hard link": os.Link, "symbolic link": os.Symlink} {
		dir, theirs := t.TempDir(), filepath.Join(t.TempDir(), "theirs")
		err := errors.Join(os.Chmod(dir, 0o700), os.WriteFile(theirs, nil, 0o666))
		for _, name := range []string{"key.new", fileName + ".new"} {
			err = errors.Join(err, link(theirs, filepath.Join(dir, name)))
		}
		noError(t, err)
		l, _, err := Open(dir, true, "")
		if err != nil {
			t.Fatalf("%s: %v", how, err)
		}
		l.Close()
		if got, err := os.ReadFile(theirs); err != nil || len(got) > 0 {
			t.Errorf("%s: the attacker's file holds %d bytes, %v", how, len(got), err)
		}
	}
}

// TestKill kills a process that changes a store, each time at another moment, as often as the
// environment variable KILLS says. No change that the process had acknowledged is lost.
func TestKill(t *testing.T) {
	if dir := os.Getenv("KILL_ME_IN"); dir != "" {
		work(dir)
		return
	}
	kills, _ := strconv.Atoi(os.Getenv("KILLS"))
	dir := newDir(t)
	acknowledged := make(map[string]string) // the last value of each identity
	total := 0
	for range max(kills, 1) {
		child := exec.Command(os.Args[0], "-test.run=^TestKill$")
		child.Env = append(os.Environ(), "KILL_ME_IN="+dir)
		out, err := child.StdoutPipe()
		noError(t, err)
		child.Stderr = os.Stderr
		noError(t, child.Start())
		reader := bufio.NewReader(out)
		if line, _ := reader.ReadString('\n'); line != "open\n" {
			t.Fatalf("it did not open after %d changes: %q", total, line)
		}
		time.AfterFunc(time.Duration(rand.IntN(300))*time.Millisecond, func() { child.Process.Kill() })
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
		f := reopen(t, dir)
		for subject, value := range acknowledged {
			// One more change may have been under way.
			want, _ := strconv.Atoi(value)
			if got, err := strconv.Atoi(f.identityOf(Key{"p", subject}).Sealed); err != nil || got != want && got != want+1 {
				t.Fatalf("%s: %d was acknowledged, and %d is there (%v)", subject, want, got, err)
			}
			acknowledged[subject] = f.identityOf(Key{"p", subject}).Sealed
		}
		f.Close()
	}
	t.Logf("%d acknowledged changes, none lost", total)
}

// work counts up in several identities at once, and prints each change that is stored.
func work(dir string) {
	f, _, err := Open(dir, true, strings.Repeat("00", 32))
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
				if err := f.UpdateTokens(context.Background(), user, identity.Key, func(string) (string, error) { return strconv.Itoa(value), nil }); err != nil {
					panic(err)
				}
				fmt.Fprintf(os.Stdout, "%s %d\n", user, value)
			}
		})
	}
	wg.Wait()
}

func (l *LocalStore) identityOf(key Key) Identity {
	identity, _ := l.Identity(nil, key)
	return identity
}
