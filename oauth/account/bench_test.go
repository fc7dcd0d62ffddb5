package account

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// BenchmarkFile measures one change of a file store that has this many identities: a change by
// itself, and each of 50 changes at once, which share writes. It writes to this machine's disk.
func BenchmarkFile(b *testing.B) {
	for _, identities := range []int{10, 1_000, 10_000} {
		for _, atOnce := range []int{1, 50} {
			b.Run(fmt.Sprintf("%d/%d at once", identities, atOnce), func(b *testing.B) {
				f := reopen(b, newDir(b))
				sealed := strings.Repeat("s", 2500) // tokens, an ID token's claims, a profile and its reply
				r := f.records.Load()
				for n := range identities {
					r.Identities = append(r.Identities, Identity{Key: Key{"https://accounts.google.com", fmt.Sprintf("%021d", n)}, UserID: fmt.Sprintf("user%022d", n), Created: time.Unix(1e9, 0), Sealed: sealed})
				}
				var written int64
				f.file.sync = func(file *os.File) error {
					if info, err := file.Stat(); err == nil && !info.IsDir() {
						written += info.Size()
					}
					return file.Sync()
				}
				for b.Loop() {
					var wg sync.WaitGroup
					for n := range atOnce {
						key, user := r.Identities[n%identities].Key, r.Identities[n%identities].UserID
						wg.Go(func() {
							if err := f.UpdateTokens(b.Context(), user, key, func(string) (string, error) { return sealed, nil }); err != nil {
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
