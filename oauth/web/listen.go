package web

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Visible returns addr as a browser on this machine could write it. If addr has no host, or one
// that means all addresses (such as 0.0.0.0), the host of the result is name.
func Visible(addr, name string) string {
	host, port, _ := net.SplitHostPort(addr)
	if host == "" || net.ParseIP(host).IsUnspecified() {
		host = name
	}
	return net.JoinHostPort(host, port)
}

// Listen listens on addr. If that fails and next is set, it tries the next 20 ports. With port 0
// the system chooses a port. Listen sets addr to the port that it got. The host localhost
// means 127.0.0.1, and also ::1 if this machine has it. Errors name flagName, the flag that addr
// comes from.
func Listen(flagName string, addr *string, next bool) ([]net.Listener, error) {
	host, portText, err := net.SplitHostPort(*addr)
	port, notNumber := strconv.Atoi(portText)
	if err := cmp.Or(err, notNumber); err != nil {
		return nil, fmt.Errorf("%s %q: want host:port, like localhost:8080", flagName, *addr)
	}
	hosts := []string{host}
	if host == "localhost" {
		hosts = []string{"127.0.0.1", "::1"}
	}
	for tries := 0; ; tries++ {
		listeners, err := listenAll(hosts, &port)
		if err == nil {
			*addr = net.JoinHostPort(host, strconv.Itoa(port))
			return listeners, nil
		}
		if !next || tries == 20 {
			return nil, fmt.Errorf("%s %s: %w; take another port", flagName, *addr, err)
		}
		port++
	}
}

// listenAll listens on one port of all hosts. It skips the second host if this machine does not
// have it. If another program has that host's port, listenAll fails, because some browsers would
// go to that program.
func listenAll(hosts []string, port *int) ([]net.Listener, error) {
	var listeners []net.Listener
	for i, host := range hosts {
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(*port)))
		if err == nil {
			*port = l.Addr().(*net.TCPAddr).Port
			listeners = append(listeners, l)
		} else if i == 0 || exists(host) {
			for _, l := range listeners {
				l.Close()
			}
			return nil, err
		}
	}
	return listeners, nil
}

// exists reports whether this machine has host. A machine without IPv6 has no ::1.
func exists(host string) bool {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return false
	}
	l.Close()
	return true
}

// Serve serves each handler on its listener until ctx ends. Then it waits at most 900 ms for
// requests under way, and returns nil. If a listener fails earlier, Serve stops all of them in
// the same way and returns the error.
func Serve(ctx context.Context, handlers map[net.Listener]http.Handler, log *slog.Logger) error {
	ended := make(chan error, len(handlers))
	var servers []*http.Server
	for listener, handler := range handlers {
		server := &http.Server{
			Handler:           handler,
			ReadHeaderTimeout: 5 * time.Second,
			ReadTimeout:       10 * time.Second,
			WriteTimeout:      40 * time.Second, // a button may need 15 s, and then a refresh 15 s more
			IdleTimeout:       time.Minute,
			MaxHeaderBytes:    32 << 10,
			ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		}
		servers = append(servers, server)
		go func() { ended <- server.Serve(listener) }()
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-ended:
	}
	grace, cancel := context.WithTimeout(context.Background(), 900*time.Millisecond)
	defer cancel()
	for _, server := range servers {
		if server.Shutdown(grace) != nil {
			server.Close()
		}
	}
	return err
}
