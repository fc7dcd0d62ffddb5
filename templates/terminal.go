package templates

import (
	"io"
	"sync"
	"unicode"
)

const (
	waitingMax = 1 << 20 // bytes
	leftOut    = "\n(Here something is left out: it came faster than it could be printed.)\n"
)

// terminal writes in a goroutine of its own, and leaves out what comes too fast: a
// terminal that somebody stopped must stop no sign-in.
type terminal struct {
	out io.Writer

	mu      sync.Mutex
	waiting []byte
	full    bool // something was left out
	writing bool
}

func (t *terminal) print(s string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.full:
		return
	case len(t.waiting)+len(s) > waitingMax:
		s, t.full = leftOut, true
	}
	t.waiting = append(t.waiting, s...)
	if !t.writing {
		t.writing = true
		go t.write()
	}
}

// write writes what is waiting, until nothing is.
func (t *terminal) write() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.waiting) > 0 {
		text := t.waiting
		t.waiting, t.full = nil, false
		t.mu.Unlock()
		t.out.Write(text)
		t.mu.Lock()
	}
	t.writing = false
}

// visible keeps strangers' values from steering the terminal, and from turning round
// what stands on a line of it.
func visible(r rune) rune {
	steers := unicode.IsControl(r) && r != '\n' || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
	if steers {
		return unicode.ReplacementChar
	}
	return r
}
