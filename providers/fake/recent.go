package fake

// maxRecent is how many values of one kind are remembered, for example codes and tokens.
const maxRecent = 10_000

// recent is a map that forgets the oldest value when it is full.
type recent[V any] struct {
	all   map[string]V
	order []string // keys, oldest first, perhaps with deleted ones
}

func (m *recent[V]) put(key string, value V) {
	if len(m.order) == maxRecent {
		delete(m.all, m.order[0])
		m.order = m.order[1:]
	}
	if m.all == nil {
		m.all = map[string]V{}
	}
	m.all[key] = value
	m.order = append(m.order, key)
}
