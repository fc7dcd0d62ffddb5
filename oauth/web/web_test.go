package web

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseBaseURLRefuses(t *testing.T) {
	const want = "-base-url %q: want a scheme and a host, like https://app.example.com"
	for _, raw := range []string{"https://app.example:x", "https://:8080", "ftp://localhost", "localhost:8080", ""} {
		if u, err := ParseBaseURL(raw); u != nil || err == nil || err.Error() != fmt.Sprintf(want, raw) {
			t.Errorf("%q: %v, %v", raw, u, err)
		}
	}
}

// The answers under other host names: 303 redirects to the base URL, 421 is the answer of other,
// and 404 is the answer of next.
func TestOneHost(t *testing.T) {
	const local = "http://localhost:8080"
	for _, row := range []struct {
		base, method, host, target string
		status                     int
		location, reason           string
	}{
		{local, "GET", "127.0.0.1:8080", "/?next=/profile", 303, local + "/?next=/profile", "this machine by another name"},
		{local, "GET", "[::1]:8080", "/login/google", 303, local + "/login/google", "the cookie must be set where the callback will look for it"},
		{local, "GET", "127.0.0.1:8080", "/callback/google?code=x", 421, "", "its cookie cannot be there; a redirect would carry the code around"},
		{local, "POST", "127.0.0.1:8080", "/logout", 421, "", "a redirect would drop the form"},
		{local, "GET", "127.0.0.1:8080", "*", 421, "", "there is no such page to lead to"},
		{local, "GET", "127.0.0.1:9999", "/", 421, "", "a forwarded port: a redirect could lead nowhere"},
		{local, "GET", "evil.example:8080", "/", 421, "", "DNS rebinding, at the right port"},
		{local, "GET", "evil.example:8080", "/static/style.css", 404, "", "the page's style"},
		{local, "GET", "127.0.0.1:%zz", "/", 421, "", "no host at all"},
		{local, "GET", "LOCALHOST:8080", "/", 404, "", "host names have no case"},
		{"https://app.example:8080", "GET", "127.0.0.1:8080", "/", 421, "", "an app elsewhere, asked by a proxy of its machine"},
	} {
		base, err := url.Parse(row.base)
		if err != nil {
			t.Fatal(err)
		}
		w, r := httptest.NewRecorder(), httptest.NewRequest(row.method, "/", nil)
		r.Host = row.host
		if r.URL, err = url.ParseRequestURI(row.target); err != nil {
			t.Fatal(err)
		}
		if row.target == "*" {
			r.URL = &url.URL{Opaque: "*"}
		}
		other := func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusMisdirectedRequest) }
		OneHost(base, other, http.NotFoundHandler()).ServeHTTP(w, r)
		if got := w.Header().Get("Location"); w.Code != row.status || got != row.location {
			t.Errorf("%s at %s: %d to %q, want %d to %q: %s", row.host, row.base, w.Code, got, row.status, row.location, row.reason)
		}
	}
}

