package browser

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var driver, demoBinary string // the driver's path, "" without one

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run builds the demo once for all tests.
func run(m *testing.M) int {
	driver, _ = exec.LookPath("chromedriver")
	dir, err := os.MkdirTemp("", "browser")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	demoBinary = filepath.Join(dir, "app-in-browser")
	if out, err := exec.Command("go", "build", "-o", demoBinary, "example.com/oauthbyhand").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// needsBrowser skips the test if there is no browser; in CI there must be one.
func needsBrowser(t *testing.T) {
	t.Helper()
	switch {
	case driver != "":
	case os.Getenv("CI") == "true":
		t.Fatal("chromedriver is not installed; .ci/run should have done that")
	default:
		t.Skip("chromedriver is not installed (Debian: apt-get install chromium chromium-driver)")
	}
}

// demo is the app, running, with its fake provider.
type demo struct {
	home, fake string        // their addresses
	end        func() string // ends it with SIGINT, and returns its log
}

var addresses = []*regexp.Regexp{
	regexp.MustCompile(`^Open (http\S+) in a browser\.$`),
	regexp.MustCompile(`^Its providers are simulated, at (http\S+): `),
}

// startDemo starts it for a person with a browser of their own.
func startDemo(t *testing.T, arguments ...string) demo {
	t.Helper()
	needsBrowser(t)
	t.Parallel()
	return start(t, arguments...)
}

// start starts it with an empty environment, and holds that it ends well on SIGINT.
func start(t *testing.T, arguments ...string) demo {
	t.Helper()
	cmd := exec.Command(demoBinary, append([]string{"-fake-addr", "127.0.0.1:0"}, arguments...)...)
	cmd.Env = []string{} // no credentials of the person who runs this
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	found, ended := make(chan string, len(addresses)), make(chan struct{})
	end := sync.OnceValue(func() string {
		select {
		case <-ended:
			t.Error("the demo has ended before it was told to")
		default:
		}
		cmd.Process.Signal(os.Interrupt)
		kill := time.AfterFunc(5*time.Second, func() { cmd.Process.Kill() })
		defer kill.Stop()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the demo ended on SIGINT with: %v", err)
		}
		if t.Failed() {
			t.Logf("the demo's log:\n%s", &stderr)
		}
		return stderr.String()
	})
	t.Cleanup(func() { end() })

	go func() {
		defer close(ended)
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			for _, address := range addresses {
				if m := address.FindStringSubmatch(lines.Text()); m != nil {
					found <- m[1]
				}
			}
		}
	}()
	var all [2]string
	timeout := time.After(10 * time.Second)
	for i := range all {
		select {
		case all[i] = <-found:
		case <-ended:
			t.Fatal("the demo has ended at once")
		case <-timeout:
			t.Fatal("the demo did not say where it is")
		}
	}
	return demo{all[0], all[1], end}
}

// person sits at the browser, and looks at every page for what should not be there.
type person struct {
	t *testing.T
	b *Browser
	demo
	tolerates string // on the console
}

