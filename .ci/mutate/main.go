// Mutate changes one small thing at a time in the packages that a sign-in depends on, and
// sees whether some test notices: go run ./.ci/mutate
//
// A rule that can be lost without a test that fails is not held by anything. What is changed
// is in operators.go: conditions, outcomes of checks, returned errors, numbers, booleans, and
// calls that only wrap a value. All of these mutants are compiled into each test binary, by
// way of go's -overlay, and the environment variable MUTANT says which one it is to be: so a
// mutant costs the tests that reach it, up to the first that fails, and no build.
//
// A mutant that no test can find stands in unobservable.txt with the reason.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

var (
	mutated = []string{"./oauth", "./oauth/account", "./oauth/web", "./providers", "./"}
	testing = append(mutated, "./providers/fake/faults", "./templates/pages")
)

// Some tests say nothing about one mutant. Those that measure memory also measure the tests
// that run at the same time, one draws lots, and the last ones read the source.
var skipped = regexp.MustCompile(`^(Benchmark|Test(NothingIsLeftBehind|OneProviderInTrouble|DocumentsNameWhatIsThere|ReadmeQuotesCode|TraceCostsNothing)$)`)

// limit is for the tests of one mutant in one package: an endless loop ends here.
const limit = 10 * time.Second

// mutant is one change.
type mutant struct {
	what, dir string
	reached   bool
	found     bool
}

// test is one test function.
type test struct {
	binary, pkg, dir, name string
	reaches                map[int]bool
	took                   time.Duration
}

func main() {
	began := time.Now()
	err := run()
	fmt.Printf("in %s\n", time.Since(began).Round(time.Second))
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func run() error {
	reasons, err := readList(unobservable)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	m, err := prepare(dir)
	if err != nil {
		return err
	}
	// Some mutants write files into the wrong place. They find a copy of all that tests read.
	tree := filepath.Join(dir, "tree")
	if err := os.CopyFS(tree, withoutGit{os.DirFS(".")}); err != nil {
		return err
	}
	tests, err := build(dir, tree)
	if err != nil {
		return err
	}
	failed := make([]error, len(tests))
	each(len(tests), func(i int) { failed[i] = tests[i].measure() })
	if err := errors.Join(failed...); err != nil {
		return err
	}
	slices.SortStableFunc(tests, func(a, b *test) int { return cmp.Compare(a.took, b.took) })
	each(len(m.mutants), func(n int) {
		if n > 0 {
			m.mutants[n].try(n, tests)
		}
	})
	return report(m.mutants[1:], reasons)
}

// withoutGit is a tree of files without what git keeps.
type withoutGit struct{ fs.FS }

func (w withoutGit) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := fs.ReadDir(w.FS, name)
	return slices.DeleteFunc(all, func(e fs.DirEntry) bool { return e.Name() == ".git" }), err
}

// each calls f with each number below n, on all processors.
func each(n int, f func(int)) {
	work := make(chan int)
	var workers sync.WaitGroup
	for range runtime.NumCPU() {
		workers.Go(func() {
			for i := range work {
				f(i)
			}
		})
	}
	for i := range n {
		work <- i
	}
	close(work)
	workers.Wait()
}

// build compiles the test binaries with all mutants, and lists their tests.
func build(dir, tree string) ([]*test, error) {
	var tests []*test
	for i, p := range testing {
		binary := filepath.Join(dir, strconv.Itoa(i)+".test")
		if out, err := exec.Command("go", "test", "-c", "-overlay", filepath.Join(dir, "overlay.json"), "-o", binary, p).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build %s: %v\n%s", p, err, out)
		}
		out, err := command(context.Background(), binary, filepath.Join(tree, p), 0, "-test.list=.").Output()
		if err != nil {
			return nil, err
		}
		for name := range strings.FieldsSeq(string(out)) {
			if !skipped.MatchString(name) {
				tests = append(tests, &test{binary: binary, pkg: filepath.Clean(p), dir: filepath.Join(tree, p), name: name, reaches: map[int]bool{}})
			}
		}
	}
	return tests, nil
}

// command runs a test binary as mutant n; 0 is none.
func command(ctx context.Context, binary, dir string, n int, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, binary, args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "MUTANT="+strconv.Itoa(n))
	// What the test has started, the app for example, ends with it.
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	return c
}

// measure runs the test without a mutant, and sees how long it takes and which it reaches.
func (t *test) measure() error {
	met := fmt.Sprintf("%s.%s", t.binary, t.name)
	if err := os.WriteFile(met, nil, 0o644); err != nil {
		return err
	}
	c := command(context.Background(), t.binary, t.dir, 0, "-test.run=^"+t.name+"$")
	c.Env = append(c.Env, "MUTANTS_MET="+met)
	began := time.Now()
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s fails without a mutant: %v\n%s", t.name, err, out)
	}
	t.took = time.Since(began)
	numbers, err := os.ReadFile(met)
	for number := range strings.FieldsSeq(string(numbers)) {
		n, _ := strconv.Atoi(number)
		t.reaches[n] = true
	}
	return err
}

// try runs the tests that reach mutant n: first those of its own package, and in each
// package first the fast ones.
func (m *mutant) try(n int, tests []*test) {
	const fast = 50 * time.Millisecond
	type batch struct {
		binary, pkg, dir string
		slow             bool
	}
	names := map[batch][]string{}
	var order []batch
	for _, t := range tests {
		if t.reaches[n] {
			b := batch{t.binary, t.pkg, t.dir, t.took > fast}
			if names[b] == nil {
				order = append(order, b)
			}
			names[b] = append(names[b], t.name)
		}
	}
	slices.SortStableFunc(order, func(a, b batch) int {
		return rank(a.pkg != m.dir, a.slow) - rank(b.pkg != m.dir, b.slow)
	})
	m.reached = len(order) > 0
	for _, b := range order {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		err := command(ctx, b.binary, b.dir, n, "-test.failfast", "-test.run=^("+strings.Join(names[b], "|")+")$").Run()
		cancel()
		if m.found = err != nil; m.found {
			return
		}
	}
}

func rank(elsewhere, slow bool) (n int) {
	if elsewhere {
		n += 2
	}
	if slow {
		n++
	}
	return n
}
