package fake

import (
	"testing"
	"testing/synctest"
	"time"
)

// Memory does not grow with what is given out: what is dead goes with time, and beyond the limit the oldest.
func TestGrantsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &New(Options{}).grants
		d := openIDProvider("https://openid.example")
		open := func() string { return s.open(&grant{dialect: d}) }
		first := open()
		second := open()
		for range maxRecent - 1 {
			open()
		}
		if len(s.issued.all) != maxRecent || len(s.issued.order) != maxRecent {
			t.Errorf("%d values, %d in order", len(s.issued.all), len(s.issued.order))
		}
		if s.find(d, codeKind, first) != nil || s.find(d, codeKind, second) == nil {
			t.Error("not the oldest was dropped")
		}
		time.Sleep(sixMonths)
		if open(); len(s.issued.all) != 1 || len(s.issued.order) != 1 {
			t.Errorf("what is dead is kept: %d values, %d in order", len(s.issued.all), len(s.issued.order))
		}
	})
}