// visit lets a person with a new browser visit the demo.
func visit(t *testing.T, d demo) *person {
	t.Helper()
	needsBrowser(t)
	b, err := Start(driver, filepath.Join(t.TempDir(), "profile"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return (&person{b: b, demo: d}).in(t)
}

// in is the same person in another test. When that ends, nothing may be left on the console.
func (p *person) in(t *testing.T) *person {
	q := &person{t, p.b, p.demo, p.tolerates}
	t.ArtifactDir() // must be there longer than what follows, if it is a temporary one
	t.Cleanup(func() {
		if messages := q.console(); len(messages) > 0 {
			t.Errorf("at the end, on the console: %v", messages)
		}
		if !t.Failed() {
			return
		}
		q.picture("failed")
		url, _ := q.b.URL()
		t.Logf("the browser is at %s, and shows:\n%s", url, q.text())
	})
	return q
}

func (p *person) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// until polls until f returns nil, for five seconds at most.
func (p *person) until(f func() error) {
	p.t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// open types an address, of the app if it begins with "/".
func (p *person) open(address string) { p.t.Helper(); p.must(p.b.Open(p.full(address))) }
func (p *person) back()               { p.t.Helper(); p.must(p.b.Back()) }
func (p *person) reload()             { p.t.Helper(); p.must(p.b.Reload()) }

func (p *person) full(address string) string {
	if strings.HasPrefix(address, "/") {
		return p.home + address
	}
	return address
}

// press clicks the first link or button with these words, and waits until the page is gone.
func (p *person) press(words string) {
	p.t.Helper()
	var pressed Element
	p.until(func() error {
		all, err := p.b.Find("xpath", fmt.Sprintf(`//*[self::a or self::button][normalize-space()=%q or @aria-label=%[1]q]`, words))
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return fmt.Errorf("there is nothing to press with the words %q", words)
		}
		pressed = all[0]
		return pressed.Click()
	})
	p.until(func() error {
		if pressed.There() == nil {
			return fmt.Errorf("after pressing %q nothing happens", words)
		}
		return nil
	})
}

// choose picks a user on the consent page.
func (p *person) choose(user string) {
	p.t.Helper()
	all, err := p.b.Find("css selector", fmt.Sprintf(`input[name=user][value=%q]`, user))
	p.must(err)
	if len(all) != 1 {
		p.t.Fatalf("%d users %s to choose from", len(all), user)
	}
	p.must(all[0].Click())
}

// lands waits for a page, and holds that it is as a good page should be: status 200, each
// image loaded, no script, and nothing on the console.
func (p *person) lands(address string) {
	p.t.Helper()
	p.landsWith(200, address)
}

// landsWith is lands for a page that is an error on purpose. Chromium logs its status by
// itself; exactly that may be on the console, once.
func (p *person) landsWith(status int, address string) {
	p.t.Helper()
	var url string
	p.until(func() (err error) {
		url, err = p.b.URL()
		// Meta's callbacks end in "#_=_" or "#_", which browsers keep through redirects.
		whole, _, _ := strings.Cut(url, "#")
		path, _, _ := strings.Cut(whole, "?")
		if want, _, _ := strings.Cut(p.full(address), "#"); whole != want && path != want {
			err = errors.Join(err, fmt.Errorf("the browser is at %s, want %s", url, want))
		}
		return err
	})
	var page struct {
		Status, Scripts int
		Broken          []string
	}
	p.must(p.b.Read(`return {
		status: performance.getEntriesByType("navigation")[0].responseStatus,
		scripts: document.scripts.length,
		broken: [...document.images].filter(i => !i.complete || i.naturalWidth == 0).map(i => i.src),
	}`, &page))
	if page.Status != status {
		p.t.Errorf("%s answered %d, want %d", url, page.Status, status)
	}
	if page.Scripts > 0 {
		p.t.Errorf("%s has scripts", url)
	}
	if len(page.Broken) > 0 {
		p.t.Errorf("%s: images that are not there: %v", url, page.Broken)
	}
	p.checkConsole(status, url)
}

func (p *person) checkConsole(status int, url string) {
	p.t.Helper()
	messages := p.console()
	if status == 200 {
		if len(messages) > 0 {
			p.t.Errorf("%s, on the console: %v", url, messages)
		}
		return
	}
	p.until(func() error { // the browser may be a moment behind
		if messages = append(messages, p.console()...); len(messages) == 0 {
			return fmt.Errorf("%s: Chromium has not logged the status %d", url, status)
		}
		return nil
	})
	url, _, _ = strings.Cut(url, "#")
	want := fmt.Sprintf("%s - Failed to load resource: the server responded with a status of %d (", url, status)
	if len(messages) != 1 || !strings.HasPrefix(messages[0].Message, want) {
		p.t.Errorf("on the console: %v, want only %s", messages, want)
	}
}

// console is what is new there, of whatever level.
func (p *person) console() []Message {
	p.t.Helper()
	messages, err := p.b.Console()
	if err != nil {
		p.t.Error(err)
	}
	return slices.DeleteFunc(messages, func(m Message) bool {
		return p.tolerates != "" && strings.Contains(m.Message, p.tolerates)
	})
}

// consents waits for the provider's page that asks the user.
func (p *person) consents(provider string) {
	p.t.Helper()
	party, _, _ := strings.Cut(provider, " (") // X is one party with two protocols
	p.sees("Simulated " + party + ": no real account is involved")
	url, err := p.b.URL()
	p.must(err)
	if !strings.HasPrefix(url, p.fake+"/") {
		p.t.Errorf("the provider's page is at %s, want one at %s", url, p.fake)
	}
	p.lands(url)
}

// text is what is to be read on the page. (The protocol's own "Get Element Text" takes
// a second for a long page.)
func (p *person) text() (text string) {
	if err := p.b.Read(`return document.body.innerText`, &text); err != nil {
		return err.Error()
	}
	return text
}

// sees holds that the page shows the words.
func (p *person) sees(words ...string) {
	p.t.Helper()
	for _, want := range words {
		p.until(func() error {
			if !strings.Contains(p.text(), want) {
				return fmt.Errorf("the page does not say %q", want)
			}
			return nil
		})
	}
}

// seesNot holds that a page that is already there does not show the words.
func (p *person) seesNot(words ...string) {
	p.t.Helper()
	text := p.text()
	for _, unwanted := range words {
		if strings.Contains(text, unwanted) {
			p.t.Errorf("the page says %q", unwanted)
		}
	}
}

// signIn signs in from the home page, as Ada, with everything allowed.
func (p *person) signIn(provider string) {
	p.t.Helper()
	p.open("/")
	p.press("Sign in with " + provider)
	p.consents(provider)
	p.press("Allow")
	p.lands("/profile")
}

// newTab opens a tab and changes to it.
func (p *person) newTab() (before, after string) {
	p.t.Helper()
	before, err := p.b.Tab()
	p.must(err)
	after, err = p.b.NewTab()
	p.must(err)
	p.must(p.b.SwitchTo(after))
	return before, after
}

// picture keeps a screenshot, under the test's name and its own.
func (p *person) picture(name string) {
	p.t.Helper()
	png, err := p.b.Screenshot()
	if err == nil {
		err = os.WriteFile(filepath.Join(p.t.ArtifactDir(), strings.ReplaceAll(p.t.Name()+"-"+name, "/", "-")+".png"), png, 0o644)
	}
	if err != nil {
		p.t.Errorf("screenshot %s: %v", name, err)
	}
}
