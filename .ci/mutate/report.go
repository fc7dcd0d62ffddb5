package main

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

//go:embed unobservable.txt
var unobservable string

// readList reads the mutants that no test can find. Lines that begin with # are comments;
// an indented line is the reason of the mutants above it.
func readList(text string) (map[string]string, error) {
	reasons := map[string]string{}
	var group []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch reason, isReason := strings.CutPrefix(line, "\t"); {
		case line == "" || line[0] == '#':
		case isReason && len(group) == 0:
			return nil, fmt.Errorf("unobservable.txt: no mutant stands above the reason %q", reason)
		case isReason:
			for _, what := range group {
				reasons[what] = reason
			}
			group = nil
		default:
			group = append(group, line)
		}
	}
	if len(group) > 0 {
		return nil, fmt.Errorf("unobservable.txt: no reason stands below %q", group[0])
	}
	return reasons, nil
}

// report prints the numbers of each package, and fails if a mutant is left that is not
// listed, or if one is listed that should not be.
func report(mutants []mutant, reasons map[string]string) error {
	var wrong []error
	made, found := map[string]int{}, map[string]int{}
	for _, m := range mutants {
		made[m.dir]++
		reason, listed := reasons[m.what]
		delete(reasons, m.what)
		switch {
		case m.found && listed && !strings.HasPrefix(reason, "either "):
			wrong = append(wrong, errors.New("a test finds it, take it off the list: "+m.what))
		case m.found:
			found[m.dir]++
		case !listed && m.reached:
			wrong = append(wrong, errors.New("no test finds "+m.what))
		case !listed:
			wrong = append(wrong, errors.New("no test reaches "+m.what))
		}
	}
	for what := range reasons {
		wrong = append(wrong, errors.New("listed, but no mutant: "+what))
	}
	for _, dir := range slices.Sorted(maps.Keys(made)) {
		fmt.Printf("%-14s %4d mutants, %4d found by a test, %3d others\n", dir, made[dir], found[dir], made[dir]-found[dir])
	}
	return errors.Join(wrong...)
}
