package web_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/oauthbyhand/oauth/web"
)

// pipes is a listener in memory.
type pipes struct {
	accept chan net.Conn
	closed chan struct{}
}

func newPipes() *pipes { return &pipes{make(chan net.Conn), make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.accept:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.closed)
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// TestServe: each phase of a request has its time and its size, and the end of the app too.
func TestServe(t *testing.T) {
	const get = "GET / HTTP/1.1\r\nHost: localhost\r\n"
	for name, row := range map[string]struct {
		sent  string
		work  time.Duration // of the handler, which then answers
		stop  time.Duration // when the app ends
		reply string        // its first line
		took  time.Duration // until the connection is closed
	}{
		"no header":            {"GET / HTTP/1.1\r\n", 0, time.Hour, "", 5 * time.Second},
		"no body":              {get + "Content-Length: 9\r\n\r\n", 0, time.Hour, "HTTP/1.1 200 OK", 10 * time.Second},
		"idle":                 {get + "\r\n", 0, time.Hour, "HTTP/1.1 200 OK", time.Minute},
		"29 s of work":         {get + "\r\n", 29 * time.Second, time.Hour, "HTTP/1.1 200 OK", 89 * time.Second},
		"31 s of work":         {get + "\r\n", 31 * time.Second, time.Hour, "", 31 * time.Second},
		"a header of 30 KB":    {get + "A: " + strings.Repeat("a", 30<<10) + "\r\n\r\n", 0, time.Hour, "HTTP/1.1 200 OK", time.Minute},
		"a header of 40 KB":    {get + "A: " + strings.Repeat("a", 40<<10) + "\r\n\r\n", 0, time.Hour, "HTTP/1.1 431 Request Header Fields Too Large", 500 * time.Millisecond}, // in which net/http lets the client read it,
		"the end, after 800ms": {get + "\r\n", 1800 * time.Millisecond, time.Second, "HTTP/1.1 200 OK", 1800 * time.Millisecond},
		"the end, too late":    {get + "\r\n", 2 * time.Second, time.Second, "", 1900 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), row.stop)
			defer cancel()
			listener, served := newPipes(), make(chan error, 1)
			handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				time.Sleep(row.work)
			})
			go func() {
				served <- web.Serve(ctx, map[net.Listener]http.Handler{listener: handler}, slog.New(slog.DiscardHandler))
			}()
			client, server := net.Pipe()
			listener.accept <- server
			began := time.Now()
			go io.WriteString(client, row.sent)
			answer, _ := io.ReadAll(client)
			took := time.Since(began)
			line, _, _ := strings.Cut(string(answer), "\r\n")
			if line != row.reply || took.Round(100*time.Millisecond) != row.took {
				t.Errorf("%s: %q after %v, want %q after %v", name, line, took, row.reply, row.took)
			}
			cancel()
			if err := <-served; err != nil {
				t.Errorf("%s: %v", name, err)
			}
			client.Close()
			time.Sleep(row.work) // until the handler has ended
		})
	}
}

// failing is a listener that fails.
type failing struct{ *pipes }

var errFailed = errors.New("failed")

func (failing) Accept() (net.Conn, error) { return nil, errFailed }

// TestServeFails: if one listener fails, Serve closes all and returns its error. What a
// server has to say, as of a handler that panics, goes to the log.
func TestServeFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := newPipes(), failing{newPipes()}
		err := web.Serve(t.Context(), map[net.Listener]http.Handler{one: nil, two: nil}, slog.New(slog.DiscardHandler))
		if !errors.Is(err, errFailed) {
			t.Errorf("error %v, want %v", err, errFailed)
		}
		<-one.closed

		var log bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		client, server := net.Pipe()
		three := newPipes()
		go func() { three.accept <- server }()
		go io.WriteString(client, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
		panics := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a mistake") })
		if err := web.Serve(ctx, map[net.Listener]http.Handler{three: panics}, slog.New(slog.NewTextHandler(&log, nil))); err != nil {
			t.Error(err)
		}
		if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "a mistake") {
			t.Errorf("in the log: %s", &log)
		}
	})
}
