package account

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/providers"
)

// BenchmarkFile is a change of the file store with so many identities in it, alone and
// with 50 at once that share writes. An operation is one change, on this machine's disk.
func BenchmarkFile(b *testing.B) {
	for _, identities := range []int{10, 1_000, 10_000} {
		for _, atOnce := range []int{1, 50} {
			b.Run(fmt.Sprintf("%d/%d at once", identities, atOnce), func(b *testing.B) {
				f := open(b, newDirectory(b))
				sealed := strings.Repeat("s", 2500) // tokens, an ID token's claims, a profile and its reply
				for n := range identities {
					f.records.Identities = append(f.records.Identities, Identity{Key: Key{"https://accounts.google.com", fmt.Sprintf("%021d", n)}, UserID: fmt.Sprintf("user%022d", n), Created: time.Unix(1e9, 0), Sealed: sealed})
				}
				var written int64
				f.write = func(r records) error {
					if err := f.writeDocument(r); err != nil {
						return err
					}
					info, err := os.Stat(f.dir.join(fileName))
					if err == nil {
						written += info.Size()
					}
					return err
				}
				for b.Loop() {
					var wg sync.WaitGroup
					for n := range atOnce {
						key := f.records.Identities[n%identities].Key
						wg.Go(func() {
							if err := f.UpdateTokens(b.Context(), key, func(string) (string, error) { return sealed, nil }); err != nil {
								b.Error(err)
							}
						})
					}
					wg.Wait()
				}
				changes := float64(b.N * atOnce)
				b.ReportMetric(float64(b.Elapsed().Microseconds())/changes, "µs/change")
				b.ReportMetric(float64(written)/changes, "bytes/change")
			})
		}
	}
}

// BenchmarkOpen is a start with so many identities.
func BenchmarkOpen(b *testing.B) {
	f := open(b, newDirectory(b))
	var r records
	for n := range 10_000 {
		r.Identities = append(r.Identities, Identity{Key: Key{"p", fmt.Sprint(n)}, UserID: "u", Sealed: strings.Repeat("s", 2500)})
	}
	if err := f.writeDocument(r); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if n := len(onDisk(b, f.dir).Identities); n != 10_000 {
			b.Fatal(n)
		}
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
		plaintext, err := accounts.sealer.Open(identity.Sealed, sealContext(identity))
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
