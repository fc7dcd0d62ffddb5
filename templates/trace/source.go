package trace

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// source is the text of package oauth, if it is on this machine. It is read once, from the
// directory that the running program was compiled from, and never from one that a request names.
type source struct {
	once   sync.Once
	files  map[string][]string // the lines of each file, by its name, "token.go"; line 1 has index 1
	checks map[string]variable // by name
}

// variable is the variable of a check, and the file that declares it.
type variable struct{ name, file string }

// checkText matches the declaration of a check: callbackState = Check{2, "callback-state", …}
var checkText = regexp.MustCompile(`(\w+) += Check\{\d, "([^"]+)"`)

// read reads the directory of path, which is a file of package oauth.
func (s *source) read(path string) {
	s.files, s.checks = make(map[string][]string), make(map[string]variable)
	paths, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*.go"))
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil || strings.HasSuffix(path, "_test.go") {
			continue // the page shows what there is
		}
		name := filepath.Base(path)
		s.files[name] = strings.Split("\n"+string(content), "\n")
		for _, m := range checkText.FindAllStringSubmatch(string(content), -1) {
			s.checks[m[2]] = variable{m[1], name}
		}
	}
}

// filesOf returns the files of package oauth, or none if the page may not show the code of h.
func (s *source) filesOf(h hop) map[string][]string {
	if h.Path == "" {
		return nil
	}
	s.once.Do(func() { s.read(h.Path) })
	return s.files
}

// lineOf returns the anchor of the line that makes a check: in the function of h, or else in the
// file that declares it. It is empty if the page cannot show the line.
func (s *source) lineOf(h hop, check string) string {
	files := s.filesOf(h)
	v, ok := s.checks[check]
	if !ok {
		return ""
	}
	for _, from := range []struct {
		file string
		line int
	}{{h.File, h.Line}, {v.file, 0}} {
		for i, text := range files[from.file] {
			if i > from.line && strings.Contains(text, v.name+".") {
				return fmt.Sprintf("%s-%d", from.file, i)
			}
		}
	}
	return ""
}

// Code returns the files that made the hops, as far as the page can show them.
func (t *Trace) Code() map[string][]string {
	code := make(map[string][]string)
	for _, h := range t.hops {
		all := t.source.filesOf(h)
		code[h.File] = all[h.File]
		for _, r := range h.Checks {
			file := t.source.checks[r.Check.Name].file
			code[file] = all[file]
		}
	}
	maps.DeleteFunc(code, func(_ string, lines []string) bool { return lines == nil }) // not on this machine
	return code
}
