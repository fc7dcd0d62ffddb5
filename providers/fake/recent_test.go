package fake

import (
	"strconv"
	"testing"
)

// Memory does not grow with what is given out: beyond the limit the oldest value goes, even if it was deleted before.
func TestRecent(t *testing.T) {
	var m recent[int]
	for i := range maxRecent + 1 { // 0 is forgotten
		m.put(strconv.Itoa(i), i)
	}
	delete(m.all, "2")
	m.put("newest", -1) // in the place of 1
	_, first := m.all["1"]
	if newest, ok := m.all["newest"]; first || !ok || newest != -1 || len(m.all) != maxRecent-1 || len(m.order) != maxRecent {
		t.Errorf("1 there: %t, newest %d %t, %d values, %d in order", first, newest, ok, len(m.all), len(m.order))
	}
}
