// Package browser holds the demo in a real browser: its tests drive Debian's Chromium as a
// person would, over the W3C WebDriver protocol.
//
//	go test -count=1 ./.ci/browser
//
// needs chromium and chromedriver (Debian: apt-get install chromium chromium-driver). With
// -artifacts -outputdir DIR the screenshots are kept in DIR/_artifacts.
//
// The protocol, https://www.w3.org/TR/webdriver2/, is JSON over HTTP. Its commands are named
// in quotes below.
package browser

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"time"
)

// Keys that stand for no character ("Keyboard actions").
const (
	Tab   = "\ue004"
	Enter = "\ue007"
	Space = " "
	Down  = "\ue015"
)

// Browser is a chromedriver with one session, which is one Chromium with a profile of its own.
type Browser struct {
	driver  *exec.Cmd
	origin  string // of the driver
	session string // URL of the session
	http    *http.Client
}

// Start starts a driver on a free port, and a Chromium whose profile is in userData.
func Start(driver, userData string) (*Browser, error) {
	b := &Browser{driver: exec.Command(driver, "--port=0"), http: &http.Client{Timeout: 30 * time.Second}}
	out, err := b.driver.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := b.driver.Start(); err != nil {
		return nil, err
	}
	port := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if _, p, ok := strings.Cut(lines.Text(), "started successfully on port "); ok {
				port <- strings.TrimSuffix(p, ".")
			}
		}
	}()
	select {
	case p := <-port:
		b.origin = "http://127.0.0.1:" + p
	case <-time.After(10 * time.Second):
		return nil, errors.Join(errors.New("chromedriver did not say on which port it is"), b.driver.Process.Kill(), b.driver.Wait())
	}
	if err := b.newSession(userData); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// javaScriptOff is a preference of Chromium: no page of the demo may need JavaScript.
var javaScriptOff = map[string]int{"profile.managed_default_content_settings.javascript": 2}

// newSession is "New Session", with the vendor's capabilities of chromedriver.
func (b *Browser) newSession(userData string) error {
	type object = map[string]any
	var reply struct{ SessionID string }
	err := b.do("POST", b.origin+"/session", object{"capabilities": object{"alwaysMatch": object{
		"acceptInsecureCerts": true, // of the run over https
		"timeouts":            object{"pageLoad": 20000, "script": 5000},
		"goog:loggingPrefs":   object{"browser": "ALL"},
		"goog:chromeOptions": object{"prefs": javaScriptOff, "args": []string{
			"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
			"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--window-size=1000,900", "--user-data-dir=" + userData,
		}},
	}}}, &reply)
	b.session = b.origin + "/session/" + reply.SessionID
	return err
}

// Close ends the session with its browser, and the driver.
func (b *Browser) Close() error {
	var err error
	if b.session != "" {
		err = b.do("DELETE", b.session, nil, nil)
	}
	if r, shutdown := b.http.Get(b.origin + "/shutdown"); shutdown == nil {
		r.Body.Close()
	}
	kill := time.AfterFunc(5*time.Second, func() { b.driver.Process.Kill() })
	defer kill.Stop()
	return errors.Join(err, b.driver.Wait())
}

// do sends a command and decodes the value of its reply.
func (b *Browser) do(method, url string, parameters, value any) error {
	if parameters == nil {
		parameters = struct{}{}
	}
	body, err := json.Marshal(parameters)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := b.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var reply struct{ Value json.RawMessage }
	if err := json.NewDecoder(response.Body).Decode(&reply); err != nil {
		return fmt.Errorf("%s %s: %w", method, url, err)
	}
	if response.StatusCode != http.StatusOK {
		var e struct{ Error, Message string } // "no such element", for one ("Errors")
		if err := json.Unmarshal(reply.Value, &e); err != nil {
			return fmt.Errorf("%s %s: %s", method, url, response.Status)
		}
		message, _, _ := strings.Cut(e.Message, "\n")
		return fmt.Errorf("%s: %s", e.Error, message)
	}
	if value == nil {
		return nil
	}
	return json.Unmarshal(reply.Value, value)
}

