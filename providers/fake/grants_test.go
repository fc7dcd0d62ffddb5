package fake

import (
	"testing"
	"testing/synctest"
	"time"
)

// Memory does not grow with attempts: dead grants go when a new one comes, and beyond the limit the
// oldest goes.
func TestGrantsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &grants{issued: map[string]*issued{}}
		d := openIDProvider("https://openid.example")
		open := func() string { return s.open(&grant{dialect: d}) }
		first := open()
		second := open()
		for range maxGrants - 1 {
			open()
		}
		if len(s.all) != maxGrants || len(s.issued) != maxGrants {
			t.Errorf("%d grants with %d values", len(s.all), len(s.issued))
		}
		if s.find(d, codeKind, first) != nil || s.find(d, codeKind, second) == nil {
			t.Error("not the oldest was dropped")
		}
		time.Sleep(codeLife + 1)
		if open(); len(s.all) != 1 || len(s.issued) != 1 {
			t.Errorf("expired codes are kept: %d grants with %d values", len(s.all), len(s.issued))
		}
	})
}

// Nor with the tokens of one grant.
func TestGrantForgetsOldTokens(t *testing.T) {
	s := &grants{issued: map[string]*issued{}}
	g := &grant{dialect: openIDProvider("https://openid.example")}
	s.open(g)
	var last tokens
	for range maxValues {
		last = s.giveTokens(g, nil, true)
	}
	if len(g.values) != maxValues || len(s.issued) != maxValues {
		t.Errorf("%d values, %d in the index", len(g.values), len(s.issued))
	}
	if s.bearer(g.dialect, last.access) == nil {
		t.Error("the newest token is forgotten")
	}
}
