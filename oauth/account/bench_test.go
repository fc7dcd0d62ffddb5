package account

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/providers"
)

// filled returns a file store with n identities, each with tokens of a usual length.
func filled(b *testing.B, n int) (*File, string) {
	b.Helper()
	dir := filepath.Join(b.TempDir(), "data")
	f, err := OpenFile(dir, true, make([]byte, 32), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.Close() })
	sealed := strings.Repeat("s", 1500)
	for i := range n {
		f.addIdentity(Identity{Key: Key{"https://accounts.google.com", fmt.Sprintf("%021d", i)}, UserID: fmt.Sprintf("user%022d", i), Created: time.Unix(1e9, 0), Sealed: sealed})
	}
	size, err := f.writeNew(header{Simulated: true, KeyCheck: mustKeyCheck(b)})
	if err == nil {
		err = f.putInPlace(size)
	}
	if err != nil {
		b.Fatal(err)
	}
	return f, dir
}

func mustKeyCheck(b *testing.B) string {
	sealer, err := oauth.NewSealer(make([]byte, 32), "store")
	if err != nil {
		b.Fatal(err)
	}
	return sealer.Seal(nil, keyCheckPlace)
}

// counting counts what a store writes, and forgets it: what the disk takes for it is
// not ours to speed up.
type counting struct {
	diskFile
	writes, bytes, synced int
}

func (c *counting) WriteAt(p []byte, _ int64) (int, error) {
	c.writes++
	c.bytes += len(p)
	return len(p), nil
}

func (c *counting) Sync() error { c.synced++; return nil }

// BenchmarkSignIn is what the store does for a first sign-in, and for its session,
// with few accounts in it and with many: each is one record, whatever is there.
func BenchmarkSignIn(b *testing.B) {
	for _, n := range []int{10, 1_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			f, _ := filled(b, n)
			count := &counting{diskFile: f.file}
			f.file = count
			sealed := strings.Repeat("s", 1500)
			i := 0
			for b.Loop() {
				i++
				now := time.Now()
				user := fmt.Sprint("new", i)
				key := Key{"https://accounts.google.com", user}
				if err := f.AddIdentity(b.Context(), Identity{Key: key, UserID: user, Created: now, Sealed: sealed}); err != nil {
					b.Fatal(err)
				}
				if err := f.AddSession(b.Context(), Session{Hash: user, UserID: user, Key: key, Begun: now, Seen: now}); err != nil {
					b.Fatal(err)
				}
			}
			f.file = count.diskFile
			b.ReportMetric(float64(count.writes)/float64(i), "records/op")
			b.ReportMetric(float64(count.bytes)/float64(i), "bytes/op")
			b.ReportMetric(float64(count.synced)/float64(i), "syncs/op")
		})
	}
}

// BenchmarkSignInSynced is the same with this machine's disk.
func BenchmarkSignInSynced(b *testing.B) {
	f, _ := filled(b, 10)
	i := 0
	for b.Loop() {
		i++
		user := fmt.Sprint("new", i)
		if err := f.AddIdentity(b.Context(), Identity{Key: Key{"p", user}, UserID: user, Sealed: strings.Repeat("s", 1500)}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen is the start with a file of so many records.
func BenchmarkOpen(b *testing.B) {
	for _, n := range []int{1_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			f, dir := filled(b, n)
			f.file.Close()
			f.Memory = NewMemory() // its memory is not part of it
			for b.Loop() {
				opened := &File{Memory: NewMemory(), Root: make([]byte, 32), disk: directory(dir), lock: io.NopCloser(nil)}
				if err := opened.open(true, slog.New(slog.DiscardHandler)); err != nil || len(opened.identity) != n {
					b.Fatal(err, len(opened.identity))
				}
				opened.file.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(n), "µs/record")
			f.file, _ = directory(dir).Open(fileName)
		})
	}
}

// BenchmarkGrant is what fresh tokens cost; BenchmarkUnseal is the part of it that
// opening the seal takes.
func BenchmarkGrant(b *testing.B) {
	accounts, identity, client := benchGrant(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := accounts.Grant(b.Context(), identity, client); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnseal(b *testing.B) {
	accounts, identity, _ := benchGrant(b)
	b.ReportAllocs()
	for b.Loop() {
		plaintext, err := accounts.sealer.Open(identity.Sealed, place(identity))
		if err != nil {
			b.Fatal(err)
		}
		var grant Grant
		if err := json.Unmarshal(plaintext, &grant); err != nil {
			b.Fatal(err)
		}
	}
}

func benchGrant(b *testing.B) (*Accounts, Identity, *oauth.Client) {
	accounts, err := NewAccounts(NewMemory(), make([]byte, 32), slog.New(slog.DiscardHandler), func(SignedIn) {})
	if err != nil {
		b.Fatal(err)
	}
	row := providers.GitHub()
	row.Name = "p"
	client, err := oauth.NewClient(row, "app", "s3cret", "https://app.example/callback", nil)
	if err != nil {
		b.Fatal(err)
	}
	grant := Grant{Tokens: oauth.Tokens{
		Provider: "p", AccessToken: strings.Repeat("a", 200), RefreshToken: strings.Repeat("r", 100), Expiry: time.Now().Add(time.Hour),
		Scopes: []string{"email", "openid", "profile"}, IDToken: oauth.Object{"sub": []byte(`"1"`)},
	}}
	identity := Identity{Key: Key{"p", "1"}, UserID: "user"}
	if identity.Sealed, err = accounts.seal(identity, grant); err != nil {
		b.Fatal(err)
	}
	return accounts, identity, client
}
