package trace

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// source is the text of package oauth, if it is on this machine. It is read once, from the
// directory that the running program was compiled from, and never from a request's.
type source struct {
	once      sync.Once
	functions []function
	checks    map[string]string // the variable of a check, by the check's name
}

// function is the text of a function with its comment.
type function struct {
	Name  string // "Client.Exchange"
	File  string // "token.go"
	Lines []line
	uses  map[string]int // the line on which a word is first used
}

type line struct {
	Number int
	Text   string
}

var (
	// callbackState = Check{2, "callback-state", …}
	checkText = regexp.MustCompile(`(\w+) += Check\{\d, "([^"]+)"`)
	// Its last line is the first one that is only a brace, or ends in one from the start.
	functionText = regexp.MustCompile(`(?m)(?:^//.*\n)*^func (?:\(\w+ \*?(\w+)\) )?(\w+)(?:.*\}|(?s:.*?)^\})$`)
	identifier   = regexp.MustCompile(`\w+`)
)

// read reads the directory of path, which is a file of package oauth.
func (s *source) read(path string) {
	s.checks = make(map[string]string)
	if !filepath.IsAbs(path) { // compiled with -trimpath
		return
	}
	paths, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*.go"))
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil || strings.HasSuffix(path, "_test.go") {
			continue // the page shows what there is
		}
		text := string(content)
		for _, m := range checkText.FindAllStringSubmatch(text, -1) {
			s.checks[m[2]] = m[1]
		}
		for _, m := range functionText.FindAllStringSubmatch(text, -1) {
			f := function{Name: strings.TrimPrefix(m[1]+"."+m[2], "."), File: filepath.Base(path), uses: make(map[string]int)}
			first := 1 + strings.Count(text[:strings.Index(text, m[0])], "\n")
			for i, text := range strings.Split(m[0], "\n") {
				f.Lines = append(f.Lines, line{first + i, text})
				code, _, _ := strings.Cut(text, "//")
				for _, used := range identifier.FindAllString(code, -1) {
					if f.uses[used] == 0 {
						f.uses[used] = first + i
					}
				}
			}
			s.functions = append(s.functions, f)
		}
	}
}

// functionsOf returns the functions that made the hops: those that the events name, and
// those that make the other checks.
func (s *source) functionsOf(hops []hop) []function {
	if len(hops) == 0 || hops[0].Path == "" {
		return nil
	}
	s.once.Do(func() { s.read(hops[0].Path) })
	var found []function
	add := func(matches func(function) bool) {
		if i := slices.IndexFunc(s.functions, matches); i >= 0 && !slices.ContainsFunc(found, matches) {
			found = append(found, s.functions[i])
		}
	}
	for _, h := range hops {
		add(func(f function) bool { return f.Name == h.Function && f.File == h.File })
	}
	for _, h := range hops {
		for _, r := range h.Checks {
			add(func(f function) bool { return f.uses[s.checks[r.Check.Name]] > 0 && f.Name != "Checks" })
		}
	}
	return found
}

// lineOf returns the anchor of the line that makes the check in this variable: in the function
// of h, if it is there, or else in other code of the step.
func (s step) lineOf(h hop, check string) string {
	anchor := ""
	for _, f := range s.Code {
		number := f.uses[check]
		if number > 0 && (anchor == "" || f.Name == h.Function) {
			anchor = s.LineAnchor(f, number)
		}
	}
	return anchor
}

// LineAnchor is the anchor of a line of the step's code.
func (s step) LineAnchor(f function, number int) string {
	return fmt.Sprintf("%s-%s-%d", s.Anchor, f.File, number)
}
