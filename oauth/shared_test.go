package oauth

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// How many fetch at once, how often, and for how long a value is kept: discovery_test.go
// and jwk_test.go, by the two that share. Here: what a failure leaves behind.

func TestSharedKeepsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newOP()
		c := newClient(t, opRow(), p)
		if _, err := c.Discover(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		p.says[opDiscovery] = says(503, "text/plain", "")
		got, err := c.Discover(t.Context())
		wantCheck(t, err, 0, "reply-status-200", "the metadata are too old, and there are no others")
		if diff := cmp.Diff(Metadata{}, got); diff != "" {
			t.Errorf("the old value with the error, for a caller that forgets to look at it: %s", diff)
		}
		p.says[opDiscovery] = saysJSON(opMetadata)
		_, err = c.Discover(t.Context())
		wantCheck(t, err, 0, "", "it is back")
	})
}

// A provider that is down is asked by each sign-in, and by each once: trying again is
// the visitor's decision.
func TestSharedAsksOncePerSignIn(t *testing.T) {
	p := newOP()
	p.says[opDiscovery] = says(503, "text/plain", "")
	c := newClient(t, opRow(), p)
	for i := range 5 {
		_, err := c.Discover(t.Context())
		wantCheck(t, err, 0, "reply-status-200", "down")
		if got := p.count(opDiscovery); got != i+1 {
			t.Errorf("%d requests for %d sign-ins", got, i+1)
		}
	}
}

// A panic in a fetch is an error for those who wait, and the next one fetches again.
func TestSharedSurvivesAPanic(t *testing.T) {
	p := newOP()
	p.says[opDiscovery] = func(*http.Request) (*http.Response, error) { panic("boom") }
	c := newClient(t, opRow(), p)
	if _, err := c.Discover(t.Context()); err == nil || !strings.Contains(err.Error(), "panic") {
		t.Errorf("got %v", err)
	}
	p.says[opDiscovery] = saysJSON(opMetadata)
	if _, err := c.Discover(t.Context()); err != nil {
		t.Error(err)
	}
}