func (b *Browser) get(command string, value any) error {
	return b.do(http.MethodGet, b.session+command, nil, value)
}

func (b *Browser) post(command string, parameters, value any) error {
	return b.do(http.MethodPost, b.session+command, parameters, value)
}

// Open types a URL into the address bar ("Navigate To").
func (b *Browser) Open(url string) error {
	return b.post("/url", map[string]string{"url": url}, nil)
}

// URL is what the address bar shows.
func (b *Browser) URL() (url string, err error) { err = b.get("/url", &url); return }

// Back and Reload press the buttons beside the address bar.
func (b *Browser) Back() error   { return b.post("/back", nil, nil) }
func (b *Browser) Reload() error { return b.post("/refresh", nil, nil) }

// Element is a reference to an element of the page ("Elements").
type Element struct {
	ID string `json:"element-6066-11e4-a52e-4f735466cecf"`
	b  *Browser
}

// Find finds elements by one of the strategies "css selector", "xpath" and "link text".
func (b *Browser) Find(using, value string) (found []Element, err error) {
	err = b.post("/elements", map[string]string{"using": using, "value": value}, &found)
	for i := range found {
		found[i].b = b
	}
	return found, err
}

// Focused is the element that has the keyboard ("Get Active Element").
func (b *Browser) Focused() (Element, error) {
	e := Element{b: b}
	err := b.get("/element/active", &e)
	return e, err
}

// Click clicks into the middle of the element, after scrolling to it.
func (e Element) Click() error { return e.b.post("/element/"+e.ID+"/click", nil, nil) }

// There returns nil while the page that has the element is shown.
func (e Element) There() error { return e.b.get("/element/"+e.ID+"/name", nil) }

// Label is the element's name as a screen reader says it ("Get Computed Label").
func (e Element) Label() (s string, err error) {
	err = e.b.get("/element/"+e.ID+"/computedlabel", &s)
	return
}

// Press presses and releases a key, wherever the keyboard's focus is ("Perform Actions").
func (b *Browser) Press(key string) error {
	type object = map[string]any
	return b.post("/actions", object{"actions": []object{{
		"type": "key", "id": "keyboard",
		"actions": []object{{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}},
	}}}, nil)
}

// Read evaluates a script that only reads, for which JavaScript need not be on.
func (b *Browser) Read(script string, value any) error {
	return b.post("/execute/sync", map[string]any{"script": script, "args": []any{}}, value)
}

// Screenshot is a picture of what is seen, as PNG.
func (b *Browser) Screenshot() (png []byte, err error) { err = b.get("/screenshot", &png); return }

// Resize gives the window a size in pixels.
func (b *Browser) Resize(width, height int) error {
	return b.post("/window/rect", map[string]int{"width": width, "height": height}, nil)
}

// Tab is the tab that the commands are about.
func (b *Browser) Tab() (handle string, err error) { err = b.get("/window", &handle); return }

// NewTab opens another, which is not yet the one that the commands are about.
func (b *Browser) NewTab() (string, error) {
	var reply struct{ Handle string }
	err := b.post("/window/new", map[string]string{"type": "tab"}, &reply)
	return reply.Handle, err
}

// SwitchTo changes to a tab.
func (b *Browser) SwitchTo(tab string) error {
	return b.post("/window", map[string]string{"handle": tab}, nil)
}

// Cookie is one that the browser would send to the page's URL ("Cookies").
type Cookie struct {
	Name, Value, Path, Domain, SameSite string
	Secure, HTTPOnly                    bool
}

func (b *Browser) Cookies() (cookies []Cookie, err error) { err = b.get("/cookie", &cookies); return }

// Message is a line of the browser's console.
type Message struct{ Level, Source, Message string }

// Console returns what is new on the console, of all tabs. (Chromedriver's own command.)
func (b *Browser) Console() (all []Message, err error) {
	err = b.post("/se/log", map[string]string{"type": "browser"}, &all)
	return all, err
}