func TestGetOnly(t *testing.T) {
	w := httptest.NewRecorder()
	GetOnly(func(http.ResponseWriter, *http.Request) { t.Error("HEAD goes through") })(w, httptest.NewRequest("HEAD", "/", nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET" {
		t.Errorf("HEAD: %d, Allow %q, want 405 and GET", w.Code, w.Header().Get("Allow"))
	}
}

func TestLocalPathLength(t *testing.T) {
	for length, want := range map[int]int{512: 512, 513: 0} {
		if got := LocalPath("/" + strings.Repeat("a", length-1)); len(got) != want {
			t.Errorf("%d bytes: %q", length, got)
		}
	}
}

func TestVisible(t *testing.T) {
	for addr, want := range map[string]string{
		":80": "name:80", "0.0.0.0:80": "name:80", "[::]:80": "name:80", "10.0.0.1:80": "10.0.0.1:80", "app.example:80": "app.example:80",
	} {
		if got := Visible(addr, "name"); got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
}

// localhost has one port at all its addresses. If that port is taken at one of them, Listen tries
// the next port or fails.
func TestListen(t *testing.T) {
	listen := func(addr string, next bool) (string, []net.Listener, error) {
		listeners, err := Listen("-addr", &addr, next)
		for _, l := range listeners {
			t.Cleanup(func() { l.Close() })
		}
		return addr, listeners, err
	}
	for _, addr := range []string{"x", "localhost:x", "localhost:99999999999999999999"} {
		if _, _, err := listen(addr, true); err == nil || err.Error() != fmt.Sprintf("-addr %q: want host:port, like localhost:8080", addr) {
			t.Errorf("%s: %v", addr, err)
		}
	}
	addr, listeners, err := listen("localhost:0", false)
	if err != nil {
		t.Fatal(err)
	}
	hosts := []string{"127.0.0.1", "[::1]"}
	if !exists("::1") {
		hosts = hosts[:1]
	}
	_, port, _ := strings.Cut(addr, ":")
	var got, want []string
	for _, l := range listeners {
		got = append(got, l.Addr().String())
	}
	for _, host := range hosts {
		want = append(want, host+":"+port)
	}
	if diff := cmp.Diff(want, got); diff != "" || port == "0" {
		t.Errorf("at %s (-want +got)\n%s", addr, diff)
	}
	if !exists("127.0.0.1") {
		t.Error("127.0.0.1 is not taken for this machine")
	}
	if exists("192.0.2.1") { // no machine has it: it is for documentation (RFC 5737)
		t.Error("192.0.2.1 is taken for this machine")
	}
	if _, _, err := listen("192.0.2.1:0", false); err == nil {
		t.Error("listening at 192.0.2.1")
	}
	// If only the last address is taken, Listen closes the others.
	listeners[0].Close()
	if len(listeners) > 1 {
		if _, _, err := listen(addr, false); err == nil || !strings.HasPrefix(err.Error(), "-addr "+addr+": ") || !strings.HasSuffix(err.Error(), "; take another port") {
			t.Errorf("the port is taken on one of two names: %v", err)
		}
		again, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err != nil {
			t.Fatalf("it was not given back: %v", err)
		}
		again.Close()
		after, _, err := listen(addr, true)
		number, _ := strconv.Atoi(port)
		if err != nil || after == addr || after == "localhost:0" {
			t.Errorf("after %d comes %s, %v", number, after, err)
		}
	}
}

// pipes is a listener in memory.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipes() *pipes { return &pipes{make(chan net.Conn), make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// ask sends a request, and returns the client's end.
func (p *pipes) ask(path string) net.Conn {
	client, server := net.Pipe()
	p.conns <- server
	fmt.Fprintf(client, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path)
	return client
}

func TestServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var logged bytes.Buffer
		release, served := make(chan struct{}), make(chan *http.Server, 2)
		quick := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			served <- r.Context().Value(http.ServerContextKey).(*http.Server)
		})
		slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/hang" {
				<-r.Context().Done()
				return
			}
			<-release
		})
		one, two := newPipes(), newPipes()
		ended := make(chan error)
		go func() {
			ended <- Serve(ctx, map[net.Listener]http.Handler{one: quick, two: slow}, slog.New(slog.NewTextHandler(&logged, nil)))
		}()
		client := one.ask("/")
		response, err := http.ReadResponse(bufio.NewReader(client), nil)
		if err != nil || response.StatusCode != 200 {
			t.Fatalf("%v, %v", response, err)
		}
		s := <-served
		got := []any{s.ReadHeaderTimeout, s.ReadTimeout, s.WriteTimeout, s.IdleTimeout, s.MaxHeaderBytes}
		want := []any{5 * time.Second, 10 * time.Second, 40 * time.Second, time.Minute, 32 << 10}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("header, read, write, idle, header bytes (-want +got)\n%s", diff)
		}
		s.ErrorLog.Print("boom")
		if !strings.Contains(logged.String(), "level=WARN msg=boom") {
			t.Errorf("the log holds %q", logged.String())
		}

		// At the end Serve waits for a request under way, but not for long.
		finishing, hanging := two.ask("/"), two.ask("/hang")
		synctest.Wait()
		began := time.Now()
		stop()
		release <- struct{}{}
		if answer, err := http.ReadResponse(bufio.NewReader(finishing), nil); err != nil || answer.StatusCode != 200 {
			t.Errorf("the request under way got %v, %v", answer, err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if waited := time.Since(began); waited != 900*time.Millisecond {
			t.Errorf("waited %s", waited)
		}
		if _, err := io.ReadAll(hanging); err != nil {
			t.Errorf("the other one's connection is not closed: %v", err)
		}
		for _, l := range []*pipes{one, two} {
			select {
			case <-l.closed:
			default:
				t.Error("a listener is still open")
			}
		}
	})
}

// A listener that fails ends Serve.
func TestServeFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := Serve(t.Context(), map[net.Listener]http.Handler{failingListener{newPipes()}: http.NotFoundHandler()}, slog.New(slog.DiscardHandler))
		if err != io.ErrUnexpectedEOF {
			t.Errorf("got %v", err)
		}
	})
}

type failingListener struct{ *pipes }

func (failingListener) Accept() (net.Conn, error) { return nil, io.ErrUnexpectedEOF }
