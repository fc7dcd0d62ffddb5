package fake

import "time"

// maxRecent is how many values of one kind are remembered, for example codes and tokens.
const maxRecent = 10_000

// recent is a map that forgets what is older than life (0: nothing is), and the oldest when it is full.
type recent[V any] struct {
	life  time.Duration
	all   map[string]V
	order []aged // oldest first, perhaps with deleted ones
}

type aged struct {
	key  string
	born time.Time
}

func (m *recent[V]) put(key string, value V) {
	m.forget()
	if len(m.order) == maxRecent {
		delete(m.all, m.order[0].key)
		m.order = m.order[1:]
	}
	if m.all == nil {
		m.all = map[string]V{}
	}
	m.all[key] = value
	m.order = append(m.order, aged{key, time.Now()})
}

func (m *recent[V]) get(key string) (V, bool) {
	m.forget()
	value, ok := m.all[key]
	return value, ok
}

func (m *recent[V]) forget() {
	for m.life > 0 && len(m.order) > 0 && time.Since(m.order[0].born) >= m.life {
		delete(m.all, m.order[0].key)
		m.order = m.order[1:]
	}
}
