package oauth

import (
	"context"
	"testing"
)

// BenchmarkChecksUntraced and BenchmarkChecksTraced are to be read side by side: five
// checks allocate nothing while nobody listens.
func BenchmarkChecksUntraced(b *testing.B) { benchmarkChecks(b, context.Background()) }

func BenchmarkChecksTraced(b *testing.B) {
	benchmarkChecks(b, WithTrace(context.Background(), func(Event) {}))
}

func benchmarkChecks(b *testing.B, ctx context.Context) {
	got, want := "value", "value"
	b.ReportAllocs()
	for b.Loop() {
		if err := check(ctx,
			callbackOnce.noError(nil),
			attemptClient.equal(got, want),
			callbackState.equalSecret(got, want),
			callbackIssuer.equal("", want).skipIf(true),
			callbackCode.present(got),
		); err != nil {
			b.Fatal(err)
		}
	}
}
