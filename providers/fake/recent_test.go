package fake

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// Memory does not grow with what is given out: what is dead goes with time, and beyond the limit the oldest.
func TestRecent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := recent[int]{life: time.Minute}
		for i := range maxRecent + 1 {
			m.put(strconv.Itoa(i), i)
		}
		delete(m.all, "2")
		m.put("newest", -1) // in the place of 1
		if _, ok := m.get("1"); ok || len(m.all) != maxRecent-1 || len(m.order) != maxRecent {
			t.Errorf("not bounded: %d values, %d in order", len(m.all), len(m.order))
		}
		if newest, ok := m.get("newest"); !ok || newest != -1 {
			t.Error("the newest is forgotten")
		}
		time.Sleep(time.Minute)
		if _, ok := m.get("newest"); ok || len(m.all) != 0 || len(m.order) != 0 {
			t.Errorf("what is dead is kept: %d values, %d in order", len(m.all), len(m.order))
		}
	})
}
