package browser

import (
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/oauthbyhand/providers/fake"
)

// visitor has a browser without a screen, which keeps cookies over a restart of the demo.
type visitor struct {
	http.Client
	provider string
	user     fake.User
}

var (
	checkbox = regexp.MustCompile(`name="scope" value="([^"]*)"`)
	subject  = regexp.MustCompile(`<dt>Subject</dt><dd>\s*(?:<[^>]*>)*([^<\s]+)`)
	inTheLog = regexp.MustCompile(`msg="signed in or connected" provider=(\S+ subject=\S+) user=(\S+)`)
)

// signIn signs in, and returns the last page.
func (v *visitor) signIn(home string) (*http.Response, string, error) {
	consent, page, err := read(v.Get(home + "/login/" + v.provider))
	if err != nil {
		return nil, "", err
	}
	form := url.Values{"user": {v.user.ID}, "decision": {"allow"}}
	for _, m := range checkbox.FindAllStringSubmatch(page, -1) {
		form.Add("scope", m[1])
	}
	return read(v.PostForm(consent.Request.URL.String(), form))
}

// signedIn reports whether the browser was told that it is.
func (v *visitor) signedIn(home string) bool {
	u, _ := url.Parse(home)
	return slices.ContainsFunc(v.Jar.Cookies(u), func(c *http.Cookie) bool { return c.Name == "oauthbyhand-session" })
}

func read(response *http.Response, err error) (*http.Response, string, error) {
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response, string(body), err
}

// A user who was told that they are signed in still is after the next start, also if SIGINT
// comes in the middle of many sign-ins.
func TestInterrupted(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("INTERRUPT_SEED"); text != "" {
		seed, _ = strconv.ParseUint(text, 10, 64)
	}
	moments := rand.New(rand.NewPCG(seed, 0))
	dir := filepath.Join(t.TempDir(), "data")
	names, people := slices.Sorted(maps.Keys(fake.Users()[0].Subjects)), fake.Users()
	users := make(map[string]string) // by identity: whose it is, since the first sign-in
	var told []*visitor              // that they are signed in, in the last round
	total := 0
	const rounds = 8
	for round := range rounds + 1 {
		d := start(t, "-addr", "localhost:0", "-data", dir)
		net := &http.Transport{MaxIdleConnsPerHost: 100}
		var group sync.WaitGroup
		for _, v := range told {
			group.Go(func() {
				v.Transport = net
				response, page, err := read(v.Get(d.home + "/profile"))
				if err != nil {
					t.Error(err)
					return
				}
				m := subject.FindStringSubmatch(page)
				if response.Request.URL.Path != "/profile" || m == nil || m[1] != v.user.Subjects[v.provider] {
					t.Errorf("%s at %s was told to be signed in, and is at %s as %q", v.user.ID, v.provider, response.Request.URL, m)
				}
			})
		}
		group.Wait()
		total += len(told)
		told = nil
		if round == rounds || t.Failed() {
			break
		}

		var mu sync.Mutex
		var begun, cutOff atomic.Int64
		var interrupted atomic.Bool
		for range 16 {
			group.Go(func() {
				for {
					n := int(begun.Add(1)) - 1
					if n >= 50*len(names)*len(people) { // a user's 51st session ends the first
						return
					}
					jar, _ := cookiejar.New(nil)
					v := &visitor{http.Client{Jar: jar, Transport: net}, names[n%len(names)], people[n%len(people)]}
					response, page, err := v.signIn(d.home)
					switch {
					case err != nil:
						cutOff.Add(1)
						if !interrupted.Load() {
							t.Error(err)
						}
					case response.StatusCode != 200 || response.Request.URL.Path != "/profile":
						t.Errorf("%s: %d at %s\n%s", v.provider, response.StatusCode, response.Request.URL, page)
					}
					if v.signedIn(d.home) {
						mu.Lock()
						told = append(told, v)
						mu.Unlock()
					}
					if err != nil {
						return
					}
				}
			})
		}
		moment := time.Duration(moments.IntN(1000)) * time.Millisecond
		time.Sleep(moment)
		interrupted.Store(true)
		asked := time.Now()
		log := d.end()
		took := time.Since(asked)
		group.Wait()
		net.CloseIdleConnections()
		t.Logf("SIGINT after %v: %d begun, %d told to be signed in, %d cut off; ended after %v", moment, begun.Load(), len(told), cutOff.Load(), took)
		if took > 2*time.Second {
			t.Errorf("it ended only after %v", took)
		}
		if strings.Contains(log, "panic") || strings.Contains(log, "level=ERROR") {
			t.Errorf("its log:\n%s", log)
		}
		for _, m := range inTheLog.FindAllStringSubmatch(log, -1) {
			if user, ok := users[m[1]]; ok && user != m[2] {
				t.Errorf("%s was user %s, and is %s", m[1], user, m[2])
			}
			users[m[1]] = m[2]
		}
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if want := []string{"accounts.json", "key", "lock"}; err != nil || len(files) != len(want) {
			t.Errorf("in the directory are %q, want %q", files, want)
		}
	}
	if len(users) != len(names)*len(people) {
		t.Errorf("%d users", len(users))
	}
	t.Logf("INTERRUPT_SEED=%d: %d sign-ins that were told, none lost", seed, total)
}
