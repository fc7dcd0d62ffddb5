package oauth

import (
	"strings"
	"testing"
)

func TestSealer(t *testing.T) {
	newSealer := func(root, label string) *Sealer {
		return must(NewSealer([]byte(root), label))
	}
	const root, other = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
	s := newSealer(root, "test")
	sealed := s.Seal([]byte("plain text"), "here")
	raw := must(decodeBase64url(sealed))
	for i := range raw { // any bit of it
		changed := []byte(string(raw))
		changed[i] ^= 0x10
		if _, err := s.Open(b64(changed), "here"); err == nil {
			t.Errorf("opens with byte %d changed", i)
		}
	}
	for name, tt := range map[string]struct {
		sealer        *Sealer
		sealed, place string
		opens         bool
		reason        string
	}{
		"honest":             {s, sealed, "here", true, "what was sealed"},
		"same root, again":   {newSealer(root, "test"), sealed, "here", true, "the key is derived, not random: a file opens after a restart"},
		"another place":      {s, sealed, "there", false, "moved to another cookie or record"},
		"another purpose":    {newSealer(root, "test 2"), sealed, "here", false, "a cookie sealed for one purpose used for another"},
		"another root":       {newSealer(other, "test"), sealed, "here", false, "another app, or this one before it was restarted"},
		"cut short":          {s, sealed[:len(sealed)-4], "here", false, "part of it"},
		"shorter than a tag": {s, "AAAA", "here", false, "nothing"},
		"not base64url":      {s, strings.Repeat("+", 64), "here", false, "another alphabet"},
		"padded":             {s, sealed + "=", "here", false, "one spelling"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tt.sealer.Open(tt.sealed, tt.place)
			if (err == nil) != tt.opens || err == nil && string(got) != "plain text" || err != nil && got != nil {
				t.Errorf("%q, %v: %s", got, err, tt.reason)
			}
		})
	}
	if _, err := s.Open("*", "here"); err == nil || err.Error() != "not base64url" {
		t.Errorf("got %v", err)
	}
	if s.Seal([]byte("plain text"), "here") == sealed {
		t.Error("sealed twice to the same bytes: the nonce is not random, and an observer can tell equal contents")
	}
}

func TestNewSealerRoot(t *testing.T) {
	for _, n := range []int{0, 16, 31, 33, 64} {
		if _, err := NewSealer(make([]byte, n), "test"); err == nil {
			t.Errorf("a root key of %d bytes is taken", n)
		}
		if _, err := NewAttempts(make([]byte, n), false); err == nil {
			t.Errorf("NewAttempts takes a root key of %d bytes", n)
		}
	}
}
